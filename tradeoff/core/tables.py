"""CSV tables: written from rows, read strictly.

Later versions append columns: an older table lacks some, a newer one has more, and both can be read.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradeoff.core.cells import parsed, within, written
from tradeoff.core.columns import BY_NAME, NAMES, Column
from tradeoff.core.errors import TableError


def to_csv(rows: list[dict[str, Any]]) -> str:
    """Return the text of a table."""
    lines = [NAMES, *([quoted(written(row[name])) for name in NAMES] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def quoted(cell: str) -> str:
    """Quote a cell where it must be; the csv module forgets a lone carriage return, and then cannot read it back."""
    return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in ',"\n\r') else cell


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Read a table: the columns of the registry, None where the table lacks them, then its other columns as text.

    A byte order mark, blank lines, other line ends and another order of columns are accepted.

    Raises:
        TableError: with file, line and column, when the table is missing, empty or damaged.
    """
    lines = csv.reader(io.StringIO(table_text(path), newline=""), strict=True)
    try:
        header = next(lines, [])
        check_header(path, header)
        columns = [BY_NAME.get(name, Column(name, str)) for name in header]  # those of later versions are text
        rows = [read_row(path, lines.line_num, columns, cells) for cells in lines if cells]
    except csv.Error as error:
        raise TableError(f"{path}, line {lines.line_num}: {error}; mend the line or make the table anew") from error
    if not rows:
        raise TableError(f"{path}: the table has no rows; run a study that writes it, or name another table")
    return rows


def table_text(path: Path) -> str:
    """Return the text of a table whose last line is complete."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        others = ", ".join(sorted(other.name for other in path.parent.glob("*.csv")))
        hint = f"tables there: {others}" if others else "run a study first, such as: python -m tradeoff.run"
        raise TableError(f"{path}: no such table; {hint}") from None
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}); export it as UTF-8"
        ) from None
    if text and not text.endswith(("\n", "\r")):
        last = text.count("\n") + 1
        raise TableError(
            f"{path}, line {last}: the last line has no end, the file may be cut off; end it, or make the table anew"
        )
    return text


def check_header(path: Path, header: list[str]) -> None:
    """Refuse a header that names no known column, or one twice."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TableError(f"{path}, line 1: column {twice[0]!r} is there twice; remove one")
    if not set(header) & set(NAMES):
        got = ",".join(header)[:60] or "nothing"
        raise TableError(
            f"{path}, line 1: got {got!r}, expected names of columns, separated by commas: run_id,label,..."
        )


def read_row(path: Path, line: int, columns: list[Column], cells: list[str]) -> dict[str, Any]:
    """Return one row of a table; `line` is where it ends."""
    where = f"{path}, line {line}"
    if len(cells) != len(columns):
        at = columns[min(len(cells), len(columns) - 1)].name
        raise TableError(
            f"{where}, column {at!r}: got {len(cells)} cells, expected {len(columns)}; "
            "mend the line or make the table anew"
        )
    return dict.fromkeys(NAMES) | dict(read_cells(where, columns, cells))


def read_cells(where: str, columns: list[Column], cells: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each cell."""
    for column, cell in zip(columns, cells, strict=True):
        try:
            yield column.name, within(parsed(cell, column), column)
        except ValueError as error:
            raise TableError(f"{where}, column {column.name!r}: {error}") from error
