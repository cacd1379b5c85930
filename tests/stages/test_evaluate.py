"""The whole Evaluate stage: predictions on the disk to columns and curves."""

import csv
import json
import re
import sys
import textwrap
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.coco_files import COCO_TINY, needs_photographs, write
from tradeoff.core.columns import BY_NAME
from tradeoff.core.errors import ConfigError, DataError
from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch, finish
from tradeoff.ops.structures import Detections
from tradeoff.recipes.stages import Evaluate
from tradeoff.run import enumerate_cells
from tradeoff.stages import predict
from tradeoff.stages.evaluate import CURVES
from tradeoff.stages.predict import PREDICTIONS

RACCOON = COCO_TINY.parent / "raccoon"
needs_raccoons = pytest.mark.skipif(not RACCOON.is_dir(), reason="no raccoons in ../shared/data")

ERRORS = ("cls", "loc", "both", "dupe", "bkg", "fp", "miss", "fn")

Arrays = dict[str, np.ndarray]
NOTHING: Arrays = {
    "image_id": np.zeros(0, np.int64),
    "label": np.zeros(0, np.int64),
    "score": np.zeros(0, np.float32),
    "box": np.zeros((0, 4), np.float32),
}


def stage(root: Path, *words: str) -> Evaluate:
    """Return the scoring of a cell on a data set in COCO's format."""
    ((cell, _),) = enumerate_cells(["extractor=tiny", "data=coco", f"data.root={root}", *words])
    found = cell.stages(Machine("cpu", "a CPU", "2.15.0", "0.29.2")).evaluate
    assert found is not None
    return found


def scored(store: Store, evaluate: Evaluate, predictions: Arrays) -> dict[str, float | None]:
    """Put predictions where the stage looks for them, as if a detector had made them, and score them."""
    folder = store.folder(evaluate.predict)
    folder.mkdir(parents=True)
    np.savez_compressed(folder / PREDICTIONS, **predictions)
    finish(folder, evaluate.predict, {})
    return fetch(evaluate, Context(store))


def perfect(evaluate: Evaluate) -> Arrays:
    """Return every object that is no crowd as a prediction."""
    data = evaluate.predict.split.build()
    entries = [entry for entry in data.ground_truth()["annotations"] if not entry["iscrowd"]]
    corners = [[x, y, x + w, y + h] for x, y, w, h in (entry["bbox"] for entry in entries)]
    return {
        "image_id": np.array([entry["image_id"] for entry in entries]),
        "label": np.array([data.category_ids.index(entry["category_id"]) for entry in entries]),
        "score": np.full(len(entries), 0.75, np.float32),
        "box": np.array(corners, np.float32),
    }


def assert_perfect_is_one_and_nothing_zero(root: Path, folder: Path, engine: str) -> None:
    """Score every object as a prediction, then none at all."""
    evaluate = stage(root, f"metric.engine={engine}", "evaluate.images=null")
    best = scored(Store(folder / "perfect"), evaluate, perfect(evaluate))
    none = scored(Store(folder / "nothing"), evaluate, NOTHING)
    for name in ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "voc_ap50", "voc_ap50_11pt"):
        assert best[name] in (None, pytest.approx(1.0)), name
        assert none[name] == (None if best[name] is None else 0.0), name
    assert best["ap"] == pytest.approx(1.0)
    at_score = ("precision_at_score", "recall_at_score", "f1_at_score")
    assert [best[name] for name in at_score] == [1.0, 1.0, 1.0]
    assert [none[name] for name in at_score] == [None, 0.0, 0.0]
    assert none["oi_ap50"] == 0.0
    assert {best[f"tide_{name}"] for name in ERRORS} == {0.0}
    assert [none[f"tide_{name}"] for name in ERRORS] == [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    assert best["eval_images"] == none["eval_images"] == len(evaluate.predict.split.build())


@needs_photographs
@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_perfect_predictions_on_photographs_of_coco_score_one_and_none_score_zero(engine, tmp_path):
    assert_perfect_is_one_and_nothing_zero(COCO_TINY, tmp_path, engine)


@needs_raccoons
@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_perfect_predictions_on_raccoons_score_one_and_none_score_zero(engine, tmp_path):
    root = tmp_path / "raccoon"
    (root / "annotations").mkdir(parents=True)
    for part, name in (("train", "train_labels.csv"), ("val", "test_labels.csv")):
        document = from_csv(RACCOON / "data" / name)
        (root / "annotations" / f"instances_{part}2017.json").write_text(json.dumps(document))
        (root / f"{part}2017").symlink_to(RACCOON / "images")
    assert_perfect_is_one_and_nothing_zero(root, tmp_path, engine)


def from_csv(path: Path) -> dict[str, list]:
    """Return a table of corners as a document in COCO's format, without areas."""
    images: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            images[row["filename"]].append(row)
    annotations = []
    for number, rows in enumerate(images.values(), start=1):
        for row in rows:
            left, top, right, bottom = (int(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
            box = [left, top, right - left, bottom - top]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": box})
    return {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(images, start=1)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "raccoon"}],
    }


class Oracle:
    """Stands for a detector: the images come in the order of their ids, and it answers all, or no, objects."""

    def __init__(self, split, knows):
        data = split.build()
        self.answers = (data.example(place) for place in range(len(data)))
        self.knows = knows

    def __call__(self, images):
        ((_, example),) = zip(images, [next(self.answers)], strict=True)
        np.testing.assert_array_equal(images[0], example.image)
        kept = ~example.crowd & self.knows
        boxes, labels = torch.from_numpy(example.boxes[kept]).float(), torch.from_numpy(example.labels[kept])
        return [Detections(boxes, torch.linspace(0.9, 0.6, len(labels)), labels)]


def own_words(folder: Path) -> list[str]:
    return ["data=coco", f"data.root={write(folder)}"]


def coco_words(_: Path) -> list[str]:
    return ["data=coco", f"data.root={COCO_TINY}", "evaluate.images=null"]


def raccoon_words(_: Path) -> list[str]:
    tables = {"train": "train_labels.csv", "val": "test_labels.csv"}
    places = [f"data.{part}_annotations={RACCOON}/data/{name}" for part, name in tables.items()]
    return ["data=csv", *places, *(f"data.{part}_images={RACCOON}/images" for part in tables)]


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize(
    "words",
    [own_words, pytest.param(coco_words, marks=needs_photographs), pytest.param(raccoon_words, marks=needs_raccoons)],
)
def test_a_detector_that_knows_all_scores_one_and_one_that_finds_nothing_zero(words, knows, tmp_path, monkeypatch):
    """Predict and Evaluate as they run, but for the network."""
    ((cell, _),) = enumerate_cells(["extractor=tiny", *words(tmp_path / "set")])
    evaluate = cell.stages(Machine("cpu", "a CPU", "2.15.0", "0.29.2")).evaluate
    monkeypatch.setattr(predict, "trained", lambda *_: None)
    monkeypatch.setattr(predict, "chain_of", lambda *_: Oracle(evaluate.predict.split, knows))
    columns = fetch(evaluate, Context(Store(tmp_path / "results")))
    assert [columns[name] for name in ("ap", "ap50", "voc_ap50")] == pytest.approx([float(knows)] * 3)
    assert columns["tide_miss"] == float(not knows)
    assert columns["eval_images"] == len(evaluate.predict.split.build())


def test_a_trained_detector_without_a_detection_has_ap_0_and_a_latency(tmp_path):
    words = [
        "size=64",
        "train=smoke",
        "train.batch_size=2",
        "proposals=5",
        "inference.score_threshold=1",
        "measure.max_s=1",
    ]
    ((cell, _),) = enumerate_cells(["extractor=tiny", "data=coco", f"data.root={write(tmp_path / 'set')}", *words])
    stages = cell.stages(Machine("cpu", "a CPU", "2.15.0", "0.29.2"))
    store = Store(tmp_path / "results")
    assert fetch(stages.evaluate, Context(store))["ap"] == 0.0
    assert len(predict.read(store.folder(stages.predict))["score"]) == 0
    assert fetch(stages.measure, Context(store))["latency_ms_p50"] > 0


#: fields of curves.npz with their shapes: 3 classes, 5 sizes
SHAPES = {
    "category_id": (3,),
    "category": (3,),
    "iou": (10,),
    "recall": (101,),
    "size_area_px2": (5, 2),
    "objects_by_class": (3,),
    "objects_by_size_class": (5, 3),
    **{f"{axis}_by_{part}": shape for axis in ("ap", "ar") for part, shape in (
        ("iou", (10,)), ("class", (3,)), ("iou_class", (10, 3)), ("size", (5,)), ("size_class", (5, 3))
    )},
    "curve_precision": (10, 101, 3),
    "curve_score": (10, 101, 3),
    **{f"{name}_by_class": (3,) for name in ("voc_ap50", "voc_ap50_11pt", "oi_ap50")},
    **{f"{name}_at_score_by_class": (3,) for name in ("precision", "recall", "f1")},
    "score_threshold": (),
    "ap_by_size_low": (5,),
    "ap_by_size_high": (5,),
}  # fmt: skip


def test_what_is_no_single_number_lies_beside_the_scores(tmp_path):
    evaluate, store = stage(write(tmp_path / "set")), Store(tmp_path / "results")
    columns = scored(store, evaluate, perfect(evaluate))
    with np.load(store.folder(evaluate) / CURVES, allow_pickle=False) as file:
        assert {name: file[name].shape for name in file.files} == SHAPES
        assert file["category"].tolist() == ["dog", "cat", "toothbrush"]
        assert file["category_id"].tolist() == [2, 7, 90]
        np.testing.assert_allclose(file["ap_by_class"], [1, np.nan, 1])  # the cats are a crowd
        assert file["size_area_px2"][:2].tolist() == [[0, 256], [256, 1024]]
    assert set(columns) <= set(BY_NAME)
    assert columns["oi_ap50"] == pytest.approx(2 / 3)  # the crowd is a group to find, and is not


def test_own_sizes_are_read_as_the_readme_says(tmp_path, monkeypatch, capsys):
    # objects of 10 × 8 and 20 × 20 px with areas of 70 and 300 px²: below 16² and below 32²; both are found
    evaluate, store = stage(write(tmp_path / "set")), Store(tmp_path / "results")
    scored(store, evaluate, perfect(evaluate))
    lines = (Path(__file__).parents[2] / "README.md").read_text().split("```python")[1].split("```")[0]
    place = f"results/cache/evaluate/{store.folder(evaluate).name}/"
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(re.sub(r"results/cache/evaluate/\w+/", place, lines)), {})
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["0 to 16 px: 1.000 (nan to nan)", "16 to 32 px: 1.000 (nan to nan)"]  # few images
    assert told[2:] == [f"{size} px: nan (nan to nan)" for size in ("32 to 96", "96 to 256", "256 to 100000")]


def test_an_option_of_the_metric_scores_anew_and_predicts_no_more(tmp_path):
    root = write(tmp_path / "set")
    plain, other = stage(root), stage(root, "metric.score_threshold=0.9", "metric.size_edges_px=[8,64]")
    assert plain.predict == other.predict
    store = Store(tmp_path / "results")
    assert store.folder(plain) != store.folder(other)
    assert scored(store, plain, perfect(plain))["recall_at_score"] == 1.0
    assert fetch(other, Context(store))["recall_at_score"] == 0.0
    with np.load(store.folder(other) / CURVES) as file:
        assert file["size_area_px2"].tolist() == [[0, 64], [64, 4096], [4096, 1e10]]
        assert file["score_threshold"] == 0.9


def test_an_engine_that_is_not_there_is_told_before_predicting(tmp_path, monkeypatch):
    evaluate = stage(write(tmp_path / "set"))
    monkeypatch.setitem(sys.modules, "hotcoco", None)
    with pytest.raises(ConfigError, match=r"metric\.engine=pycocotools"):
        fetch(evaluate, Context(Store(tmp_path / "results")))
    assert not Store(tmp_path / "results").folder(evaluate.predict).exists()


def test_a_prediction_that_is_not_finite_fails_the_stage(tmp_path):
    evaluate = stage(write(tmp_path / "set"))
    predictions = perfect(evaluate)
    predictions["box"][0, 2] = np.inf
    with pytest.raises(DataError, match=r"detection 0: bbox=.*inf.*finite"):
        scored(Store(tmp_path / "results"), evaluate, predictions)


def test_the_engine_is_part_of_the_key_only_when_it_is_not_the_default(tmp_path):
    evaluate, store = stage(write(tmp_path / "set")), Store(tmp_path)
    default, other = (replace(evaluate, metric=type(evaluate.metric)(engine=e)) for e in ("hotcoco", "pycocotools"))
    assert store.folder(default) == store.folder(evaluate)
    assert store.folder(other) != store.folder(evaluate)
