"""The learning rate of a step, by hand and against torch's own schedulers."""

import pytest
import torch

from tradeoff.recipes.train import Training
from tradeoff.stages.schedule import rate


def of_torch(scheduler, steps, **options):
    """Return the rates of one of torch's schedulers, from a peak of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = scheduler(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def ours(training, steps):
    return [rate(training, step, step / steps) for step in range(steps)]


def test_warm_up_and_schedules_by_hand():
    cosine = Training(schedule="cosine", warmup_steps=4, steps=100)
    assert rate(cosine, 0, 0.0) == pytest.approx(0.25)  # a quarter of the warm-up
    assert rate(cosine, 50, 0.5) == pytest.approx(0.5)  # (1 + cos(pi / 2)) / 2
    assert rate(cosine, 100, 1.0) == pytest.approx(0.0)
    steps = Training(schedule="steps", drop_steps=(10, 20), drop_factor=0.1)
    assert [rate(steps, at, 0) for at in (9, 10, 20)] == pytest.approx([1.0, 0.1, 0.01])
    assert rate(Training(), 7, 0.7) == 1.0


def test_the_stepped_warm_up_of_the_study():
    """0.64 of the rate for 10,000 steps, 0.8 for 10,000, then all of it (Huang et al. 2017, section 3)."""
    training = Training(warmup_steps=20_000, warmup_factors=(0.64, 0.8))
    wanted = {0: 0.64, 9_999: 0.64, 10_000: 0.8, 19_999: 0.8, 20_000: 1.0, 900_000: 1.0}
    assert {step: rate(training, step, 0) for step in wanted} == wanted


def test_the_exponential_decay_of_the_study():
    """× 0.95 every 800,000 steps (Huang et al. 2017, section 3), at once."""
    training = Training(schedule="exponential")
    assert [rate(training, step, 0) for step in (0, 799_999, 800_000, 1_600_000)] == pytest.approx(
        [1, 1, 0.95, 0.95**2]
    )


def test_exponential_decay_is_that_of_torch_with_and_without_stairs():
    stairs = Training(schedule="exponential", decay_steps=7, decay_factor=0.5)
    assert ours(stairs, 30) == pytest.approx(of_torch(torch.optim.lr_scheduler.StepLR, 30, step_size=7, gamma=0.5))
    smooth = Training(schedule="exponential", decay_steps=7, decay_factor=0.5, staircase=False)
    wanted = of_torch(torch.optim.lr_scheduler.ExponentialLR, 30, gamma=0.5 ** (1 / 7))
    assert ours(smooth, 30) == pytest.approx(wanted)


def test_steps_and_cosine_are_those_of_torch():
    steps = Training(schedule="steps", drop_steps=(5, 11), drop_factor=0.3)
    wanted = of_torch(torch.optim.lr_scheduler.MultiStepLR, 20, milestones=[5, 11], gamma=0.3)
    assert ours(steps, 20) == pytest.approx(wanted)
    cosine = Training(schedule="cosine", steps=20)
    assert ours(cosine, 20) == pytest.approx(of_torch(torch.optim.lr_scheduler.CosineAnnealingLR, 20, T_max=20))


def test_warm_up_multiplies_whatever_schedule():
    training = Training(schedule="steps", drop_steps=(2,), drop_factor=0.1, warmup_steps=4)
    assert [rate(training, step, 0) for step in range(5)] == pytest.approx([0.25, 0.5, 0.075, 0.1, 0.1])
