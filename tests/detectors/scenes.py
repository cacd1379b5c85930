"""Fixed simple pictures and small detectors for the tests of this folder."""

import torch
import yaml

from tradeoff import config
from tradeoff.ops.structures import Batch, Targets

SIZE = 96


def build(
    meta_arch: str,
    extractor: str = "tiny",
    *,
    classes: int = 2,
    size: int = SIZE,
    append_ground_truth=False,
    **options,
):
    """Build a detector from the yaml files of its parts and of their pair, as a command would."""
    pair = config.home() / "conf" / "pair" / f"{meta_arch}_{extractor}.yaml"
    own = yaml.safe_load(pair.read_text()).get("meta_arch", {})
    head = config.recipe({**config.load("meta_arch", meta_arch), **own, **options}, "meta_arch.")
    body = config.recipe(config.load("extractor", extractor), "extractor.")
    strides = (16,) if head.TWO_STAGE else body.ssd_strides
    parts = {"extractor": body.build(level_strides=strides, tail=head.TWO_STAGE, stride=16)}
    if head.TWO_STAGE:
        parts |= {"train_proposals": 50, "append_ground_truth": append_ground_truth}
    return head.build(**parts, classes=classes, size=size)


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
