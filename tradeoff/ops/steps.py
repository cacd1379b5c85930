"""A computation cut into named steps, so that it can be timed and counted whole or step by step."""

from collections.abc import Callable, Sequence
from typing import Any

Step = tuple[str, Callable[[Any], Any]]  # its name, and what it does with what the one before gave


def follow(steps: Sequence[Step], value: Any) -> Any:
    """Do all steps, each with what the one before gave."""
    for _, step in steps:
        value = step(value)
    return value
