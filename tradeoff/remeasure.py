"""Two runs timed by turns on this machine: what `python -m tradeoff.compare A B --remeasure` does."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradeoff.core import worker
from tradeoff.core.errors import ConfigError
from tradeoff.core.files import write_atomic
from tradeoff.core.machine import Machine, detect
from tradeoff.core.progress import Progress
from tradeoff.core.rows import make_folder
from tradeoff.core.store import Context, Store
from tradeoff.recall import stages_of
from tradeoff.recipes.stages import Measure

Row = dict[str, Any]

#: columns that make a call of two detectors another thing altogether
SAME = {
    "data": "detectors of other pictures have no images in common",
    "batch_size": "calls of different numbers of images cannot be set against each other",
}
#: columns that are worth telling where they differ, for the ratio is then of more than the detectors
VERSIONS = ("torch_version", "torchvision_version", "driver_version")
TOLD = ("precision", "size", "latency_mode", "device", "device_name", *VERSIONS)
#: what is kept beside the answer, not in it
KEPT = ("rounds_ms", "orders", "state")
#: a number that a question may have, exclusive
MOST = 1e6
MEANING = {
    "FAST": "A is FAST: it takes less time than B",
    "SLOW": "A is SLOW: it takes more time than B",
    "SAME": "SAME: what difference there is does not matter",
    "CANNOT TELL": "CANNOT TELL: A may be faster or slower",
}


@dataclass(frozen=True)
class Question:
    """How two runs are timed: where, until the ratio is known to half of `zone_pct`, for `max_s` seconds at most."""

    device: str | None = None
    zone_pct: float = 1.0
    max_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("zone_pct", "max_s"):
            value = getattr(self, name)
            if not 0 < value < MOST:
                raise ConfigError(f"{name}={value}: expected a number above 0 and below {MOST:,.0f}")


def by_time(a: Row, b: Row, results_dir: Path, question: Question) -> dict[str, Any]:
    """Time two runs by turns, print how long A takes in relation to B, return the same as plain values.

    Raises:
        ConfigError: when the two cannot be compared, or one of them is not in the store.
        StageFailed: when a detector does not run on this machine.
    """
    refuse(a, b)
    measures = [stages_of(row, results_dir).measure for row in (a, b)]
    machine = detect(question.device or device_of(a, b))
    notes = differences(a, b, machine) + images(*measures)
    print(f"A  {a['run_id']} ({a['label']})\nB  {b['run_id']} ({b['label']})\n")
    print("".join(f"note: {note}\n" for note in notes), end="", flush=True)
    told = timed(measures, results_dir, machine.device, question)
    path = results_dir / "remeasured" / f"{a['run_id']}_{b['run_id']}.json"
    make_folder(path.parent)
    write_atomic(path, json.dumps(told))
    kept = {name: value for name, value in told.items() if name not in KEPT}
    answer = {"a": a["run_id"], "b": b["run_id"], **kept, "device_name": machine.device_name, "notes": notes}
    print(text(answer))
    return {**answer, "samples": str(path)}


def refuse(a: Row, b: Row) -> None:
    """Refuse runs whose times make no sense side by side.

    Raises:
        ConfigError: naming what differs.
    """
    faults = [f"{name}: {a[name]} and {b[name]}; {why}" for name, why in SAME.items() if a[name] != b[name]]
    if faults:
        raise ConfigError(faults)


def device_of(a: Row, b: Row) -> str:
    """Return the device that both rows were measured on.

    Raises:
        ConfigError: when they were measured on different ones.
    """
    if a["device"] != b["device"]:
        raise ConfigError(f"device: {a['device']} and {b['device']}; say where to time both, such as device=cpu")
    return str(a["device"])


def differences(a: Row, b: Row, machine: Machine) -> list[str]:
    """Word what else differs: between the rows, and from this machine, on which both are timed now."""
    notes = [f"{name} differs: {a[name]} and {b[name]}" for name in TOLD if a[name] != b[name]]
    elsewhere = {row["device_name"] for row in (a, b)} - {machine.device_name}
    if elsewhere:
        where = " and ".join(sorted(map(str, elsewhere)))
        notes.append(f"their rows are from {where}; both are timed on this machine, {machine.device_name}")
    if "burst" in (a["latency_mode"], b["latency_mode"]):
        notes.append("latency_mode=burst leaves a gap before each call; here calls follow each other without one")
    return notes


def images(a: Measure, b: Measure) -> list[str]:
    """Word that two runs were measured on different images of their set."""
    return [] if a.split == b.split else ["their rows were timed on different images; both take those of A"]


def timed(measures: list[Measure], results_dir: Path, device: str, question: Question) -> dict[str, Any]:
    """Time the detectors of two runs in one fresh child process."""
    context, (a, b) = Context(Store(results_dir), device), measures
    with Progress(1) as progress, progress.stage("remeasure", "A and B by turns") as report:
        asked = (question.zone_pct / 100, question.max_s)
        told: dict[str, Any] = worker.call("tradeoff.stages.remeasure:run", a, b, *asked, context, report=report)
    return told


def text(answer: dict[str, Any]) -> str:
    """Return the answer in words."""
    low, high = answer["ratio_low"], answer["ratio_high"]
    lines = [
        f"A {answer['a_ms_p50']:.3f} ms, B {answer['b_ms_p50']:.3f} ms a call; {answer['rounds']} rounds "
        f"over {answer['images']} images",
        f"A / B = {answer['ratio']:.4f}, 95 % interval {low:.4f} to {high:.4f}",
        f"{MEANING[answer['verdict']]} (a difference below {answer['zone_pct']:g} % does not matter)",
        *(f"doubt: {reason}" for reason in answer["reasons"]),
    ]
    return "\n".join(lines)
