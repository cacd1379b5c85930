"""Matches give the figures of the engines, of any part and any multiple of the images."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.random_sets import RandomSet, arrays, random_set
from tradeoff.core.errors import StoreError
from tradeoff.metrics import coco, matches
from tradeoff.metrics.boxes import Found, Truth
from tradeoff.metrics.matches import match
from tradeoff.metrics.resampling import average_precision

#: sizes of one's own
OWN = [(0.0, 16.0**2), (16.0**2, 50.0**2), (50.0**2, coco.LARGEST_PX2)]
RANGES = coco.with_standard(OWN)
#: a file of one array, where several with names are expected
NOT_ARRAYS = (
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (), }".ljust(117)
    + b"\n"
    + 8 * b"\0"
)


def by_engine(truth: Truth, found: Found, engine: str) -> np.ndarray:
    """Return AP (A, T, C) of the standard areas and our own as an engine has it."""
    return np.moveaxis(coco.measure(truth, found, engine, extra=OWN).ap, 2, 0)


def multiplied(made: RandomSet, counts: list[int]) -> RandomSet:
    """Return a set with so many copies of each image, side by side in the order of the ids, under new ids."""
    ids = sorted(entry["id"] for entry in made.truth["images"])
    copies = {
        identity: [1000 * identity + n for n in range(count)] for identity, count in zip(ids, counts, strict=True)
    }

    def of(entries):
        return [{**entry, "image_id": new} for entry in entries for new in copies[entry["image_id"]]]

    images = [{"id": new} for several in copies.values() for new in several]
    truth = {**made.truth, "images": images, "annotations": of(made.truth["annotations"])}
    return RandomSet(truth, of(made.detections))


def without_ties_in_an_image(made: RandomSet) -> RandomSet:
    """Return a set in which equal scores are met in different images only."""
    seen: dict[tuple[int, int], set[float]] = {}
    kept = []
    for entry in made.detections:
        scores = seen.setdefault((entry["image_id"], entry["category_id"]), set())
        if entry["score"] not in scores:
            kept.append(entry)
        scores.add(entry["score"])
    return RandomSet(made.truth, kept)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_all_images_once_are_the_figures_of_hotcoco(seed: int) -> None:
    truth, found = arrays(random_set(seed, most=60))
    told = average_precision(match(truth, found, RANGES), np.ones((1, len(truth.image_ids))))[0]
    np.testing.assert_allclose(told, by_engine(truth, found, "hotcoco"), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_figures_of_500_sets_are_those_of_hotcoco() -> None:
    for seed in range(500):
        truth, found = arrays(random_set(seed, most=60))
        told = average_precision(match(truth, found, RANGES), np.ones((1, len(truth.image_ids))))[0]
        np.testing.assert_allclose(told, by_engine(truth, found, "hotcoco"), rtol=0, atol=1e-12, err_msg=str(seed))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 100_000), st.lists(st.integers(0, 3), min_size=5, max_size=5))
@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_whole_weights_are_images_repeated_under_new_ids(engine: str, seed: int, counts: list[int]) -> None:
    made = without_ties_in_an_image(random_set(seed, most=60))
    truth, found = arrays(made)
    told = average_precision(match(truth, found, RANGES), np.array([counts], np.float64))[0]
    np.testing.assert_allclose(told, by_engine(*arrays(multiplied(made, counts)), engine), rtol=0, atol=1e-12)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 100_000), st.lists(st.integers(0, 1), min_size=5, max_size=5))
def test_a_part_of_the_images_is_scored_as_if_there_were_no_others_ties_and_all(seed: int, counts: list[int]) -> None:
    made = random_set(seed, most=60)
    truth, found = arrays(made)
    told = average_precision(match(truth, found, RANGES), np.array([counts, counts], np.float32))
    expected = by_engine(*arrays(multiplied(made, counts)), "hotcoco")
    np.testing.assert_allclose(told[0], expected, rtol=0, atol=1e-6)  # float32, but recalls meet the points exactly
    np.testing.assert_array_equal(told[0], told[1])
    exact = average_precision(match(truth, found, RANGES), np.array([counts], np.float64))[0]
    np.testing.assert_allclose(exact, expected, rtol=0, atol=1e-12)


def test_recalls_meet_the_points_exactly_in_float32_too() -> None:
    # seven of ten objects are found and nothing else: 7/10 lies below COCO's point 0.7000000000000001 (and in float32
    # on it), so the points 0 to 0.69 are reached, 70 of 101
    image = np.arange(10)
    box = np.tile([10.0, 10, 50, 50], (10, 1))
    truth = Truth(image, np.array([1]), ("thing",), image, 0 * image, box, box[:, 2] * box[:, 3], image < 0)
    found = match(truth, Found(image[:7], 0 * image[:7], box[:7], np.linspace(0.9, 0.3, 7)))
    for weights in (np.ones((1, 10)), np.ones((1, 10), np.float32)):
        np.testing.assert_allclose(average_precision(found, weights)[0, 0], 70 / 101, rtol=1e-6)


def test_weights_scale_without_effect_and_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = match(*arrays(random_set(3)))
    weights = np.random.default_rng(0).random((7, 5))
    told = average_precision(found, weights)
    np.testing.assert_allclose(average_precision(found, 5 * weights), told, atol=1e-12)
    monkeypatch.setattr("tradeoff.metrics.resampling.HELD", 1)
    np.testing.assert_array_equal(average_precision(found, weights), told)


def test_what_is_written_is_read_and_a_damaged_file_is_named(tmp_path) -> None:
    made = match(*arrays(random_set(1)), RANGES)
    made.write(tmp_path)
    read = matches.read(tmp_path)
    for name in (
        "image_ids",
        "category_ids",
        "image",
        "label",
        "outcome",
        "object_image",
        "object_label",
        "inside",
        "ranges",
    ):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
        assert getattr(read, name).dtype == getattr(made, name).dtype
    path = tmp_path / matches.FILE
    for content in (path.read_bytes()[:-40], b"no file of arrays", b"", NOT_ARRAYS):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"matches\.npz: cannot be read"):
            matches.read(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match=r"give the command of that row again"):
        matches.read(tmp_path)


def test_a_file_with_a_few_bytes_overwritten_is_refused_or_read_and_never_raises_else(tmp_path) -> None:
    match(*arrays(random_set(1))).write(tmp_path)
    path, random, refused = tmp_path / matches.FILE, np.random.default_rng(0), []
    whole = path.read_bytes()
    for _ in range(300):
        content = np.frombuffer(whole, np.uint8).copy()
        content[random.integers(0, len(content), 6)] = random.integers(0, 256, 6)
        path.write_bytes(content.tobytes())
        try:
            matches.read(tmp_path)
        except StoreError as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert all("matches.npz: cannot be read" in told for told in refused)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("image", lambda array: array + 100),
        ("label", lambda array: array[::-1]),
        ("object_label", lambda array: array - 1),
        ("outcome", lambda array: array[..., :-1]),
        ("outcome", lambda array: array[0]),
        ("outcome", lambda array: array + 2),
        ("outcome", lambda array: array.astype(float)),
        ("inside", lambda array: array.astype(np.int8)),
        ("inside", lambda array: array[:, :-1]),
        ("image_ids", lambda array: array.astype(str)),
        ("category_ids", lambda array: array[None]),
        ("image", lambda _: np.array(3)),
        ("ranges", lambda array: array[:-1]),
        ("ranges", lambda array: array.astype(int)),
    ],
)
def test_arrays_that_cannot_be_those_of_matches_are_refused(name, wrong, tmp_path) -> None:
    made = match(*arrays(random_set(1)))
    replace(made, **{name: wrong(getattr(made, name))}).write(tmp_path)
    with pytest.raises(StoreError, match=rf"matches\.npz: cannot be read .*{name}|unsized|unpack"):
        matches.read(tmp_path)


def test_without_detections_objects_or_images_nothing_fails() -> None:
    empty = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": []}
    one = {**empty, "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0.0, 0, 10, 10]}]}
    for truth, value in ((empty, np.nan), (one, 0.0), ({**empty, "images": []}, np.nan)):
        found = match(*arrays(RandomSet(truth, [])))
        told = average_precision(found, np.ones((2, len(truth["images"]))))
        assert told.shape == (2, 4, 10, 1)
        np.testing.assert_array_equal(told[:, 0], np.full((2, 10, 1), value))
