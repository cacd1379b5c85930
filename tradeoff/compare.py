"""Compare two runs on the same images, `python -m tradeoff.compare 3f2a 91bc`, or two tables."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradeoff.core import runs
from tradeoff.core.errors import ConfigError, StoreError, TradeoffError
from tradeoff.core.files import read_json
from tradeoff.core.store import DONE
from tradeoff.remeasure import Question, by_time

if TYPE_CHECKING:
    from tradeoff.metrics.intervals import Difference

USAGE = """python -m tradeoff.compare A B [--remeasure] [results_dir=results] [table=NAME]
       python -m tradeoff.compare ONE.csv OTHER.csv"""
TEXT = """Tells whether run A is better than run B, worse, or not told apart from it, in AP and by size, on the images
that both were scored on. A and B are the beginnings of run_id, a column of every table. The last line is JSON.
Of two tables it tells what moved from the first to the second, and whether it was noise by the intervals of both;
rows are matched by what was asked for. Two runs tell more apart than two tables, for they are paired image by image.
Exit code: 0 compared, 2 a wrong command, or runs that cannot be compared.

  python -m tradeoff.compare 3f2a 91bc
  python -m tradeoff.compare 3f2a 91bc results_dir=elsewhere table=quickstart
  python -m tradeoff.compare before.csv after.csv

With --remeasure it tells instead whether A is FAST, SLOW or the SAME as B in time, or that it CANNOT TELL: both
detectors run here and now by turns, on the same images. Its own words: device= (that of the rows), zone_pct=1 (what
difference does not matter), max_s=60 (seconds of timing at most).

  python -m tradeoff.compare 3f2a 91bc --remeasure max_s=20
"""
#: what can be said besides the runs, with defaults; no table is all tables
WORDS = {"results_dir": "results", "table": None}
#: what can be said with --remeasure; no device is that of the rows
TIMING = {"device": None, "zone_pct": "1", "max_s": "60"}
SHOWN = 20  # characters of what differs


@dataclass(frozen=True)
class Run:
    """A run that was scored: its row, and the folder of its scores."""

    row: dict[str, Any]
    scores: Path

    @property
    def name(self) -> str:
        """What it is called in a text."""
        return f"{self.row['run_id']} ({self.row['label']})"


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code: 0 compared, 2 a wrong command or runs that cannot be compared."""
    told = parser().parse_intermixed_args(arguments)
    try:
        names, words = sorted_out(told.words, {**WORDS, **TIMING} if told.remeasure else WORDS)
        if any(name.endswith(".csv") for name in names):
            print(json.dumps(by_table(names, told)))
            return 0
        results_dir = Path(words["results_dir"] or "")
        rows = [runs.find(name, results_dir, words["table"]) for name in names]
        if told.remeasure:
            print(json.dumps(by_time(rows[0], rows[1], results_dir, question(words))))
        else:
            print(json.dumps(by_accuracy(*(scored(row, results_dir) for row in rows))))
    except TradeoffError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    made = argparse.ArgumentParser(
        "python -m tradeoff.compare",
        usage=USAGE,
        description=TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    made.add_argument("--remeasure", action="store_true", help=argparse.SUPPRESS)
    return made


def question(words: dict[str, str | None]) -> Question:
    """Return how two runs are to be timed.

    Raises:
        ConfigError: when a value is no number that can be.
    """
    try:
        return Question(words["device"], float(words["zone_pct"] or "nan"), float(words["max_s"] or "nan"))
    except ValueError as error:
        raise ConfigError(f"zone_pct, max_s: {error}; expected numbers above 0") from None


def sorted_out(given: list[str], accepted: dict[str, str | None]) -> tuple[list[str], dict[str, str | None]]:
    """Return the two runs that are named, and every word with its value, or its default in `accepted`.

    Raises:
        ConfigError: with every fault of the command.
    """
    names = [word for word in given if "=" not in word]
    words = dict(word.split("=", 1) for word in given if "=" in word)
    faults = [unknown(word, accepted) for word in words if word not in accepted]
    faults += [f"{word}=: expected a value" for word, value in words.items() if not value]
    if len(names) != 2:
        faults.append(f"got {len(names)} runs ({' '.join(names) or 'none'}), expected two; see --help")
    if faults:
        raise ConfigError(faults)
    return names, {**accepted, **words}


def by_table(names: list[str], told: argparse.Namespace) -> dict[str, Any]:
    """Print what moved between two tables; return the same as plain values.

    Raises:
        ConfigError: when a run is given beside a table, or words that say where runs are.
        TableError: when a table cannot be read, or no row has its like in the other.
    """
    from tradeoff.analysis import hypervolume, movement, table  # pandas: only once there are tables to compare
    from tradeoff.analysis.moved import moves

    faults = [
        f"{name}: expected a table as well, whose name ends in .csv" for name in names if not name.endswith(".csv")
    ]
    faults += [
        f"{word}: says where runs are, and means nothing for tables" for word in told.words if word not in names
    ]
    faults += ["--remeasure: times two runs, and means nothing for tables"] if told.remeasure else []
    if faults:
        raise ConfigError(faults)
    one, other = (table.read(Path(name)) for name in names)
    found = moves(one, other)
    print(f"ONE    {names[0]}\nOTHER  {names[1]}\n{movement.text(found)}")
    covered = hypervolume.tried(one, other)
    print(table.folded(covered))
    return {"one": names[0], "other": names[1], **movement.plain(found), "hypervolume": covered}


def unknown(word: str, accepted: Iterable[str]) -> str:
    """Word the fault of a word that the command does not have."""
    if word in TIMING:
        return f"{word}: is for --remeasure"
    near = get_close_matches(word, accepted, n=1)
    return f"{word}: no such word; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(accepted)}")


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
        StoreError: when scores are gone, or of an earlier version.
    """
    from tradeoff.metrics import intervals, matches  # NumPy: only once there is something to compare

    refuse_different(a, b)
    compared = intervals.of_difference(*(matches.read(run.scores) for run in (a, b)))
    print(f"A  {a.name}\nB  {b.name}\n")
    print(f"{a.row['eval_images']} images of {a.row['data']}; 95 % intervals over images, not over trainings\n")
    print(f"{'':10}{'A':>8}{'B':>8}{'A - B':>9}{'from':>9}{'to':>9}  A is")
    print("\n".join(line(name, told) for name, told in compared.items()))
    figures = {name: {**asdict(told), "verdict": told.verdict} for name, told in compared.items()}
    return {"a": a.row["run_id"], "b": b.row["run_id"], "images": a.row["eval_images"], "figures": figures}


def line(name: str, told: "Difference") -> str:
    """Return one line of the table; what cannot be said is blank."""
    ends = (told.interval.low, told.interval.high) if told.interval else (None, None)
    values = "".join(f"{'' if value is None else format(value, '.4f'):>8}" for value in (told.a, told.b))
    signed = "".join(f"{'' if value is None else format(value, '+.4f'):>9}" for value in (told.difference, *ends))
    return f"{name:10}{values}{signed}  {told.verdict or 'not said: too few images with such objects'}"


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
        StoreError: when its scores are gone.
    """
    path = run.scores / DONE
    if not path.is_file():
        raise StoreError(f"{run.name}: {path} is gone; give the command of that row again")
    told: dict[str, Any] = read_json(path)["stage"]["predict"]["split"]
    return told


def shown(split_: dict[str, Any], key: str) -> str:
    """Word an option of a split; what is not told is as by default."""
    return str(split_[key])[:SHOWN] if key in split_ else "by default"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
