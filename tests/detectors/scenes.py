"""Fixed simple pictures and small detectors for the tests of this folder."""

import torch
from torch import nn

from tradeoff import config
from tradeoff.core.types import Level
from tradeoff.ops.structures import Batch, Targets

SIZE = 96


class TwoLevels(nn.Module):
    """A body with levels of stride 8 and 16, such as VGG-16 gives to SSD, in a few channels."""

    levels = (Level("conv4", 8, 8), Level("fc7", 16, 16))

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 7, 4, 3), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())

    def forward(self, images):
        conv4 = self.first(images)
        return {"conv4": conv4, "fc7": self.second(conv4)}


def build(
    meta_arch: str,
    extractor: str = "tiny",
    *,
    classes: int = 2,
    size: int = SIZE,
    append_ground_truth=False,
    **options,
):
    """Build a detector from the yaml files of its parts and of their pair, if any, as a command would."""
    pair = config.pair(meta_arch, extractor)
    own = config.load("pair", pair).get("meta_arch", {}) if pair in config.choices("pair") else {}
    head = config.recipe({**config.load("meta_arch", meta_arch), **own, **options}, "meta_arch.")
    body = config.recipe(config.load("extractor", extractor), "extractor.")
    strides = (16,) if head.TWO_STAGE else body.ssd_strides
    parts = {"extractor": body.build(level_strides=strides, tail=head.TWO_STAGE)}
    if head.TWO_STAGE:
        parts |= {"train_proposals": 50, "append_ground_truth": append_ground_truth}
    return head.build(**parts, classes=classes, size=size)


def build_ssd_on(extractor: nn.Module, meta_arch: str, *, classes: int, size: int, **options):
    """Build a single-stage detector of a yaml file on an extractor that is a module."""
    head = config.recipe({**config.load("meta_arch", meta_arch), **options}, "meta_arch.")
    strides = tuple(level.stride_px for level in extractor.levels)
    head.check_parts(size=size, level_strides=strides, batch_size=None)
    return head.build(extractor=extractor, classes=classes, size=size)


def rectangles(images: int, objects: int = 2, size: int = SIZE) -> Batch:
    """Draw red (class 0) and blue (class 1) rectangles on noise; none overlaps another."""
    generator = torch.Generator().manual_seed(7)
    pixels = 0.4 + 0.2 * torch.rand(images, 3, size, size, generator=generator)
    targets = []
    for image in pixels:
        boxes, labels = [], []
        for column in range(objects):
            width, height = torch.randint(22, 44, (2,), generator=generator).tolist()
            x = column * size // objects + int(
                torch.randint(0, size // objects - width + 1, (1,), generator=generator)
            )
            y = int(torch.randint(0, size - height + 1, (1,), generator=generator))
            label = int(torch.randint(0, 2, (1,), generator=generator))
            image[:, y : y + height, x : x + width] = torch.eye(3)[2 * label][:, None, None]
            boxes.append([x, y, x + width, y + height])
            labels.append(label)
        crowd = torch.zeros(objects, dtype=torch.bool)
        targets.append(Targets(torch.tensor(boxes, dtype=torch.float32), torch.tensor(labels), crowd))
    return Batch(pixels, torch.full((images, 2), float(size)), targets)


def nothing() -> Targets:
    """Return the targets of an image without objects."""
    return Targets(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.bool))


def crowd_of(box: list[float], beside: Targets) -> Targets:
    """Add a crowd to the targets of an image."""
    return Targets(
        torch.cat([beside.boxes, torch.tensor([box])]),
        torch.cat([beside.labels, torch.zeros(1, dtype=torch.int64)]),
        torch.cat([beside.crowd, torch.ones(1, dtype=torch.bool)]),
    )
