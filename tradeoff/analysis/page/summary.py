"""The summary of a table in Markdown, for a paper or a pull request."""

from pathlib import Path

import pandas as pd

from tradeoff.analysis.comparable import conditions
from tradeoff.analysis.page.tables import Table, grouped, tables
from tradeoff.analysis.page.words import caveats, environment

#: signs that Markdown or HTML inside it would read
SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"} | {"\n": " ", "\r": " "})

#: what a summary begins with
HEADING = "## Speed and accuracy: "


def summary(frame: pd.DataFrame, *, name: str, command: str) -> str:
    """Return the frontier, the critical points, the near ties, the caveats and the environment of a table.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it, with a finished row at least.
        name: of the table.
        command: that makes the summary.
    """
    basis = [f"- {escaped(conditions(group))}: {len(group)} models" for _, group in grouped(frame)]
    parts = [
        f"{HEADING}{escaped(name)}",
        "\n".join(["Measured on:", "", *basis]),
        *(section(table) for table in tables(frame)),
        "\n".join(["### What to keep in mind", "", *(f"- {escaped(caveat)}" for caveat in caveats(frame))]),
        "\n".join(["### Environment", "", *(f"- {word}: {escaped(text)}" for word, text in environment(frame))]),
        f"Made by `{command.replace('`', chr(39))}`.",
    ]
    return "\n\n".join(parts) + "\n"


def is_ours(path: Path) -> bool:
    """Tell whether a file is a summary of a table."""
    try:
        with path.open("rb") as file:
            return file.read(len(HEADING)) == HEADING.encode()
    except OSError:
        return False


def section(table: Table) -> str:
    """Return a small table."""
    rule = ["---"] * (len(table.heads) - table.numeric) + ["---:"] * table.numeric
    lines = [table.heads, rule, *([escaped(cell) for cell in row] for row in table.rows)]
    return "\n".join([f"### {table.title}", "", table.note, "", *(f"| {' | '.join(line)} |" for line in lines)])


def escaped(text: str) -> str:
    """Return text that Markdown prints as it is."""
    return text.translate(SPECIAL)
