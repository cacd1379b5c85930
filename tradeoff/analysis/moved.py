"""What moved between two tables, and was it noise. Rows are matched by what was asked for, not by their run_id."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tradeoff.analysis.comparable import complete, differences, timed, values
from tradeoff.analysis.effect import own_words
from tradeoff.analysis.verdict import FOLLOWED, VERDICTS, verdict
from tradeoff.core.errors import TableError

#: what was asked for; `model` names a published row, `words` are the overrides that make another model or data set
ASKED = (
    *("model", "meta_arch", "extractor", "size", "stride", "proposals"),
    *("data", "train", "seed", "precision", "batch_size", "words"),
)
LINE = ("label", "column", "one", "other", "change", "change_pct", "verdict", "reason")
FEW = 4
ORIGIN = ("code_version", "torch_version", "torchvision_version", "driver_version")


@dataclass(frozen=True)
class Moves:
    """What moved from one table to another.

    rows: one line per matched row and column: label, column, one, other, change, change_pct, verdict (of the other
    table: better, worse, same, within noise, cannot tell), reason. matched: how many rows. only_one, only_other:
    labels of finished rows that the other table lacks, or did not finish. ambiguous: labels of rows that ask for the
    same as another of their table. differing: on what machine, data, protocol and versions the matched rows differ.
    """

    rows: pd.DataFrame
    matched: int
    only_one: list[str]
    only_other: list[str]
    ambiguous: list[str]
    differing: list[str]


def moves(one: pd.DataFrame, other: pd.DataFrame) -> Moves:
    """Return what moved from one table to another.

    How a row was measured and scored does not keep it from its match; where that differs it is told.

    A change is within noise when it is at most the root of the summed squares of the two half intervals between the
    values: the 95 % interval of a difference of independent numbers. Scores of one set of images hang together, so
    for AP this calls too much noise rather than too little; an interval of latency is of its own run, and runs of
    one program differ by more.

    Raises:
        TableError: when no row can be matched; says in what the tables differ.
    """
    one, other = (frame.assign(words=asked_words(frame)) for frame in (one, other))
    left, right = (keyed(timed(complete(frame)), one, other) for frame in (one, other))
    ambiguous = [name for frame in (left, right) for name in labels(frame[frame.index.duplicated(keep=False)])]
    left, right = (frame[~frame.index.duplicated(keep=False)] for frame in (left, right))
    shared = left.index.intersection(right.index, sort=False)
    if shared.empty:
        raise TableError(unmatched(one, other, ambiguous))
    a, b = left.loc[shared], right.loc[shared]
    return Moves(
        rows=pd.DataFrame(list(lines(a, b)), columns=list(LINE)),
        matched=len(shared),
        only_one=missing(left, shared, keyed(other, one, other)),
        only_other=missing(right, shared, keyed(one, one, other)),
        ambiguous=ambiguous,
        differing=[*differences(a, b), *otherwise(a, b), *origin(a, b)],
    )


def asked_words(frame: pd.DataFrame) -> pd.Series:
    """Return the overrides of each row that make another model of it, or another data set."""
    words = written(values(frame, "overrides"))
    data = [" ".join(word for word in text.split() if word.startswith("data.")) for text in words]
    return (own_words(frame) + " " + pd.Series(data, index=frame.index, dtype="str")).str.strip()


def keyed(frame: pd.DataFrame, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return rows under what they ask for, with the device where a table holds several."""
    several = any(values(complete(table), "device_name").nunique() > 1 for table in (one, other))
    names = [*ASKED, *(["device_name"] if several else [])]
    keys = ["\t".join(row) for row in zip(*(written(values(frame, name)) for name in names), strict=True)]
    return frame.set_index(pd.Index(keys, dtype="object"))


def written(column: pd.Series) -> list[str]:
    """Return a column as text, empty where it says nothing."""
    return ["" if pd.isna(value) else str(value) for value in column]


def labels(frame: pd.DataFrame) -> list[str]:
    """Return the labels of rows."""
    return [
        str(label) if pd.notna(label) else str(run)
        for label, run in zip(frame["label"], frame["run_id"], strict=True)
    ]


def missing(frame: pd.DataFrame, shared: pd.Index, whole: pd.DataFrame) -> list[str]:
    """Return the labels of rows that the other table lacks, with their status where it has them unfinished."""
    rest = frame[~frame.index.isin(shared)]
    status = dict(zip(whole.index, whole["status"], strict=True))
    there = [status.get(key) for key in rest.index]
    return [
        f"{label} ({state} there)" if isinstance(state, str) and state != "ok" else label
        for label, state in zip(labels(rest), there, strict=True)
    ]


def otherwise(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """List the overrides that only one row of a matched pair has: how it was measured and scored."""
    pairs = [[set(text.split()) for text in written(values(frame, "overrides"))] for frame in (a, b)]
    left = {word for one, other in zip(*pairs, strict=True) for word in one - other}
    right = {word for one, other in zip(*pairs, strict=True) for word in other - one}
    return [f"overrides: {some(left)} against {some(right)}"] if left or right else []


def origin(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """List the versions in which matched rows differ."""
    told = {name: [sorted(set(written(values(frame, name)))) for frame in (a, b)] for name in ORIGIN}
    return [
        f"{name}: {', '.join(x or 'unknown' for x in left)} against {', '.join(x or 'unknown' for x in right)}"
        for name, (left, right) in told.items()
        if left != right
    ]


def lines(a: pd.DataFrame, b: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield a line for each matched row and column that both tables have a number in."""
    pairs = list(zip(a.to_dict("records"), b.to_dict("records"), strict=True))
    for name in FOLLOWED:
        for x, y in pairs:
            if pd.notna(x.get(name)) and pd.notna(y.get(name)):
                one, other = float(x[name]), float(y[name])
                part = 100 * (other - one) / one if one else None
                label = x["label"] if pd.notna(x["label"]) else x["run_id"]
                yield label, name, one, other, other - one, part, *verdict(x, y, name)


def unmatched(one: pd.DataFrame, other: pd.DataFrame, ambiguous: list[str]) -> str:
    """Word why no row of one table has its like in the other."""
    finished = [complete(frame) for frame in (one, other)]
    empty = [where for where, frame in zip(("ONE", "OTHER"), finished, strict=True) if frame.empty]
    if empty:
        return f"no row of {' and '.join(empty)} is finished: there is nothing to match"
    sets = {name: [set(written(values(frame, name))) for frame in finished] for name in ASKED}
    apart = [f"{name} {some(left)} against {some(right)}" for name, (left, right) in sets.items() if not left & right]
    why = "; ".join(apart) or ("rows ask for the same as others of their table" if ambiguous else "no common cell")
    return f"no row of ONE asks for the same as a row of OTHER ({why}); compare two tables of one study"


def some(names: set[str]) -> str:
    """Return the first names of a set."""
    told = [name or "none" for name in sorted(names or {""})]
    return ", ".join([*told[:FEW], *(["..."] if len(told) > FEW else [])])


def summary(found: Moves) -> list[dict[str, Any]]:
    """Return for each column how many rows had which verdict, and the median change in %."""
    counts = found.rows.groupby("column", sort=False)
    return [
        {"column": name, "rows": len(part), "change_pct": part["change_pct"].median()}
        | {verdict: int((part["verdict"] == verdict).sum()) for verdict in VERDICTS}
        for name, part in counts
    ]
