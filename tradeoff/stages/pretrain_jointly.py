"""Pretrain an extractor by detecting: several detectors take turns to train one and the same backbone.

Classification (`pretrain`) teaches a backbone what the shapes are; this teaches it where they are. The detectors
share the very modules of the backbone, each has a head of its own, and only the backbone is kept. Batch norm collects
its statistics from single-stage detectors alone: two-stage ones meet it frozen, as they will when they start from it,
and a tail sees crops in one of them and whole maps in the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.data.loader import train_batches
from tradeoff.extractors.state import backbone_state
from tradeoff.ops.structures import Batch
from tradeoff.recipes.stages import Train
from tradeoff.stages.network import build
from tradeoff.stages.pretrain import SEED, half, rate


@dataclass(frozen=True, kw_only=True)
class JointPretraining:
    """How to pretrain: a schedule in steps, so that it is the same on every machine."""

    steps: int = 12_000
    batch_size: int = 8
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    clip_norm: float = 10.0


def pretrain_jointly(
    stages: Sequence[Train], options: JointPretraining
) -> Iterator[tuple[int, dict[str, float], Callable[[], dict[str, Tensor]]]]:
    """Train the backbone that the detectors of some stages share; step i belongs to detector i modulo their number.

    Args:
        stages: the detectors, the first of which has the whole backbone in its extractor, as SSD has.
        options: the schedule.

    Yields: after each round, the steps done, the latest losses by meta-architecture, and a function that returns the
        backbone's state dict as it is then, floating-point tensors in half precision.
    """
    detectors = [
        build(stage, len(stage.split.build().classes)).to(memory_format=torch.channels_last).train()
        for stage in stages
    ]
    for detector in detectors[1:]:
        share(detectors[0].extractor.body, detector.extractor.body, detector.head.tail)
    streams = [batches(stage, options.batch_size, SEED + i) for i, stage in enumerate(stages)]
    parameters = list(nn.ModuleList(detectors).parameters())
    optimizer = torch.optim.AdamW(parameters, lr=options.learning_rate, weight_decay=options.weight_decay)
    losses: dict[str, float] = {}
    turns = cycle(zip(stages, detectors, streams, strict=True))
    for step, (stage, detector, stream) in zip(range(options.steps), turns, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * rate(step, options.steps)
        collect_statistics(detectors[0].extractor, not stage.meta_arch.TWO_STAGE)
        loss = torch.stack(list(detector.losses(next(stream)).values())).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, options.clip_norm)
        optimizer.step()
        losses[type(stage.meta_arch).__name__] = float(loss.detach())
        if (step + 1) % len(stages) == 0:
            yield step + 1, losses, lambda: half(backbone_state(detectors[0].extractor, None))


def collect_statistics(extractor: nn.Module, collect: bool) -> None:
    """Let batch norm use and collect the statistics of a batch, or use those that it has."""
    for layer in extractor.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.train(collect)


def share(whole: Any, *parts: Any) -> None:
    """Make the modules of some chains those of the whole backbone."""
    for part in parts:
        for name in part.names:
            setattr(part, name, getattr(whole, name))


def batches(stage: Train, batch_size: int, seed: int) -> Iterator[Batch]:
    """Return the endless batches of one detector, from a stream of its own."""
    return train_batches(
        stage.split,
        size=stage.size,
        resizer=stage.meta_arch.RESIZER,
        batch_size=batch_size,
        first_step=seed % 1_000_000,
        seed=seed,
        flip=True,
        workers=1,
    )
