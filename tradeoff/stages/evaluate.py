"""Evaluate: the accuracy of saved predictions."""

from pathlib import Path
from typing import Any

import numpy as np

from tradeoff.core.store import Context, fetch
from tradeoff.metrics.coco import evaluate
from tradeoff.recipes.stages import Evaluate
from tradeoff.stages.predict import read


def run(stage: Evaluate, folder: Path, context: Context) -> dict[str, Any]:
    """Score the predictions; return the accuracy columns."""
    fetch(stage.predict, context)
    data = stage.predict.split.build()
    detections = records(read(context.store.folder(stage.predict)), data.category_ids)
    return evaluate(data.ground_truth(), detections)


def records(predictions: dict[str, np.ndarray], category_ids: tuple[int, ...]) -> list[dict[str, Any]]:
    """Turn predictions into COCO's records: boxes as (x, y, width, height), labels as category ids."""
    boxes = predictions["box"].astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    columns = (predictions["image_id"].tolist(), predictions["label"].tolist(), predictions["score"].tolist())
    return [
        {"image_id": image, "category_id": category_ids[label], "bbox": box, "score": score}
        for image, label, score, box in zip(*columns, boxes.tolist(), strict=True)
    ]
