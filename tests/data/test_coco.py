"""Data sets in COCO's format: order, labels, boxes, and images of every kind."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.coco_files import COCO_TINY, document, needs_photographs, write
from tradeoff.core.errors import DataError
from tradeoff.data.coco import CocoDataset
from tradeoff.data.decode import read_rgb
from tradeoff.metrics.coco import evaluate
from tradeoff.recipes.data import Coco


def built(root: Path, images: int | None = None) -> CocoDataset:
    dataset: CocoDataset = Coco(root=str(root)).val_split(images).build()
    return dataset


def test_labels_count_category_ids_with_gaps_in_their_order(tmp_path: Path) -> None:
    dataset = built(write(tmp_path))
    assert dataset.category_ids == (2, 7, 90)
    assert dataset.classes == ("dog", "cat", "toothbrush")
    assert dataset.example(2).labels.tolist() == [2, 1]


def test_validation_goes_by_image_id_and_keeps_boxes_as_annotated(tmp_path: Path) -> None:
    dataset = built(write(tmp_path))
    assert [dataset.example(i).image_id for i in range(3)] == [10, 20, 30]
    assert dataset.example(0).boxes.tolist() == [[-5, 2, 5, 10]]
    assert dataset.example(1).boxes.shape == (0, 4)
    assert dataset.example(2).crowd.tolist() == [False, True]


def test_the_first_images_leave_the_others_out_of_the_ground_truth(tmp_path: Path) -> None:
    truth = built(write(tmp_path), images=2).ground_truth()
    assert [entry["id"] for entry in truth["images"]] == [10, 20]
    assert [entry["id"] for entry in truth["annotations"]] == [6]


def test_an_annotation_without_area_and_crowd_gets_those_of_its_box(tmp_path: Path) -> None:
    content = document()
    for entry in content["annotations"]:
        del entry["area"], entry["iscrowd"]
    truth = built(write(tmp_path, val=content)).ground_truth()
    # 10 × 8 and 20 × 20 and 60 × 40
    assert [entry["area"] for entry in truth["annotations"]] == [80, 400, 2400]
    assert [entry["iscrowd"] for entry in truth["annotations"]] == [0, 0, 0]


def test_training_boxes_are_clipped_and_those_without_area_dropped(tmp_path: Path) -> None:
    content = document()
    content["annotations"] += [
        {"id": 20, "image_id": 10, "category_id": 2, "bbox": [3, 3, 5, 0]},  # no height, as in COCO itself
        {"id": 21, "image_id": 10, "category_id": 2, "bbox": [40, 3, 5, 5]},  # right of the 30 px wide image
        {"id": 22, "image_id": 10, "category_id": 7, "bbox": [25, 15, 50, 50]},
    ]
    data = Coco(root=str(write(tmp_path, train=content)))
    data.check()
    dataset = data.train_split(0).build()
    example = next(e for e in map(dataset.example, range(3)) if e.image_id == 10)
    assert example.boxes.tolist() == [[0, 2, 5, 10], [25, 15, 30, 20]]
    assert example.labels.tolist() == [0, 1]


def test_each_epoch_has_every_image_once_in_an_order_of_seed_and_epoch(tmp_path: Path) -> None:
    content = document()
    content["images"] = [{"id": i, "file_name": "a.png"} for i in range(1, 31)]
    content["annotations"] = []
    root = write(tmp_path, train=content)

    def order(seed: int) -> list[int]:
        dataset = Coco(root=str(root)).train_split(seed).build()
        return [dataset.example(index).image_id for index in range(60)]

    first = order(0)
    assert sorted(first[:30]) == sorted(first[30:]) == list(range(1, 31))
    assert first[:30] != first[30:]
    assert first == order(0)
    assert first != order(1)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1", "I;16"])
def test_images_of_every_mode_become_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    if mode == "I;16":
        image = Image.fromarray(np.full((4, 6), 204 * 256 + 17, np.uint16))
    else:
        image = Image.fromarray(np.full((4, 6, 3), 255 if mode == "1" else 204, np.uint8)).convert(mode)
    image.save(path)
    pixels = read_rgb(str(path))
    assert pixels.shape == (4, 6, 3)
    assert np.abs(pixels.astype(int) - (255 if mode == "1" else 204)).max() <= 1


def test_a_palette_with_transparent_entries_becomes_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((4, 6, 3), 204, np.uint8)).convert("P")
    image.save(tmp_path / "image.png", transparency=bytes(range(256)))
    assert (read_rgb(str(tmp_path / "image.png")) == 204).all()


@pytest.mark.parametrize("keep", [0, 10, 600])
def test_a_truncated_image_is_refused_by_name(keep: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "cut.jpg"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut\.jpg"):
        read_rgb(str(path))


def test_an_image_of_another_size_than_stated_is_refused(tmp_path: Path) -> None:
    content = document()
    content["images"][1]["width"] = 31
    with pytest.raises(DataError, match=r"a\.png: is 30×20 px, but 31×20"):
        built(write(tmp_path, val=content)).example(0)


def test_an_annotation_file_that_changes_after_planning_is_refused(tmp_path: Path) -> None:
    split = Coco(root=str(write(tmp_path))).val_split(None)
    content = document()
    content["annotations"].pop()
    write(tmp_path, val=content)
    with pytest.raises(DataError, match="changed since"):
        split.build()


@needs_photographs
def test_real_photographs_are_read_and_perfect_detections_of_them_score_one() -> None:
    data = Coco(root=str(COCO_TINY))
    data.check()
    dataset = data.val_split(None).build()
    assert (len(dataset), len(dataset.classes), dataset.category_ids[-1]) == (80, 80, 90)
    examples = [dataset.example(index) for index in range(80)]
    truth = dataset.ground_truth()
    assert sum(example.crowd.sum() for example in examples) == 11
    keys = ("image_id", "category_id", "bbox")
    perfect = [{**{key: a[key] for key in keys}, "score": 1.0} for a in truth["annotations"] if not a["iscrowd"]]
    assert evaluate(truth, perfect)["ap"] == pytest.approx(1.0)
