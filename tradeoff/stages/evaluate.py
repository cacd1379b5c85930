"""Evaluate: the accuracy of saved predictions."""

from pathlib import Path
from typing import Any

import numpy as np

from tradeoff.core.store import Context, fetch
from tradeoff.metrics import boxes, intervals
from tradeoff.metrics.accuracy import accuracy, areas
from tradeoff.metrics.coco import with_standard
from tradeoff.metrics.matches import match
from tradeoff.recipes.stages import Evaluate
from tradeoff.stages.predict import read

CURVES = "curves.npz"


def run(stage: Evaluate, folder: Path, context: Context) -> dict[str, Any]:
    """Score the predictions; return the accuracy columns and write what is no single number.

    `curves.npz` holds, for C classes, T = 10 thresholds of IoU, R = 101 recalls and B sizes, in float64 where nothing
    else is said, 0..1, NaN where there is no object to find:

    - category_id (C,) int64, category (C,) text; iou (T,); recall (R,); size_area_px2 (B, 2), lowest and highest
      area, px², both inclusive; objects_by_class (C,) and objects_by_size_class (B, C) int64, without crowds.
    - COCO, 100 detections per image and class: ap_by_iou (T,), ap_by_class (C,), ap_by_iou_class (T, C), ap_by_size
      (B,), ap_by_size_class (B, C), and the same of recall with ar_. ap_by_size_low, ap_by_size_high (B,): the 95 %
      interval of `metrics.intervals`, NaN also where it cannot be said.
    - curve_precision (T, R, C), the best precision from that recall on, 0 beyond the last that is reached, and
      curve_score (T, R, C), the score down to which that recall is reached, 0 beyond.
    - voc_ap50_by_class, voc_ap50_11pt_by_class, oi_ap50_by_class (C,): the terms of these columns' means; these rules
      take all detections.
    - score_threshold (), and of the detections from it on precision_at_score_by_class, recall_at_score_by_class and
      f1_at_score_by_class (C,), at IoU 0.5 by the rule of VOC.

    `matches.npz` holds the fields of `metrics.matches.Matches`: the intervals and comparisons of runs are made of it.

    Raises:
        ConfigError: when the engine is not installed.
        DataError: when a prediction or an annotation cannot be scored.
    """
    stage.metric.check_engine()
    fetch(stage.predict, context)
    data = stage.predict.split.build()
    truth = boxes.truth(data.ground_truth())
    found = boxes.predicted(truth, read(context.store.folder(stage.predict)), data.category_ids)
    columns, arrays = accuracy(truth, found, **stage.metric.options())
    buckets = areas(stage.metric.size_edges_px)
    matched = match(truth, found, with_standard(buckets))
    matched.write(folder)
    told = intervals.of_run(matched)
    np.savez_compressed(folder / CURVES, allow_pickle=False, **arrays, **intervals.arrays(told, buckets))
    return {**columns, **intervals.columns(told)}
