"""Which model fits a budget."""

import pandas as pd

from tradeoff.analysis.comparable import COMPARABLE, compared, complete, trusted
from tradeoff.core.errors import TableError


def pick(
    frame: pd.DataFrame,
    max_latency_ms: float | None = None,
    max_memory_mb: float | None = None,
    max_energy_j: float | None = None,
    max_params: float | None = None,
    min_ap: float | None = None,
) -> pd.DataFrame:
    """Return the rows that keep every limit, the best first.

    A row that lacks what is limited does not keep the limit. Trusted rows come before the others, then the higher AP,
    then the lower median latency.

    Args:
        frame: rows of one data set, device, precision and batch size.
        max_latency_ms: of the median of a call.
        max_memory_mb: of the peak of inference, 10^6 bytes.
        max_energy_j: per image.
        max_params: number of parameters.
        min_ap: 0..1.

    Raises:
        TableError: when the rows that fit differ in these, so that their AP or latency cannot be ranked.
    """
    limits = {
        "latency_ms_p50": max_latency_ms,
        "peak_memory_mb": max_memory_mb,
        "energy_j": max_energy_j,
        "params": max_params,
    }
    fits = complete(frame)
    for name, limit in limits.items():
        fits = fits if limit is None else fits[(fits[name] <= limit).fillna(False).astype(bool)]
    fits = fits if min_ap is None else fits[fits["ap"] >= min_ap]
    for name in COMPARABLE:
        check_one(fits, name)
    ranked = fits.assign(distrusted=~trusted(fits)).sort_values(
        ["distrusted", "ap", "latency_ms_p50", "run_id"], ascending=[True, False, True, True]
    )
    return ranked.drop(columns="distrusted")


def check_one(frame: pd.DataFrame, name: str) -> None:
    """Refuse rows that differ in what decides whether they can be compared."""
    told = compared(frame)[name].dropna()
    values = sorted(told.unique())
    if len(values) > 1:
        kept = frame.loc[told[told == values[0]].index, name].iloc[0]
        hint = f"choose, such as frame[frame[{name!r}] == {kept!r}]"
        if frame[name].dropna().nunique() == 1:
            hint = "choose by the columns 'overrides' and 'eval_images'"
        raise TableError(f"column {name!r}: got {', '.join(map(str, values))}; expected one; {hint}")
