"""The learning rate of a step."""

import math

from tradeoff.recipes.train import Training


def rate(training: Training, step: int, fraction: float) -> float:
    """Return the learning rate of a step as a fraction of its peak.

    Args:
        training: names the schedule and its warm-up.
        step: from 0.
        fraction: how far the training is, 0..1; the cosine follows it, the other schedules follow the steps.
    """
    return warmup(training, step) * fall(training, step, fraction)


def warmup(training: Training, step: int) -> float:
    """Return what warm-up makes of the rate: a straight line, or factors in equal parts.

    Source: the factors are those of Huang et al. 2017, section 3, for SSD on VGG and ResNet-101.
    """
    if step >= training.warmup_steps:
        return 1.0
    factors = training.warmup_factors
    if factors:
        return factors[step * len(factors) // training.warmup_steps]
    return (step + 1) / training.warmup_steps


def fall(training: Training, step: int, fraction: float) -> float:
    """Return what the schedule makes of the rate."""
    if training.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * fraction))
    if training.schedule == "steps":
        return float(training.drop_factor ** sum(step >= drop for drop in training.drop_steps))
    if training.schedule == "exponential":
        intervals = step / training.decay_steps
        return float(training.decay_factor ** (math.floor(intervals) if training.staircase else intervals))
    return 1.0
