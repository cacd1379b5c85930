"""The small tables of a report: the frontier, its critical points and its near ties, in cells of text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from tradeoff.analysis.comparable import TIME, candidates, complete, groups, numbers, published, timed, trusted
from tradeoff.analysis.critical import COLUMN, critical_points
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.membership import near_ties

#: column, header and format of the numbers of a model
NUMBERS = (
    ("ap", "AP", "{:.3f}"),
    ("ap_small", "AP small", "{:.3f}"),
    (TIME.name, "time ms", "{:.4g}"),
    ("peak_memory_mb", "memory MB", "{:.4g}"),
    ("energy_j", "energy J", "{:.3g}"),
    ("gmacs", "GMACs", "{:.3g}"),
)
#: costs by which models can be unbeaten, and their words
COSTS = {TIME.name: "time", "peak_memory_mb": "memory", "energy_j": "energy"}


@dataclass(frozen=True)
class Table:
    """A table under a title; `numeric` counts the last columns, which are numbers."""

    title: str
    note: str
    heads: list[str]
    rows: list[list[str]]
    numeric: int


def tables(frame: pd.DataFrame) -> list[Table]:
    """Return the small tables of a report that have a row."""
    made = (frontier_table(frame), unbeaten_table(frame), critical_table(frame), ties_table(frame))
    return [table for table in made if table.rows]


def frontier_table(frame: pd.DataFrame) -> Table:
    """Return the models on the frontier of AP against time, the fastest first, group by group."""
    best = timed(frame)[on_frontier(frame)]
    told = [group.sort_values([TIME.name, "ap", "run_id"]).assign(conditions=title) for title, group in grouped(best)]
    note = "None of the others is as accurate in as little time."
    return modelled("Frontier of AP against time", note, joined(told), {"model": model})


def unbeaten_table(frame: pd.DataFrame) -> Table:
    """Return the models that nothing beats in AP and all costs together, group by group, the fastest first.

    The costs of a group are those of `COSTS` that each row has which contends, by its standing, AP and time; a group
    with fewer than two has no such table.
    """
    told = []
    for title, group in grouped(timed(frame)):
        contest = candidates(complete(group, "ap", TIME.name))
        costs = [name for name in COSTS if numbers(contest, name).notna().all()]
        if len(contest) and len(costs) > 1:
            best = contest[on_frontier(contest, ("ap", *costs))]
            named = objectives(contest, costs)
            told.append(best.sort_values([*costs, "run_id"]).assign(conditions=title, objectives=named))
    note = "No other model with AP and time is as good in all that is named, and better in one."
    words = {"model": model, "unbeaten in": lambda row: str(row["objectives"])}
    return modelled("Unbeaten in AP and several costs together", note, joined(told), words)


def objectives(contest: pd.DataFrame, costs: list[str]) -> str:
    """Word in what models are unbeaten, and which costs are left out because some of them lack it."""
    partly = [COSTS[name] for name in COSTS if name not in costs and numbers(contest, name).notna().any()]
    left_out = f" (left out, for some lack it: {', '.join(partly)})" if partly else ""
    return ", ".join(["AP", *(COSTS[name] for name in costs)]) + left_out


def critical_table(frame: pd.DataFrame) -> Table:
    """Return the critical points of each group."""
    note = "The sweet spot is the elbow of the frontier, unless the table itself names its critical points."
    words = {"point": lambda row: str(row[COLUMN]), "model": model}
    return modelled("Critical points", note, critical_points(frame), words)


def ties_table(frame: pd.DataFrame) -> Table:
    """Return the rows of which it is not sure whether they are on the frontier."""
    ties = near_ties(frame)
    yes = ties["on_frontier"].map({True: "yes", False: "no"})
    chances = [ties[name].map(percent) for name in ("probability", "rival_probability")]
    columns = {
        "model": ties["label"],
        "on the frontier as measured": yes,
        "beaten most probably by": ties["rival"],
        "probability on the frontier": chances[0],
        "probability of being beaten so": chances[1],
    }
    note = "Models that the intervals of AP and time leave open to be on the frontier, at 5 to 95 %."
    rows = [list(map(str, cells)) for cells in zip(*columns.values(), strict=True)]
    return Table("Near ties", note, list(columns), rows, numeric=2)


def percent(share: float) -> str:
    """Return a share in words."""
    return f"{100 * share:.0f} %"


def grouped(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the finished rows that can be compared, by group."""
    return list(groups(complete(frame)))


def joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all groups."""
    return pd.concat(parts) if parts else pd.DataFrame({"conditions": []})


def modelled(title: str, note: str, rows: pd.DataFrame, words: Mapping[str, Callable[[pd.Series], str]]) -> Table:
    """Return a table of models: their group where there are several, some words, and their numbers."""
    shown = [(head, style, numbers(rows, name)) for name, head, style in NUMBERS if numbers(rows, name).notna().any()]
    several = rows["conditions"].nunique() > 1 if len(rows) else False
    lead = {"measured on": lambda row: str(row["conditions"]), **words} if several else words
    columns = [column.map(style.format, na_action="ignore").fillna("") for _, style, column in shown]
    cells = [
        [*(str(word(row)) for word in lead.values()), *(column.iloc[place] for column in columns)]
        for place, (_, row) in enumerate(rows.iterrows())
    ]
    return Table(title, note, [*lead, *(head for head, _, _ in shown)], cells, numeric=len(shown))


def model(row: pd.Series) -> str:
    """Name a model, and say when it is not trusted or not measured here."""
    one = row.to_frame().T
    doubts = [] if trusted(one).iloc[0] else ["not trusted"]
    doubts += ["published"] if published(one).iloc[0] else []
    name = next((str(row[key]) for key in ("label", "run_id") if not pd.isna(row[key])), "no label")
    return f"{name} ({', '.join(doubts)})" if doubts else name
