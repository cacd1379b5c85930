"""Pick a detector for a budget: `python -m tradeoff.pick TABLE --max-latency-ms 30`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tradeoff.analysis.limits import add_options, given
from tradeoff.core.command import ended

USAGE = """Say which detectors of a table fit a budget, the best first; what binds; what a little more would buy.

  python -m tradeoff.pick results/results.csv --max-latency-ms 30 --max-memory-mb 1000
  python -m tradeoff.pick results/published/detectron2_model_zoo.csv --max-latency-ms 50 --where data=coco
  python -m tradeoff.pick results/results.csv --max-latency-ms 30 --sizes my_boxes.csv

Rows of different data, device, precision, batch size or protocol are answered apart; --where chooses among them. A
row that failed a rule of trust comes after all that did not. Exit code: 0 something fits, 1 nothing does (the closest
miss is told), 2 a wrong word or table. The last line is JSON.
"""
SIZES = "CSV of one's own boxes (width,height or area or x1,y1,x2,y2, px): AP is weighed by their sizes"
WEIGHED = """AP is weighed by the sizes of {path}: {shares}.
AP = sum of share x AP of that size. It takes one's objects of a size to be as hard as those of the table's data set,
in pictures as large; a model that lacks the AP of a size that is there has none. No match for the table's own AP.
"""


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code: 0 something fits, 1 nothing does, 2 a wrong word or table."""
    told = parser().parse_args(arguments)
    return ended(lambda: answer(told), lambda found: 0 if found["fits"] else 1)


def parser() -> argparse.ArgumentParser:
    """Return the words of the command."""
    whole = argparse.ArgumentParser(
        "python -m tradeoff.pick", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whole.add_argument("table", metavar="TABLE", type=Path, help="a CSV table of results")
    add_options(whole)
    whole.add_argument("--sizes", metavar="BOXES.csv", type=Path, help=SIZES)
    whole.add_argument(
        "--where", metavar="COLUMN=VALUE", action="append", default=[], help="take these rows alone; may be repeated"
    )
    whole.add_argument("--show", metavar="N", type=positive, default=10, help="how many are listed (10)")
    return whole


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number above 0")
    return int(text)


def answer(told: argparse.Namespace) -> dict[str, Any]:
    """Print the answer for each set of rows that can be compared; return it as plain values.

    Raises:
        TableError: when a table is missing, empty or damaged, no row of it is finished, or too many sets are there.
        ConfigError: when no number can keep a limit, or `--where` names what is not there.
    """
    limits = given(told)
    from tradeoff.analysis import answer as words
    from tradeoff.analysis import sizes, table
    from tradeoff.analysis.comparable import published
    from tradeoff.analysis.decision import decisions
    from tradeoff.analysis.where import where

    frame = where(table.read(told.table), told.where)
    shares = None
    if told.sizes:
        shares = sizes.read(told.sizes)
        frame = sizes.reweighted(frame, shares)
        each = ", ".join(f"{share:.0%} {size}" for size, share in shares.items())
        print(WEIGHED.format(path=told.sizes, shares=each))
    made = decisions(frame, limits)
    if published(frame).any():
        print("Rows with a source are published numbers: others measured them, each on a machine of theirs.")
    if len(made) > 1:
        print(f"{len(made)} sets of rows cannot be compared with one another; each is answered apart.\n")
    print("\n\n".join(words.text(decision, told.show) for decision in made))
    groups = [words.plain(decision) for decision in made]
    fits = sum(group["fits"] for group in groups)
    return {"table": str(told.table), "fits": fits, "sizes": shares, "groups": groups}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
