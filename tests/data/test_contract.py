"""What every data set must do, whichever it is."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.data.coco_files import write
from tests.data.sets import written
from tradeoff.data.dataset import Dataset, Example
from tradeoff.recipes.data import Coco, Data, Shapes


def assert_is_example(example: Example, dataset: Dataset) -> None:
    """Check shapes, types and ranges."""
    count = len(example.labels)
    assert example.image.dtype == np.uint8
    assert example.image.shape == (*example.size, 3)
    assert example.boxes.shape == (count, 4)
    assert example.boxes.dtype == np.float64
    assert example.labels.dtype == np.int64
    assert example.crowd.dtype == np.bool_
    assert example.crowd.shape == (count,)
    assert isinstance(example.image_id, int)
    assert ((example.labels >= 0) & (example.labels < len(dataset.classes))).all()
    assert (example.boxes[:, 2:] > example.boxes[:, :2]).all()


@pytest.fixture(params=["coco", "shapes", "voc", "yolo", "csv"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Data:
    if request.param == "shapes":
        return Shapes(val_images=5)
    return Coco(root=str(write(tmp_path))) if request.param == "coco" else written(request.param, tmp_path)


def test_training_examples_are_valid_without_end_and_inside_their_image(data: Data) -> None:
    dataset = data.train_split(3).build()
    for index in (0, 1, 7, 123_456):
        example = dataset.example(index)
        assert_is_example(example, dataset)
        height, width = example.size
        assert (example.boxes >= 0).all()
        assert (example.boxes <= [width, height, width, height]).all()


def test_validation_has_as_many_examples_as_its_length_and_no_more(data: Data) -> None:
    dataset = data.val_split(None).build()
    for index in range(len(dataset)):
        assert_is_example(dataset.example(index), dataset)
    for outside in (-1, len(dataset)):
        with pytest.raises(IndexError):
            dataset.example(outside)


def test_ground_truth_is_what_the_examples_say(data: Data) -> None:
    dataset = data.val_split(2).build()
    truth = dataset.ground_truth()
    assert [entry["id"] for entry in truth["images"]] == [dataset.example(i).image_id for i in range(2)]
    assert [entry["name"] for entry in truth["categories"]] == list(dataset.classes)
    assert [entry["id"] for entry in truth["categories"]] == list(dataset.category_ids)
    assert len({entry["id"] for entry in truth["annotations"]} - {0}) == len(truth["annotations"])
    for index in range(2):
        example = dataset.example(index)
        mine = [entry for entry in truth["annotations"] if entry["image_id"] == example.image_id]
        assert [dataset.category_ids.index(entry["category_id"]) for entry in mine] == example.labels.tolist()
        assert [bool(entry["iscrowd"]) for entry in mine] == example.crowd.tolist()
        boxes = [[x, y, x + w, y + h] for x, y, w, h in (entry["bbox"] for entry in mine)]
        np.testing.assert_allclose(np.reshape(boxes, (-1, 4)), example.boxes, atol=1e-9)


def test_a_training_stream_has_no_ground_truth(data: Data) -> None:
    with pytest.raises(ValueError, match="no ground truth"):
        data.train_split(0).build().ground_truth()


def test_a_copy_sent_to_another_process_gives_the_same_examples_in_any_order(data: Data) -> None:
    dataset = data.train_split(1).build()
    copy = pickle.loads(pickle.dumps(dataset))
    for index in (9, 0, 4, 0):
        one, other = copy.example(index), dataset.example(index)
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert one.image_id == other.image_id
