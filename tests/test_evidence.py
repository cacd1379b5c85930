"""What the page shows from the cache: pictures once for a data set, and what each model found in them."""

import base64
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.analysis.synthetic import framed, made
from tradeoff import evidence
from tradeoff.data.shapes import ShapesDataset

SHAPES = {"data": "shapes", "overrides": "data.val_images=30 data.val_seed=3", "eval_images": 30}


def predicted(cache, key, rows):
    """Write predictions (image_id, label, score, x1, y1, x2, y2) into a cache."""
    folder = cache / "predict" / key
    folder.mkdir(parents=True)
    table = np.array(rows, float).reshape(-1, 7)
    np.savez_compressed(
        folder / "predictions.npz",
        image_id=table[:, 0].astype(np.int64),
        label=table[:, 1].astype(np.int64),
        score=table[:, 2].astype(np.float32),
        box=table[:, 3:].astype(np.float32),
    )


@pytest.fixture
def frame(tmp_path):
    """Two models on the frontier, one that is not, one on photographs that are not there."""
    rows = [
        made("fast", ap=0.1, latency_ms_p50=5.0, predict_key="aaa", evaluate_key="eee", **SHAPES),
        made("good", ap=0.3, latency_ms_p50=9.0, predict_key="bbb", **SHAPES),
        made("beaten", ap=0.2, latency_ms_p50=30.0, predict_key="ccc", **SHAPES),
        made("gone", predict_key="ddd", overrides="data.root=/nowhere/at/all"),
    ]
    return framed(tmp_path, rows)


def test_the_best_detections_of_models_on_the_frontier_are_shown(tmp_path, frame):
    cache, told = tmp_path / "cache", []
    every = [(identity, 2, 0.9, 10.4, 20.6, 30, 40) for identity in range(1, 31)]
    faint = [(identity, 1, 0.29, 0, 0, 9, 9) for identity in range(1, 31)]
    many = [(identity, 0, 0.4 + 0.01 * place, 0, 0, 9, 9) for identity in range(1, 31) for place in range(20)]
    predicted(cache, "aaa", [*faint, *many, *every])
    predicted(cache, "bbb", [])
    predicted(cache, "ccc", every)
    found = evidence.gathered(frame, cache, told.append)["examples"]
    assert told == []
    assert set(found["found"]) == {"aaa", "bbb"}
    (shown,) = found["sets"]
    assert len(shown["pictures"]) == 4
    assert found["found"]["bbb"] == {"set": 0, "boxes": [[], [], [], []]}
    for boxes in found["found"]["aaa"]["boxes"]:
        assert boxes[0] == [2, 900, 10, 21, 30, 40]  # label, score in thousandths, whole px
        assert len(boxes) == 12
        assert [box[1] for box in boxes] == sorted((box[1] for box in boxes), reverse=True)
        assert min(box[1] for box in boxes) >= 300


def test_pictures_and_objects_are_those_of_the_data_set(tmp_path, frame):
    predicted(tmp_path / "cache", "bbb", [])
    (shown,) = evidence.gathered(frame, tmp_path / "cache", print)["examples"]["sets"]
    data = ShapesDataset(images=30, seed=3)
    truths = [[[label, *map(round, box)] for label, box in zip(e.labels.tolist(), e.boxes.tolist(), strict=True)]
              for e in map(data.example, range(30))]  # fmt: skip
    assert shown["classes"] == list(data.classes)
    for picture in shown["pictures"]:
        place = truths.index(picture["truth"])
        jpeg = base64.b64decode(picture["uri"].removeprefix("data:image/jpeg;base64,"))
        small = np.asarray(Image.open(io.BytesIO(jpeg)), float)
        assert len(jpeg) <= 20_000
        assert small.shape == (360, 480, 3)
        whole = Image.fromarray(data.example(place).image).resize((480, 360), Image.Resampling.LANCZOS)
        assert np.abs(small - np.asarray(whole, float)).mean() < 12


def test_data_and_files_that_are_not_there_are_told_not_raised(tmp_path, frame):
    cache, told = tmp_path / "cache", []
    predicted(cache, "ddd", [])
    predicted(cache, "aaa", [])
    (cache / "predict" / "aaa" / "predictions.npz").write_bytes(b"PK\x03\x04 not whole")
    found = evidence.gathered(frame, cache, told.append)
    assert found["examples"]["found"] == {}
    assert any("aaa" in line and "cannot be read" in line for line in told)
    assert any("no example detections on data=coco data.root=/nowhere/at/all" in line for line in told)
    assert all(line in found["no_examples"] for line in told)


def test_without_a_cache_there_is_nothing_and_it_says_so(tmp_path, frame):
    found = evidence.gathered(frame, tmp_path / "none", print)
    assert (found["curves"], found["examples"]) == ({}, {"sets": [], "found": {}})
    assert "without the cache" in found["no_curves"]
    assert "without the cache" in found["no_examples"]


def test_pictures_are_made_without_torch():
    code = (
        "import sys\n"
        "from tradeoff import evidence\n"
        "assert len(evidence.drawn(('data=shapes',), 8)[1]) == 4\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
