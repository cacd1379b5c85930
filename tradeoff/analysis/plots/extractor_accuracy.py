"""The accuracy of detectors against that of their extractors on ImageNet. Source: Huang et al. 2017, figure 3."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import correlation, imagenet, points, under
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import OF_ACCURACY
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.points import Panel, View

VIEW = View(Axis("top1_pct"), Axis("ap"))


def extractor_accuracy(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP against the published top-1 accuracy of the extractor, with the rank correlation of each meta-architecture.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has an AP and an extractor of known accuracy, or too many sets cannot be compared.
    """
    rows = points.usable("extractor_accuracy", frame.assign(top1_pct=imagenet.top1_pct(frame)), [VIEW])
    shown = points.panels("extractor_accuracy", rows, [VIEW], together, OF_ACCURACY)
    by_meta_arch = [
        Panel(", ".join(word for word in (panel.title, name) if word), part, panel.view)
        for panel in shown
        for name, part in panel.rows.groupby("meta_arch")
    ]
    caption = " ".join(
        [
            tally(frame, rows, "AP, or trained from other weights than ImageNet's, or of an extractor without a number"),
            correlation.worded(by_meta_arch, correlation.kendall, "Kendall's τ"),
            f"Top-1: one crop, as published: {'; '.join(imagenet.sources(rows))}; the weights here may be others.",
            *asked(together),
        ]
    )
    figure, caption = points.compose(rows, shown, lambda _: caption, under.nothing)
    return Drawing("extractor_accuracy", "Accuracy against that of the extractor on ImageNet", caption, figure)
