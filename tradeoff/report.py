"""Write the report of a table, one HTML page that needs no network: `python -m tradeoff.report TABLE`."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradeoff.analysis.limits import Budget, add_options, given
from tradeoff.core.command import ended
from tradeoff.core.errors import ConfigError, TableError

if TYPE_CHECKING:
    import pandas as pd

USAGE = """Write the report of a table: one HTML page with everything in it, which opens without a network.

  python -m tradeoff.report results/results.csv
  python -m tradeoff.report results/results.csv --max-latency-ms 30 --max-memory-mb 1000
  python -m tradeoff.report results/results.csv --x gmacs --y ap_small --markdown
  python -m tradeoff.report results/results.csv --where "device_name=NVIDIA H200"
  python -m tradeoff.report results/results.csv --figures figures

The budget is where its sliders stand when the page opens; it opens with the largest group in which a model keeps it.
--where takes rows alone, such as where a table holds too many sets for a figure. Curves and example detections come
from the folder cache of the results; without it the page does without them. Exit code: 0 all well, 1 no model keeps
the budget (the page is written and shows the closest), 2 a wrong word or table. The last line is JSON.
"""


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code: 0 all well, 1 no model keeps the budget, 2 a wrong word or table."""
    told = parser().parse_args(arguments)
    command = shlex.join(["python", "-m", "tradeoff.report", *map(shared, arguments)])
    return ended(lambda: report(told, command), lambda written: 0 if written["fits"] else 1)


def parser() -> argparse.ArgumentParser:
    """Return the words of the command."""
    whole = argparse.ArgumentParser(
        "python -m tradeoff.report", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whole.add_argument("table", metavar="TABLE", type=Path, help="a CSV table of results")
    whole.add_argument("--out", metavar="FILE.html", type=Path, help="where to; the table's name with .html")
    whole.add_argument("--markdown", action="store_true", help="write a summary beside it, with the ending .md")
    whole.add_argument("--figures", metavar="FOLDER", type=Path, help="write every figure there as PNG, SVG and PDF")
    whole.add_argument("--results-dir", metavar="FOLDER", type=Path, help="that holds cache; the table's folder")
    whole.add_argument(
        "--where", metavar="COLUMN=VALUE", action="append", default=[], help="take these rows alone; may be repeated"
    )
    whole.add_argument("--x", metavar="COLUMN", help="across, at first; the time of a call")
    whole.add_argument("--y", metavar="COLUMN", help="up, at first; ap")
    add_options(whole)
    return whole


def shared(word: str) -> str:
    """Return a word of the command as others may read it: of a whole path, which is of one machine, the name."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def report(told: argparse.Namespace, command: str) -> dict[str, Any]:
    """Write the page, and the summary where it is asked for; return what was written.

    Raises:
        TableError: when the table is missing, empty or damaged, or no row of it is finished.
        ConfigError: when a column, a budget or a place makes no sense, or `--where` names what is not there.
        StoreError: when the page cannot be written.
    """
    limits = given(told)
    if told.figures and told.figures.exists() and not told.figures.is_dir():
        raise ConfigError(f"--figures {told.figures}: is no folder; choose another")
    page = told.out or told.table.with_suffix(".html")
    check_places(told.table, page, page.with_suffix(".md") if told.markdown else None)
    from tradeoff.analysis import table
    from tradeoff.analysis.where import where

    frame = where(table.read(told.table), told.where)
    check_finished(frame, told.table)
    found = fitting(frame, limits)
    start = {
        "group": found.pop("group"),
        "x": axis(told.x, frame),
        "y": axis(told.y, frame),
        "budget": {limit.word: bound for limit, bound in limits.items()},
    }
    cache = (told.results_dir or told.table.parent) / "cache"
    written = write_page(frame, page, name=told.table.name, command=command, start=start, cache=cache)
    if told.markdown:
        written |= write_summary(frame, page.with_suffix(".md"), name=told.table.name, command=command)
    if told.figures:
        written |= write_figures(frame, told.figures)
    return written | {"rows": len(frame), **found}


def check_places(table: Path, page: Path, summary: Path | None) -> None:
    """Refuse to write over the table, the page, or a text that is no summary of ours, or into no folder."""
    for path in (page, summary):
        if path and path.resolve() == table.resolve():
            raise ConfigError(f"--out {page}: {path} is the table itself; choose another name")
    if summary and summary.resolve() == page.resolve():
        raise ConfigError(f"--out {page}: is where --markdown writes too; choose a name that ends in .html")
    if summary and summary.exists():
        from tradeoff.analysis.page.summary import is_ours

        if not is_ours(summary):
            raise ConfigError(f"--markdown: would write over {summary}, which is no report; choose another --out")
    if not page.parent.is_dir() and table.is_file():
        raise ConfigError(f"--out {page}: there is no folder {page.parent}; make it, or choose another")


def check_finished(frame: "pd.DataFrame", path: Path) -> None:
    """Refuse a table without a finished row."""
    status = frame["status"].fillna("no status")
    if (status == "ok").any():
        return
    why = frame["reason"].dropna()
    first = f"; the first reason: {' '.join(why.iloc[0].split())}" if len(why) else ""
    counts = ", ".join(f"{count} {name}" for name, count in status.value_counts().items())
    raise TableError(f"{path}: none of {len(frame)} rows is finished ({counts}): there is nothing to report{first}")


def axis(name: str | None, frame: "pd.DataFrame") -> str | None:
    """Return the name of a column that can be an axis.

    Raises:
        ConfigError: when there is no such column, or no numbers in it.
    """
    from tradeoff.core.columns import BY_NAME
    from tradeoff.core.rows import unknown

    if name is None or name == "time_ms":
        return name
    if name not in frame:
        there = ", ".join(numeric(frame))
        raise ConfigError(f"{unknown(name)}; the table has numbers in time_ms, {there}")
    if name not in BY_NAME or BY_NAME[name].kind not in (int, float):
        raise ConfigError(f"column {name!r}: holds no numbers; an axis needs them, such as latency_ms_p50, gmacs, ap")
    if frame[name].isna().all():
        raise ConfigError(f"column {name!r}: is empty in this table; choose one that holds numbers")
    return name


def numeric(frame: "pd.DataFrame") -> list[str]:
    """Return the columns that hold numbers."""
    from tradeoff.core.columns import COLUMNS

    return [c.name for c in COLUMNS if c.kind in (int, float) and c.name in frame and frame[c.name].notna().any()]


def write_page(
    frame: "pd.DataFrame", page: Path, *, name: str, command: str, start: dict[str, Any], cache: Path
) -> dict[str, Any]:
    """Write the page; return where it is and its size."""
    from tradeoff import evidence
    from tradeoff.analysis.page.build import build
    from tradeoff.core.files import write_atomic

    behind = evidence.gathered(frame, cache, tell=lambda text: print(text, file=sys.stderr))
    html = build(frame, name=name, command=command, start=start, behind=behind)
    write_atomic(page, html)
    return {"page": str(page), "bytes": len(html.encode())}


def write_figures(frame: "pd.DataFrame", folder: Path) -> dict[str, Any]:
    """Write every figure that the table can give, in each format; return the files."""
    from tradeoff.analysis import figures

    kinds: tuple[figures.Kind, ...] = ("png", "svg", "pdf")
    drawn = figures.draw(frame, folder, lambda text: print(text, file=sys.stderr), names=None, kinds=kinds)
    return {"figures": [str(path) for path in drawn]}


def write_summary(frame: "pd.DataFrame", path: Path, *, name: str, command: str) -> dict[str, Any]:
    """Write the summary; return where it is."""
    from tradeoff.analysis.page.summary import summary
    from tradeoff.core.files import write_atomic

    write_atomic(path, summary(frame, name=name, command=command))
    return {"markdown": str(path)}


def fitting(frame: "pd.DataFrame", limits: Budget) -> dict[str, Any]:
    """Return the group that the page opens with, which is picked there, and how many models of all groups fit.

    It opens with the largest group in which a model keeps the budget, or the largest. A group without an AP counts
    only where none has one, as `pick` has it.
    """
    from tradeoff.analysis.comparable import timed
    from tradeoff.analysis.decision import decide
    from tradeoff.analysis.page.content import comparable, scored

    parts = [group for _, group in comparable(frame)]
    decided = [decide(timed(group), limits) for group in [g for g in parts if scored(g)] or parts]
    opened = next((number for number, made in enumerate(decided) if made.picked is not None), 0)
    picked = decided[opened].picked
    if picked is None:
        print("no model keeps the budget; the page says what is nearest, or never measured", file=sys.stderr)
    fits = sum(len(made.fits) for made in decided)
    return {"group": opened, "fits": fits, "picked": None if picked is None else picked["run_id"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
