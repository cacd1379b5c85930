"""Two runs set against each other by accuracy, image by image: what `python -m tradeoff.compare A B` does."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradeoff.core.errors import ConfigError, StoreError
from tradeoff.core.files import read_json
from tradeoff.core.store import DONE, refuse_damaged

if TYPE_CHECKING:
    from tradeoff.metrics.intervals import Difference
    from tradeoff.metrics.matches import Matches

SHOWN = 20  # characters of what differs
NOT_SAID = "not said: too few such objects, or no image makes a difference"


@dataclass(frozen=True)
class Run:
    """A run that was scored: its row, and the folder of its scores."""

    row: dict[str, Any]
    scores: Path

    @property
    def name(self) -> str:
        """What it is called in a text."""
        return f"{self.row['run_id']} ({self.row['label']})"


def scored(row: dict[str, Any], results_dir: Path) -> Run:
    """Return a run whose predictions were scored.

    Raises:
        ConfigError: when it was not.
    """
    run = Run(row, results_dir / "cache" / "evaluate" / str(row["evaluate_key"]))
    if row["status"] != "ok":
        raise ConfigError(f"{run.name}: {row['status']} ({row['reason']}); give a run that has scores")
    if row["evaluate_key"] is None or row["ap"] is None:
        raise ConfigError(f"{run.name}: has no predictions, train={row['train']}; give a run that has scores")
    return run


def by_accuracy(a: Run, b: Run) -> dict[str, Any]:
    """Print at what run a is better than b, or worse; return the same as plain values.

    Raises:
        ConfigError: when the two are one, or were not scored on the same images.
        DataError: when what there is to find in these images differs.
        StoreError: when scores are gone, damaged, or of an earlier version.
    """
    from tradeoff.metrics import intervals  # NumPy: only once there is something to compare

    refuse_different(a, b)
    compared = intervals.of_difference(matches_of(a), matches_of(b))
    print(f"A  {a.name}\nB  {b.name}\n")
    print(f"{a.row['eval_images']} images of {a.row['data']}; 95 % intervals over images, not over trainings\n")
    width = max(map(len, compared)) + 2
    print(f"{'':{width}}{'A':>8}{'B':>8}{'A - B':>9}{'from':>9}{'to':>9}  A is")
    print("\n".join(f"{name:{width}}{line(told)}" for name, told in compared.items()))
    figures = {name: {**asdict(told), "verdict": told.verdict} for name, told in compared.items()}
    return {"a": a.row["run_id"], "b": b.row["run_id"], "images": a.row["eval_images"], "figures": figures}


def matches_of(run: Run) -> "Matches":
    """Return what became of each detection of a run, once the file is known to be what was written.

    Raises:
        StoreError: when it is not.
    """
    from tradeoff.metrics import matches

    refuse_damaged(run.scores / matches.FILE)
    return matches.read(run.scores)


def line(told: "Difference") -> str:
    """Return one line of the table, without its name; what cannot be said is blank."""
    ends = (told.interval.low, told.interval.high) if told.interval else (None, None)
    values = "".join(f"{'' if value is None else format(value, '.4f'):>8}" for value in (told.a, told.b))
    signed = "".join(f"{'' if value is None else format(value, '+.4f'):>9}" for value in (told.difference, *ends))
    return f"{values}{signed}  {told.verdict or NOT_SAID}"


def refuse_different(a: Run, b: Run) -> None:
    """Refuse one run given twice, and runs that were scored on different images.

    Raises:
        ConfigError: naming what differs.
        StoreError: when scores are gone.
    """
    if a.row["run_id"] == b.row["run_id"]:
        raise ConfigError(f"A and B are both {a.name}; give two runs")
    one, other = (split(run) for run in (a, b))
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if keys:
        told = ", ".join(f"{key} {shown(one, key)} and {shown(other, key)}" for key in keys)
        raise ConfigError(f"{a.name} and {b.name} were scored on different images ({told}); compare runs of one set")


def split(run: Run) -> dict[str, Any]:
    """Return what is known of the images that a run was scored on.

    Raises:
        StoreError: when its scores are gone or damaged.
    """
    path = run.scores / DONE
    if not path.is_file():
        raise StoreError(f"{run.name}: {path} is gone; give the command of that row again")
    told = read_json(path)
    for key in ("stage", "predict", "split"):
        told = told.get(key) if isinstance(told, dict) else None
    if not isinstance(told, dict):
        raise StoreError(f"{run.name}: {path} is damaged, stage.predict.split is no object; delete {run.scores}")
    return told


def shown(split_: dict[str, Any], key: str) -> str:
    """Word an option of a split; what is not told is as by default."""
    return str(split_[key])[:SHOWN] if key in split_ else "by default"
