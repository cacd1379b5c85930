"""Why a ratio that was told by turns is not to be trusted, in words."""

import math
from collections.abc import Sequence

from tradeoff.probes.signed_rank import FEWEST, centre

#: probability that the interval of one look is wrong. To end at the first look at which it is narrow picks those that
#: happen to be: with 5 % a look, 6.5 % of simulated comparisons ended wrong; with this, less than 5 %
WRONG = 0.025


def doubts(logs: Sequence[float], inputs: int, zone: float) -> list[str]:
    """Say in words why a ratio is not to be trusted and what to do next; an empty list when it is.

    Args:
        logs: of the ratios, round by round; round i took input i modulo `inputs`.
        inputs: at least 1.
        zone: ratios between 1 / (1 + zone) and 1 + zone count as the same.
    """
    told = (_cut_off(logs, inputs), _undecided(logs, zone), _changed(logs, inputs))
    return [reason for reason in told if reason]


def _cut_off(logs: Sequence[float], inputs: int) -> str | None:
    """Doubt a ratio of a part of the inputs."""
    if len(logs) >= inputs:
        return None
    return f"only {len(logs)} of {inputs} inputs were taken; give it more time, or fewer inputs"


def _undecided(logs: Sequence[float], zone: float) -> str | None:
    """Doubt a ratio of which more time would tell more than it does: whether it matters."""
    _, low, high = centre(logs, WRONG)
    edge = math.log1p(zone)
    if high - low <= edge or low > edge or high < -edge or -edge <= low <= high <= edge:
        return None
    return (
        f"the ratio is known to ±{100 * math.expm1((high - low) / 2):.1f} % only, after {len(logs)} rounds; "
        "give it more time, or close other programs"
    )


def _changed(logs: Sequence[float], inputs: int) -> str | None:
    """Doubt a ratio that became another; told from halves that took the same inputs equally often."""
    half = len(logs) // inputs // 2 * inputs
    if half < FEWEST:
        return None
    before, low_before, high_before = centre(logs[:half], WRONG)
    after, low_after, high_after = centre(logs[half : 2 * half], WRONG)
    if high_before >= low_after and high_after >= low_before:
        return None
    changed_pct = 100 * math.expm1(after - before)
    return f"the ratio changed by {changed_pct:+.1f} % while it was measured; let the machine settle, run again"
