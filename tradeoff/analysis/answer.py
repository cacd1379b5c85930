"""A decision in words, for a terminal, and as plain values, for a program."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from tradeoff.analysis import table
from tradeoff.analysis.comparable import TIME, published, trusted, values
from tradeoff.analysis.decision import Decision, Miss, Step
from tradeoff.analysis.limits import LIMITS, Budget

#: column, header, format, factor
SHOWN = (
    ("ap", "AP", ".3f", 1.0),
    ("ap_table", "AP of all", ".3f", 1.0),
    ("ap_small", "small", ".3f", 1.0),
    ("ap_medium", "medium", ".3f", 1.0),
    ("ap_large", "large", ".3f", 1.0),
    (TIME.name, "ms", ".4g", 1.0),
    ("peak_memory_mb", "mem MB", ".4g", 1.0),
    ("energy_j", "J", ".3g", 1.0),
    ("gmacs", "GMACs", ".3g", 1.0),
    ("params", "params M", ".3g", 1e-6),
)


def text(decision: Decision, most: int) -> str:
    """Return the answer: what fits, what binds, what is nearest.

    Args:
        decision: of rows that can be compared.
        most: rows that are listed.
    """
    found, whole = len(decision.fits), len(decision.rows)
    lines = [table.folded(decision.conditions)]
    lines += [table.folded(f"limits: {limited(decision.limits)}")]
    lines += [f"{found} of {whole} models fit" + (", the best first:" if found else "")]
    lines += [listed(decision.fits.head(most))] if found else []
    lines += [f"... and {found - most} more"] if found > most else []
    lines += [table.folded(line) for line in (*doubts(decision), *(bound(decision) if found else missed(decision)))]
    return "\n".join(lines)


def limited(limits: Budget) -> str:
    """Word a budget."""
    signs = {"most": "at most", "least": "at least"}
    return (
        "; ".join(f"{limit.title} {signs[limit.sense]} {limit.told(bound)}" for limit, bound in limits.items())
        or "none"
    )


def listed(fits: pd.DataFrame) -> str:
    """Return rows with their rank and every number that one of them has."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("", justify="right")
    grid.add_column("model", overflow="fold")
    shown = [column for column in SHOWN if values(fits, column[0]).notna().any()]
    for _, header, _, _ in shown:
        grid.add_column(header, justify="right", no_wrap=True)
    for rank, (_, row) in enumerate(fits.iterrows(), start=1):
        grid.add_row(str(rank), Text(named(row)), *(table.cell(row, *column) for column in shown))
    return table.rendered(grid)


def named(row: pd.Series) -> str:
    """Return what a row is called, with a mark where it is not trusted."""
    label = next((str(row[name]) for name in ("label", "run_id") if pd.notna(row[name])), "a row without a label")
    return label if trusted(row.to_frame().T).iloc[0] else f"{label} (untrusted)"


def doubts(decision: Decision) -> Iterator[str]:
    """Yield what to know before the answer is believed."""
    if values(decision.rows, "latency_ms_p50").isna().all() and decision.rows[TIME.name].notna().any():
        yield "Time is latency_ms_mean, for no model has a median."
    for limit, count in decision.unknown.items():
        yield f"{limit.title}: not known of {count} of {len(decision.rows)} models, which so do not fit."
    picked = decision.picked
    if picked is not None and "(untrusted)" in named(picked):
        why = picked.get("reasons")
        yield f"No trusted model fits: the pick failed a rule of trust ({'no reason' if pd.isna(why) else why})."
    if picked is not None and pd.isna(picked["ap"]):
        yield "Nothing that fits has an AP: the order says nothing of accuracy."


def bound(decision: Decision) -> Iterator[str]:
    """Yield which limits bind, what a little more buys, and the nearest that does not fit."""
    picked = decision.picked
    apart = list(kept_apart(decision))
    if decision.limits and not decision.steps and decision.nearest is None and not apart:
        yield "No limit binds: no better model is kept away."
    yield from apart
    if len(decision.alike):
        yield near(decision)
    for step in decision.steps:
        yield f"Binds: {step.limit.title}. {bought(step, decision.limits[step.limit], picked)}"
    if decision.nearest and not any(step.row.name == decision.nearest.row.name for step in decision.steps):
        yield f"The nearest better model that does not fit: {missing(decision.nearest, decision.limits)}"


def kept_apart(decision: Decision) -> Iterator[str]:
    """Yield how many better models were not chosen for want of a number, or of trust."""
    for limit, count in decision.untold.items():
        yield f"{models(count, 'better')} no number for {limit.title}."
    if count := len(decision.doubted):
        lesser = "published or untrusted" if published(decision.doubted).any() else "untrusted"
        yield f"{models(count, lesser)} more AP than the pick."


def models(count: int, kind: str) -> str:
    """Word how many models of a kind have something."""
    return f"1 {kind} model has" if count == 1 else f"{count} {kind} models have"


def near(decision: Decision) -> str:
    """Word what the intervals of AP do not tell apart from the pick."""
    fastest = decision.alike.sort_values(TIME.name, kind="stable").iloc[0]
    time = "" if pd.isna(fastest[TIME.name]) else f", {fastest[TIME.name]:.4g} ms"
    told = f"{len(decision.alike)} more that fit are not told apart from the pick by the 95 % intervals of AP"
    return f"{told}; the fastest of them: {named(fastest)}, {gain(fastest, decision.picked)}{time}."


def bought(step: Step, bound: float, picked: pd.Series | None) -> str:
    """Word what more of one limit buys."""
    limit = step.limit
    way = "more" if limit.sense == "most" else "less"
    needed = limit.told(limit.loose(step.needed))
    told = f"{limit.off(step.needed, bound)} {way} ({needed}) buys {named(step.row)}"
    return f"{told}: {gain(step.row, picked)}."


def gain(row: pd.Series, picked: pd.Series | None) -> str:
    """Word the AP of a row, and how much more it is than the picked one's."""
    if pd.isna(row["ap"]):
        return "AP not known"
    more = "" if picked is None or pd.isna(picked["ap"]) else f" ({row['ap'] - picked['ap']:+.3f})"
    return f"AP {row['ap']:.3f}{more}"


def missing(miss: Miss, limits: Budget) -> str:
    """Word a model that does not fit, and by how much."""
    parts = [
        f"{limit.title} {limit.told(limit.loose(value))}, {limit.off(value, limits[limit])} too "
        + ("much" if limit.sense == "most" else "little")
        for limit, value in miss.broken.items()
    ]
    return f"{named(miss.row)}, {gain(miss.row, None)}: {'; '.join(parts)}."


def missed(decision: Decision) -> Iterator[str]:
    """Yield the closest miss, where nothing fits."""
    if decision.nearest:
        yield f"The closest miss: {missing(decision.nearest, decision.limits)}"
    for limit, count in decision.unknown.items():
        if count == len(decision.rows):
            yield f"No model has a number for it, so none can keep {limit.option}; leave it out, or measure it."


def plain(decision: Decision) -> dict[str, Any]:
    """Return a decision as values that JSON can hold."""
    return {
        "conditions": decision.conditions,
        "limits": {limit.word: bound for limit, bound in decision.limits.items()},
        "models": len(decision.rows),
        "fits": len(decision.fits),
        "picked": None if decision.picked is None else facts(decision.picked),
        "ranked": [None if pd.isna(name) else str(name) for name in decision.fits["run_id"]],
        "binds": [
            {"limit": step.limit.word, "needed": step.needed, "buys": facts(step.row)} for step in decision.steps
        ],
        "alike": [None if pd.isna(name) else str(name) for name in decision.alike["run_id"]],
        "nearest": None if decision.nearest is None else broken(decision.nearest),
        "unknown": {limit.word: count for limit, count in decision.unknown.items()},
        "unknown_better": {limit.word: count for limit, count in decision.untold.items()},
        "doubted": len(decision.doubted),
    }


def broken(miss: Miss) -> dict[str, Any]:
    """Return a row that does not fit, with its value where it breaks a limit."""
    return {"broken": {limit.word: value for limit, value in miss.broken.items()}, **facts(miss.row)}


def facts(row: pd.Series) -> dict[str, Any]:
    """Return what tells a row, and its numbers that can be limited."""
    told = {name: None if pd.isna(row[name]) else str(row[name]) for name in ("run_id", "label")}
    numbers = {limit.column: row[limit.column] for limit in LIMITS if limit.column in row.index}
    return told | {name: None if pd.isna(value) else float(value) for name, value in numbers.items()}
