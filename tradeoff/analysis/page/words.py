"""What is to be kept in mind of a table, and where its rows come from, in words."""

from collections.abc import Iterator

import pandas as pd

from tradeoff.analysis.comparable import TIME, complete, groups, published, timed, trusted

ENVIRONMENT = {
    "device_name": "Device",
    "precision": "Precision",
    "batch_size": "Batch size",
    "torch_version": "PyTorch",
    "torchvision_version": "torchvision",
    "driver_version": "Driver",
    "code_version": "This package",
    "protocol": "Protocol",
    "source": "Source",
}
COSTS = {TIME.name: "time", "peak_memory_mb": "memory", "energy_j": "energy", "gmacs": "multiply-adds"}
MOST = 8  # values or reasons that are told


def environment(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return what the rows say of where they were had, each value with the number of its rows."""
    told = [(word, values(frame[name])) for name, word in ENVIRONMENT.items() if name in frame]
    dates = frame["created_utc"].dropna()
    when = [("Written", f"{dates.min()} to {dates.max()}")] if len(dates) else []
    return [(word, text) for word, text in told if text] + when


def values(column: pd.Series) -> str:
    """Word the values of a column; where there are several, each with the number of its rows."""
    counts = column.dropna().value_counts()
    if len(counts) == 1 and column.notna().all():
        return str(counts.index[0])
    several = [f"{value} ({count} {plural(count, 'row')})" for value, count in counts.items()]
    return ", ".join(several[:MOST]) + (f" and {len(several) - MOST} more" if len(several) > MOST else "")


def plural(count: int, word: str) -> str:
    """Return a word for a count."""
    return word if count == 1 else f"{word}s"


def caveats(frame: pd.DataFrame) -> list[str]:
    """Return what one has to know before trusting the table, most important first."""
    parts = (counted, distrusted, borrowed, apart, trained, scored, costs)
    return [line for part in parts for line in part(frame)]


def counted(frame: pd.DataFrame) -> Iterator[str]:
    """Word how many rows there are, and why some did not finish."""
    status = frame["status"].value_counts()
    done, failed, skipped = (int(status.get(name, 0)) for name in ("ok", "failed", "skipped"))
    yield f"{len(frame)} {plural(len(frame), 'row')}: {done} finished, {failed} failed, {skipped} skipped."
    for name in status.index:
        if name != "ok":
            why = frame.loc[frame["status"] == name, "reason"].fillna("no reason given")
            yield f"{str(name).capitalize()}: {reasons(why)}."


def reasons(column: pd.Series) -> str:
    """Word the most frequent reasons."""
    counts = column.str.split().str.join(" ").str.rstrip(".").value_counts()
    told = [f"{reason} ({count})" for reason, count in counts.items()]
    return "; ".join(told[:MOST]) + (f"; and {len(told) - MOST} others" if len(told) > MOST else "")


def distrusted(frame: pd.DataFrame) -> Iterator[str]:
    """Word why rows are not trusted."""
    doubtful = complete(frame)[~trusted(complete(frame))]
    if len(doubtful):
        why = doubtful["reasons"].fillna("no reason given")
        yield (
            f"{len(doubtful)} finished {plural(len(doubtful), 'row')} failed a rule of trust; they are drawn hollow, "
            f"rank last, and are not on a frontier while a trusted row is there. Why: {reasons(why)}."
        )


def borrowed(frame: pd.DataFrame) -> Iterator[str]:
    """Word which rows are numbers of others, and whose."""
    theirs = complete(frame)[published(complete(frame))]
    if len(theirs):
        yield (
            f"{len(theirs)} finished {plural(len(theirs), 'row')} of published numbers, not measured here: others "
            "took them, by their own protocol. They are grey, bear (published) behind the name, and rank "
            f" after what was measured here. Source: {values(theirs['source'])}."
        )


def apart(frame: pd.DataFrame) -> Iterator[str]:
    """Word that some rows cannot be compared."""
    titles = [title for title, _ in groups(complete(frame))]
    if len(titles) > 1:
        yield (
            f"The rows fall into {len(titles)} groups that differ in data, device, precision, batch or protocol; "
            "numbers of different groups do not stand on one axis."
        )


def trained(frame: pd.DataFrame) -> Iterator[str]:
    """Word how far the trainings can be relied upon."""
    done = complete(frame)
    brief = sorted({"quick", "smoke"} & set(done["train"].dropna()))
    if brief:
        yield f"Trainings of {' and '.join(brief)} are far from converged: they rank models on a budget of minutes."
    if (done["train"] == "none").any():
        yield "Rows of train=none were not trained: their costs are real, an AP they do not have."
    if done["seed"].nunique() == 1:
        yield "Every model was trained with one seed: how much AP changes from seed to seed is not in these numbers."


def scored(frame: pd.DataFrame) -> Iterator[str]:
    """Word how sure an AP is."""
    done = complete(frame)
    images = done["eval_images"].dropna().astype(int)
    if len(images):
        few, many = images.min(), images.max()
        span = str(few) if few == many else f"{few} to {many}"
        bare = "ap_low" not in frame or frame["ap_low"].isna().all()
        ties = "; the table has no intervals, so take small differences for ties" if bare else ""
        yield f"AP comes from {span} validation {plural(many, 'image')}{ties}."


def costs(frame: pd.DataFrame) -> Iterator[str]:
    """Word what the costs mean, and what was not measured."""
    done = timed(complete(frame))
    median = done["latency_ms_p50"].notna()
    if (median & ~published(done)).any():
        yield (
            "Time is end to end, from the decoded image to the final boxes, and belongs to the device named; "
            "on another device the order can differ."
        )
    if not median.any() and done["latency_ms_mean"].notna().any():
        yield "The table has no median of the time; the mean is taken instead, which outliers raise."
    missing = [word for name, word in COSTS.items() if done[name].isna().all()]
    if missing:
        yield f"Not measured in any row: {', '.join(missing)}. No model can keep a budget on it."
    partial = int(done["flops_partial"].fillna(False).sum())
    if partial:
        yield f"In {partial} {plural(partial, 'row')} operators without a formula are not in the multiply-adds."
