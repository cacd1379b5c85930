"""Predictions are scored under the ids of their data set."""

import numpy as np

from tradeoff.stages.evaluate import records


def test_labels_become_category_ids_and_corners_become_sides():
    predictions = {
        "image_id": np.array([4, 9]),
        "label": np.array([2, 0]),
        "score": np.array([0.5, 0.25], np.float32),
        "box": np.array([[1, 2, 4, 8], [0, 0, 10, 5]], np.float32),
    }
    assert records(predictions, (2, 7, 90)) == [
        {"image_id": 4, "category_id": 90, "bbox": [1.0, 2.0, 3.0, 6.0], "score": 0.5},
        {"image_id": 9, "category_id": 2, "bbox": [0.0, 0.0, 10.0, 5.0], "score": 0.25},
    ]
