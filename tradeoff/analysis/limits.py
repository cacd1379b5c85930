"""What a budget can limit. Reads no table, so that `--help` answers at once."""

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Literal

from tradeoff.core.errors import ConfigError


@dataclass(frozen=True)
class Limit:
    """One word of a budget.

    word: of the command and of `pick`, such as max_latency_ms. column: what it limits; time_ms is the median of a
    call, or its mean where a table has only that. sense: at most or at least. title, unit: as a reader is told.
    """

    word: str
    column: str
    sense: Literal["most", "least"]
    title: str
    unit: str = ""

    @property
    def option(self) -> str:
        """The word as it is given on the command line."""
        return f"--{self.word.replace('_', '-')}"

    def told(self, value: float) -> str:
        """Word a value with its unit."""
        return f"{value:.4g} {self.unit}".rstrip()

    def loose(self, value: float) -> float:
        """Return a value with four digits that, as a bound, keeps it: rounded up where it is at most, else down."""
        way = ROUND_CEILING if self.sense == "most" else ROUND_FLOOR
        return float(Context(prec=4, rounding=way).create_decimal(repr(float(value))))

    def off(self, value: float, bound: float) -> str:
        """Word how far a value is from a bound, with its unit; a bound moved by so much keeps it."""
        exact = Decimal(repr(self.loose(value))) - Decimal(repr(float(bound)))
        far = Context(prec=4, rounding=ROUND_CEILING).create_decimal(abs(exact))
        return self.told(float(far))


LIMITS = (
    Limit("max_latency_ms", "time_ms", "most", "time of a call", "ms"),
    Limit("max_memory_mb", "peak_memory_mb", "most", "peak memory", "MB"),
    Limit("max_energy_j", "energy_j", "most", "energy per image", "J"),
    Limit("max_params", "params", "most", "parameters"),
    Limit("max_gmacs", "gmacs", "most", "multiply-adds", "GMACs"),
    Limit("min_ap", "ap", "least", "AP"),
    Limit("min_ap_small", "ap_small", "least", "AP of small objects"),
    Limit("min_ap_medium", "ap_medium", "least", "AP of medium objects"),
    Limit("min_ap_large", "ap_large", "least", "AP of large objects"),
)
Budget = dict[Limit, float]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let a command take every limit."""
    for limit in LIMITS:
        doc = f"{limit.title}, at {limit.sense}{f', {limit.unit}' if limit.unit else ''}"
        parser.add_argument(limit.option, metavar="NUMBER", type=float, help=doc)


def budget(bounds: Mapping[str, float | None]) -> Budget:
    """Return the limits that are set; None sets none.

    Raises:
        ConfigError: with every word that is none, and every bound that no number can keep.
    """
    words = {limit.word: limit for limit in LIMITS}
    faults = [f"{word}: no such limit; there are {', '.join(words)}" for word in bounds if word not in words]
    given = {words[word]: bound for word, bound in bounds.items() if word in words and bound is not None}
    faults += [fault for limit, bound in given.items() if (fault := impossible(limit, bound))]
    if faults:
        raise ConfigError(faults)
    return given


def impossible(limit: Limit, bound: float) -> str | None:
    """Word why no model can keep a bound, or say nothing where one can."""
    if limit.sense == "most":
        good = math.isfinite(bound) and bound > 0
        return None if good else f"{limit.option} {bound:g}: expected a number above 0"
    if 0 <= bound <= 1:
        return None
    hint = f"; for {bound:g} % give {bound / 100:g}" if 1 < bound <= 100 else ""
    return f"{limit.option} {bound:g}: expected a number of 0..1, as the column {limit.column!r} has it{hint}"


def given(told: argparse.Namespace) -> Budget:
    """Return the limits that a command was given.

    Raises:
        ConfigError: when one is no bound.
    """
    return budget({limit.word: getattr(told, limit.word) for limit in LIMITS})
