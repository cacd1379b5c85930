"""Processes: which descend from one, which are alive, and how to wait for them."""

import time
from collections.abc import Callable
from pathlib import Path


def state(pid: int) -> tuple[str, int]:
    """Return the state letter of a process and its parent; ("Z", 0) for one that is gone."""
    try:
        letter, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "Z", 0
    return letter, int(parent)


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    return state(pid)[0] != "Z"


def family(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    parents = {int(path.name): state(int(path.name))[1] for path in Path("/proc").glob("[0-9]*")}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def until(condition: Callable[[], bool], limit_s: float) -> None:
    """Wait until a condition holds, and fail when it does not within a time."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s} s"
        time.sleep(0.05)
