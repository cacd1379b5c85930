"""The accuracy of detectors against that of their extractors on ImageNet. Source: Huang et al. 2017, figure 3."""

from collections.abc import Collection
from itertools import cycle

import pandas as pd

from tradeoff.analysis import correlation, effect, imagenet, palette, points, under
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import OF_ACCURACY, complete, groups
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.points import Panel, View
from tradeoff.core.errors import TableError

VIEW = View(Axis("top1_pct"), Axis("ap"))


def extractor_accuracy(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP against the published top-1 accuracy of the extractor, with rank correlations by meta-architecture.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has an AP and an extractor of known accuracy, or too many sets cannot be
            compared.
    """
    known = frame.assign(top1_pct=imagenet.top1_pct(frame))
    if complete(known, "top1_pct").empty:
        raise TableError(
            f"extractor_accuracy: none of {len(frame)} rows is finished and started from ImageNet's weights with an "
            "extractor whose accuracy there is known"
        )
    rows = points.usable("extractor_accuracy", known, [VIEW])
    best = pd.concat([effect.best_rows(part) for _, part in groups(rows, together, OF_ACCURACY)])
    styles = dict(zip(palette.ordered(best["meta_arch"]), cycle(("-", "--", ":", "-."))))
    best = best.assign(line=best["meta_arch"].map(styles))
    shown = points.panels("extractor_accuracy", best, [VIEW], together, OF_ACCURACY)
    by_meta_arch = [
        Panel(", ".join(word for word in (panel.title, str(name)) if word), part, panel.view)
        for panel in shown
        for name, part in panel.rows[panel.rows["size"] > 0].groupby("meta_arch")
    ]
    unknown = int((best["size"] == 0).sum())
    caption = " ".join(
        [
            tally(
                frame,
                best,
                "AP, started from other weights than ImageNet's, or of an extractor without a number",
                like=len(rows) - len(best),
            ),
            *effect.spoken_for(best),
            "Lines join the best of those of one size and stride.",
            *([f"Of unknown size, with neither line nor τ: {unknown}."] if unknown else []),
            correlation.worded(by_meta_arch, correlation.kendall, "Kendall's τ within a size", ["size", "stride"]),
            f"Top-1: one crop, as published: {'; '.join(imagenet.sources(rows))}; the weights here may be others.",
            *asked(together),
        ]
    )
    figure, caption = points.compose(best, shown, lambda _: caption, under.lines)
    return Drawing("extractor_accuracy", "Accuracy against that of the extractor on ImageNet", caption, figure)
