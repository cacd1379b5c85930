"""The effect of one axis: rows that differ in nothing else, and what changes along them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from tradeoff.analysis.comparable import numbers, published, standing, values

AXES = ("size", "stride", "proposals")
CONFIGURATION = ["meta_arch", "extractor", "size", "stride", "own"]
SPEAKING = "Each meta-architecture, extractor, image size, stride and own options by its row with the highest AP."
#: what does not make another model
NOT_THE_MODEL = ("measure.", "evaluate.", "metric.", "data.")


def chains(rows: pd.DataFrame, axis: str, needed: Iterable[str] = ()) -> list[pd.DataFrame]:
    """Return the sets of rows that differ in an axis alone, ascending; only those with two values of it at least.

    Of rows that are equal in all of it, the one of the best standing counts; of published ones none.

    Args:
        rows: that can be compared.
        axis: size, stride or proposals.
        needed: columns in which each row must have a value.
    """
    whole = rows[rows[[axis, *needed]].notna().all(axis=1) & (numbers(rows, axis) > 0)]
    others = [name for name in AXES if name != axis]
    told = {name: values(whole, name) for name in ("meta_arch", "extractor", "train", "seed", "source", *others)}
    key = pd.DataFrame(told).assign(own=own_words(whole))
    ranked = whole.assign(standing_=standing(whole)).sort_values([axis, "standing_", "run_id"])
    parts = []
    for _, part in ranked.groupby([key[name].loc[ranked.index] for name in key], dropna=False, sort=True):
        keep: Any = False if published(part).any() else "first"  # which of equals was published, nobody tells
        chain = part.drop_duplicates(subset=axis, keep=keep).drop(columns="standing_")
        parts += [chain] if len(chain) > 1 else []
    return parts


def best_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the best prepared row of each configuration, the best AP last.

    A configuration is a meta-architecture with an extractor, an image size, a stride, 0 where there is none, and the
    options of its own; a trusted row comes before one that is not, however good. A published row is a configuration
    of its own, for nobody tells in what it differs from others.
    """
    told = rows.assign(stride=values(rows, "stride").astype("Int64").fillna(0), own=own_words(rows))
    told.loc[told["pale"], "own"] = [f"row {index}" for index in rows.index[rows["pale"]]]
    ranked = told.assign(doubt=-standing(rows)).sort_values(["doubt", "ap", "run_id"], ascending=[True, True, False])
    return ranked.drop_duplicates(subset=CONFIGURATION, keep="last").sort_values(["ap", "run_id"])


def spoken_for(best: pd.DataFrame) -> list[str]:
    """Say which rows speak for others, and which for themselves."""
    return [
        *([] if best["pale"].all() else [SPEAKING]),
        *(["Each published row by itself."] if best["pale"].any() else []),
    ]


def own_words(rows: pd.DataFrame) -> pd.Series:
    """Return the overrides of each row that make another model of it."""
    texts = ("" if pd.isna(text) else str(text) for text in values(rows, "overrides"))
    words = [" ".join(word for word in text.split() if not word.startswith(NOT_THE_MODEL)) for text in texts]
    return pd.Series(words, index=rows.index, dtype="str")


def change(parts: Iterable[pd.DataFrame], axis: str, first: float, last: float, name: str) -> tuple[float, int]:
    """Return by how much a column changes on average from one value of an axis to another, relative to the first.

    Chains with rows that are not trusted, or published, count only where there are no better ones.

    Returns:
        The mean of the relative changes, such as 0.63, NaN where there is none, and of how many chains.
    """
    found: dict[int, list[float]] = {}
    for chain in parts:
        at = dict(zip(numbers(chain, axis), numbers(chain, name), strict=True))
        if first in at and last in at and at[first] > 0 and not np.isnan(at[last]):
            doubt = int(standing(chain)[numbers(chain, axis).isin((first, last))].max())
            found.setdefault(doubt, []).append(at[last] / at[first] - 1)
    ratios = found[min(found)] if found else []
    return (float(np.mean(ratios)) if ratios else float("nan")), len(ratios)


def changes(parts: list[pd.DataFrame], axis: str, ends: tuple[float, float], names: dict[str, str]) -> str:
    """Word how columns change along an axis, such as "AP +5.0 %, time +63 % (mean of 12 pairs)"."""
    told = []
    for name, word in names.items():
        ratio, count = change(parts, axis, *ends, name)
        told += [f"{word} {round(100 * ratio, 1) + 0.0:+.1f} % (mean of {count})"] if count else []
    return ", ".join(told)


def fewer(parts: list[pd.DataFrame], most: int) -> list[pd.DataFrame]:
    """Return chains that a figure has room for: where there are more, those of each model's most proposals."""
    if len(parts) <= most:
        return parts
    largest: dict[tuple[str, str, str], float] = {}
    for part in parts:
        largest[model(part)] = max(largest.get(model(part), -1.0), proposals_of(part))
    return [part for part in parts if proposals_of(part) == largest[model(part)]]


def model(chain: pd.DataFrame) -> tuple[str, str, str]:
    """Return what a chain is of, but for the number of proposals and the other axes."""
    first = chain.iloc[0]
    return str(first["meta_arch"]), str(first["extractor"]), str(first.get("overrides"))


def proposals_of(chain: pd.DataFrame) -> float:
    """Return the number of proposals of a chain, 0 where it has none."""
    return float(numbers(chain, "proposals").fillna(0).iloc[0])
