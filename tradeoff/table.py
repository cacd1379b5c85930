"""Bring in anyone's CSV as a table of ours: `python -m tradeoff.table import FILE.csv --map MAP.yaml OUT.csv`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tradeoff.core.command import ended
from tradeoff.core.errors import ConfigError

USAGE = """Bring in anyone's CSV as a table that figures, pick, compare and report read.

  python -m tradeoff.table import zoo.csv --map zoo.yaml OUT.csv

The mapping says which column of ours is which of theirs, with factors, words and constants; every table in
results/published has one beside it to start from, and tradeoff/analysis/mapping.py has the whole format. What nothing
maps is told. Exit code: 0 written, 2 a wrong word, mapping or value (nothing is written). The last line is JSON.
"""


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code: 0 written, 2 a wrong word, mapping or value."""
    told = parser().parse_args(arguments)
    return ended(lambda: bring_in(told.file, told.map, told.out))


def parser() -> argparse.ArgumentParser:
    """Return the words of the command."""
    whole = argparse.ArgumentParser(
        "python -m tradeoff.table", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="import")
    command = commands.add_parser("import", description="Bring in a CSV by a mapping.")
    command.add_argument("file", metavar="FILE.csv", type=Path)
    command.add_argument("out", metavar="OUT.csv", type=Path, help="is written; a file that is there is replaced")
    command.add_argument("--map", metavar="MAP.yaml", type=Path, required=True, help="how")
    return whole


def bring_in(file: Path, map_: Path, out: Path) -> dict[str, Any]:
    """Write a table; print and return what came of the file.

    Raises:
        ConfigError: when the mapping is wrong, or the table cannot be written there.
        TableError: when the file or a value of it makes no sense.
    """
    from tradeoff.analysis import mapping
    from tradeoff.analysis.imported import imported
    from tradeoff.core.files import write_atomic

    if out.resolve() in (file.resolve(), map_.resolve()):
        raise ConfigError(f"{out}: would replace what is read; choose another name")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: there is no folder {out.parent}; make it, or choose another")
    plan = mapping.read(map_)
    found = imported(file, plan)
    write_atomic(out, found.text())
    print(f"{out}: {len(found.rows)} rows")
    for why, count in found.dropped.items():
        print(f"left out: {count} rows ({why})")
    for name, why in plan.left_out.items():
        print(f"left out: column {name!r} ({why})")
    for name, example in found.unmapped.items():
        print(f"not mapped: column {name!r}, such as {example!r}; put it into columns, kept or left_out")
    return {
        "written": str(out),
        "rows": len(found.rows),
        "rows_left_out": sum(found.dropped.values()),
        "columns_left_out": list(plan.left_out),
        "columns_not_mapped": list(found.unmapped),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
