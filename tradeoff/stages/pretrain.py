"""Pretrain an extractor on shapes, as the study's were on ImageNet: tell the class of the object in a crop.

The result is the backbone alone, in half precision. Detectors that start from it (`extractor.weights=shapes`) have
new heads; the pictures are of another seed than any training or validation of a study takes by default.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.data.dataset import Dataset, Example
from tradeoff.data.loader import load
from tradeoff.extractors.state import backbone_state
from tradeoff.recipes.data import Shapes
from tradeoff.recipes.extractors import Extractor

SEED = 20_170_411  # of the pictures; a study's seeds are small


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """How to pretrain: a schedule in steps, so that it is the same on every machine."""

    steps: int = 4000
    batch_size: int = 64
    crop_px: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    workers: int = 1


def pretrain(
    recipe: Extractor, options: Pretraining, report: Callable[[int, float], None]
) -> tuple[dict[str, Tensor], float]:
    """Train the backbone of an extractor to classify crops.

    Args:
        recipe: the extractor, from scratch.
        options: the schedule.
        report: takes the step and the share of right answers of late.

    Returns: the backbone's state dict, floating-point tensors in half precision, and the last share of right answers.
    """
    torch.manual_seed(0)
    data = Shapes()
    extractor = recipe.build(level_strides=(16,), tail=True)
    tail = extractor.tail()
    classifier = nn.Linear(tail.out_channels, len(data.train_split(SEED).build().classes))
    network = nn.ModuleList([extractor, tail, classifier]).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    right = 0.0
    for step, (crops, labels) in zip(range(options.steps), batches(data, options), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * rate(step, options.steps)
        (features,) = extractor(crops).values()
        scores = classifier(tail(features).mean(dim=(2, 3)))
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(scores, labels).backward()
        optimizer.step()
        right += 0.02 * (float((scores.argmax(1) == labels).float().mean()) - right)
        report(step + 1, right)
    return half(backbone_state(extractor, tail)), right


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with its floating-point tensors in half precision."""
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}


def rate(step: int, steps: int) -> float:
    """Return the learning rate as a fraction of its peak: 100 steps of warm-up, then a cosine."""
    return min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / steps))


def batches(data: Shapes, options: Pretraining) -> Iterator[tuple[Tensor, Tensor]]:
    """Return endless batches of crops (N, 3, c, c) float 0..1 and their labels (N,)."""
    dataset = data.train_split(SEED).build()
    loaded = load(partial(batch, dataset, options), count(), options.workers)
    for crops, labels in loaded:
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        yield images.contiguous(memory_format=torch.channels_last), torch.from_numpy(labels)


def batch(dataset: Dataset, options: Pretraining, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return one batch of crops (N, c, c, 3) uint8 and labels (N,), a function of its number alone."""
    random = np.random.default_rng((SEED, number))
    crops: list[Any] = []
    labels: list[int] = []
    index = number * options.batch_size  # a picture holds at least one object, so no picture is met twice
    while len(crops) < options.batch_size:
        example = dataset.example(index)
        crops += [crop(example, box, options.crop_px, random) for box in example.boxes]
        labels += example.labels.tolist()
        index += 1
    return np.stack(crops[: options.batch_size]), np.array(labels[: options.batch_size], np.int64)


def crop(example: Example, box: NDArray[np.float64], side_px: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Cut a square around an object, which fills a third to all of it, somewhat off its middle."""
    centre, size = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    side = size / math.exp(random.uniform(math.log(0.33), math.log(1.1)))
    left, top = centre + random.uniform(-0.15, 0.15, 2) * side - side / 2
    window = (int(left), int(top), int(left + side) + 1, int(top + side) + 1)
    cut = Image.fromarray(example.image).crop(window)
    return np.asarray(cut.resize((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=2.0))
