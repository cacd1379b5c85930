"""Predict: detections on the validation images, kept as arrays."""

from pathlib import Path
from typing import Any

import numpy as np

from tradeoff.core.errors import StoreError
from tradeoff.core.store import Context
from tradeoff.data.loader import val_examples
from tradeoff.ops.structures import Detections
from tradeoff.recipes.stages import Predict
from tradeoff.stages.detect import chain_of
from tradeoff.stages.network import inferring, trained

PREDICTIONS = "predictions.npz"
#: images that are read sooner than a process that reads ahead has started
FEW = 500


def run(stage: Predict, folder: Path, context: Context) -> dict[str, Any]:
    """Detect objects in every validation image, one image at a time as when timing.

    The file holds, for D detections: image_id (D,) int64; label (D,) int64, 0..C-1; score (D,) float32; box (D, 4)
    float32 xyxy px of the original image.
    """
    train = stage.train
    chain = chain_of(train, trained(train, context), stage.inference, context.device)
    images = len(stage.split.build())
    found: list[tuple[int, Detections]] = []
    with inferring(stage.inference.precision, context.device):
        for example in val_examples(stage.split, train.training.workers if images > FEW else 0):
            found.append((example.image_id, chain([example.image])[0]))
            context.report(len(found), images, "images")
    np.savez_compressed(folder / PREDICTIONS, allow_pickle=False, **arrays(found))
    return {}


def arrays(found: list[tuple[int, Detections]]) -> dict[str, np.ndarray]:
    """Join the detections of all images into flat arrays."""
    ids = [np.full(len(d.scores), image_id, dtype=np.int64) for image_id, d in found]
    return {
        "image_id": np.concatenate([np.empty(0, np.int64), *ids]),
        "label": np.concatenate([np.empty(0, np.int64), *(d.labels.numpy() for _, d in found)]),
        "score": np.concatenate([np.empty(0, np.float32), *(d.scores.numpy() for _, d in found)]),
        "box": np.concatenate([np.empty((0, 4), np.float32), *(d.boxes.float().numpy() for _, d in found)]),
    }


def read(folder: Path) -> dict[str, np.ndarray]:
    """Read the predictions of a finished stage.

    Raises:
        StoreError: when the file is missing or damaged.
    """
    path = folder / PREDICTIONS
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); remove the folder to predict again") from error
