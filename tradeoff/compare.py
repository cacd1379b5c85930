"""Compare two runs on the same images: `python -m tradeoff.compare 3f2a 91bc`."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tradeoff.core import runs
from tradeoff.core.errors import ConfigError, StoreError, TradeoffError
from tradeoff.core.files import read_json
from tradeoff.remeasure import Question, by_time

USAGE = """python -m tradeoff.compare A B [--remeasure] [results_dir=results] [table=NAME]

Tells whether run A is better than run B, worse, or not told apart from it, in AP and by size, on the images that both
were scored on. A and B are beginnings of run_id. The last line is JSON. Exit code: 0 compared, 2 not.

  python -m tradeoff.compare 3f2a 91bc
  python -m tradeoff.compare 3f2a 91bc results_dir=elsewhere table=quickstart

With --remeasure it tells instead whether A is FAST, SLOW or the SAME as B in time, or that it CANNOT TELL: both
detectors run here and now by turns, on the same images. Its own words: device= (that of the rows), zone_pct=1 (what
difference does not matter), max_s=60 (seconds of timing at most).

  python -m tradeoff.compare 3f2a 91bc --remeasure max_s=20
"""
PLACES = {"results_dir": "results", "table": None}
TIMING = {"device": None, "zone_pct": "1", "max_s": "60"}
WORDS = {**PLACES, **TIMING}


@dataclass(frozen=True)
class Run:
    """A finished run: its row, and where its scores are."""

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
        names, words = sorted_out(told.words)
        results_dir = Path(words["results_dir"] or "results")
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
    """Return the words of the command."""
    made = argparse.ArgumentParser(
        "python -m tradeoff.compare", usage=argparse.SUPPRESS, description=USAGE, add_help=True,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
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


def sorted_out(given: list[str]) -> tuple[list[str], dict[str, str | None]]:
    """Return the two runs that are named, and the words with their values.

    Raises:
        ConfigError: with every fault of the command.
    """
    names = [word for word in given if "=" not in word]
    words = dict(word.split("=", 1) for word in given if "=" in word)
    faults = [unknown(word) for word in words if word not in WORDS]
    faults += [f"{word}=: expected a value" for word, value in words.items() if not value]
    if len(names) != 2:
        faults.append(f"got {len(names)} runs ({' '.join(names) or 'none'}), expected two: A B")
    if faults:
        raise ConfigError(faults)
    return names, {**WORDS, **words}


def unknown(word: str) -> str:
    """Word the fault of a word that the command does not have."""
    near = get_close_matches(word, WORDS, n=1)
    return f"{word}: no such word" + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(WORDS)}")


def scored(row: dict[str, Any], results_dir: Path) -> Run:
    """Return a run whose predictions were scored.

    Raises:
        ConfigError: when it was not.
    """
    run = Run(row, results_dir / "cache" / "evaluate" / str(row["evaluate_key"]))
    if row["status"] != "ok":
        raise ConfigError(f"{run.name}: {row['status']} ({row['reason']}); give a run that has scores")
    if row["ap"] is None or row["evaluate_key"] is None:
        raise ConfigError(f"{run.name}: has no predictions (train={row['train']}); give a run that has scores")
    return run


def by_accuracy(a: Run, b: Run) -> dict[str, Any]:
    """Print which run is better at what; return the same as plain values.

    Raises:
        ConfigError: when the two were not scored on the same images.
        StoreError: when their scores are gone, or of an earlier version.
    """
    from tradeoff.metrics import intervals, matches

    refuse_different(a, b)
    compared = intervals.of_difference(*(matches.read(run.scores) for run in (a, b)))
    print(f"A  {a.name}\nB  {b.name}\n")
    print(f"{a.row['eval_images']} images of {a.row['data']}; 95 % intervals of A - B\n")
    print(f"{'':10}{'A':>8}{'B':>8}{'A - B':>9}{'from':>9}{'to':>9}   A is")
    for name, told in compared.items():
        print(line(name, told))
    figures = {name: {**asdict(told), "verdict": told.verdict} for name, told in compared.items()}
    return {"a": a.row["run_id"], "b": b.row["run_id"], "images": a.row["eval_images"], "figures": figures}


def line(name: str, told: Any) -> str:
    """Return one line of the table."""
    ends = (told.interval.low, told.interval.high) if told.interval else (None, None)
    cells = [(told.a, "8.4f"), (told.b, "8.4f"), (told.difference, "+9.4f"), (ends[0], "+9.4f"), (ends[1], "+9.4f")]
    texts = [format(value, kind) if value is not None else " " * int(kind.strip("+")[0]) for value, kind in cells]
    return f"{name:10}{''.join(texts)}   {told.verdict or 'too little to say'}"


def refuse_different(a: Run, b: Run) -> None:
    """Refuse runs that were scored on different images.

    Raises:
        ConfigError: naming what differs.
    """
    one, other = (split(run) for run in (a, b))
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if keys:
        told = ", ".join(f"{key} {one.get(key, 'by default')} and {other.get(key, 'by default')}" for key in keys)
        raise ConfigError(f"{a.name} and {b.name} were scored on different images: {told}; compare runs of one set")


def split(run: Run) -> dict[str, Any]:
    """Return what is known of the images that a run was scored on."""
    path = run.scores / "done.json"
    if not path.is_file():
        raise StoreError(f"{run.name}: {path} is gone; give the command of that row again")
    told: dict[str, Any] = read_json(path)["stage"]["predict"]["split"]
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
