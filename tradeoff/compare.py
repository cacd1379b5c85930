"""Compare two runs on the same images, `python -m tradeoff.compare 3f2a 91bc`, or two tables."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tradeoff.core import runs
from tradeoff.core.command import ended
from tradeoff.core.errors import ConfigError
from tradeoff.remeasure import Question, by_time
from tradeoff.versus import by_accuracy, scored

USAGE = """python -m tradeoff.compare A B [--remeasure] [results_dir=results] [table=NAME]
       python -m tradeoff.compare ONE.csv OTHER.csv"""
TEXT = """Tells whether run A is better than run B, worse, or not told apart from it, in AP, by COCO's sizes and one's
own, on the images that both were scored on. A and B are the beginnings of run_id, a column of every table. The last
line is JSON.
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


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code: 0 compared, 2 a wrong command or runs that cannot be compared."""
    told = parser().parse_intermixed_args(arguments)
    return ended(lambda: compared(told))


def compared(told: argparse.Namespace) -> dict[str, Any]:
    """Compare what is named, as it is asked for; return what the last line tells."""
    names, words = sorted_out(told.words, {**WORDS, **TIMING} if told.remeasure else WORDS)
    if any(map(is_table, names)):
        return by_table(names, told)
    results_dir = Path(words["results_dir"] or "")
    rows = [runs.find(name, results_dir, words["table"]) for name in names]
    if told.remeasure:
        return by_time(rows[0], rows[1], results_dir, question(words))
    return by_accuracy(*(scored(row, results_dir) for row in rows))


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    made = argparse.ArgumentParser(
        "python -m tradeoff.compare",
        usage=USAGE,
        description=TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
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
    said = [word.split("=", 1) for word in given if "=" in word]
    words = dict(said)
    faults = [unknown(word, accepted) for word in words if word not in accepted]
    faults += [f"{word}=: given {count} times" for word, count in Counter(w for w, _ in said).items() if count > 1]
    faults += [f"{word}=: expected a value" for word, value in words.items() if not value]
    if len(names) != 2:
        faults.append(f"got {len(names)} runs ({' '.join(names) or 'none'}), expected two; see --help")
    if faults:
        raise ConfigError(faults)
    return names, {**accepted, **words}


def is_table(name: str) -> bool:
    """Tell whether a name is that of a table."""
    return name.casefold().endswith(".csv")


def by_table(names: list[str], told: argparse.Namespace) -> dict[str, Any]:
    """Print what moved between two tables; return the same as plain values.

    Raises:
        ConfigError: when a run is given beside a table, or words that say where runs are.
        TableError: when a table cannot be read, or no row has its like in the other.
    """
    from tradeoff.analysis import hypervolume, movement, table  # pandas: only once there are tables to compare
    from tradeoff.analysis.moved import moves

    faults = [f"{name}: expected a table as well, whose name ends in .csv" for name in names if not is_table(name)]
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
    if not word:
        return "=: expected a word before it"
    if word in TIMING:
        return f"{word}: is for --remeasure"
    near = get_close_matches(word, accepted, n=1)
    return f"{word}: no such word; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(accepted)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
