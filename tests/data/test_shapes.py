"""Made pictures: reproducible, balanced, and annotated where they are drawn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tradeoff.data.dataset import Example
from tradeoff.data.layout import ious
from tradeoff.data.outlines import SHAPES, Outline
from tradeoff.data.painting import mask
from tradeoff.data.shapes import ShapesDataset
from tradeoff.data.streams import Stream, generator
from tradeoff.recipes.data import Shapes


def validation(images: int | None = None, **options: int) -> ShapesDataset:
    dataset: ShapesDataset = Shapes(**options).val_split(images).build()
    return dataset


def same(one: Example, other: Example) -> bool:
    return bool((one.image == other.image).all()) and one.boxes.tolist() == other.boxes.tolist()


def test_a_picture_is_a_function_of_stream_seed_and_index() -> None:
    assert same(validation().example(3), validation(4).example(3))
    assert same(Shapes().train_split(5).build().example(77), Shapes().train_split(5).build().example(77))


def test_pictures_of_other_streams_seeds_and_indices_differ() -> None:
    pictures = [
        validation().example(0),
        validation().example(1),
        validation(val_seed=1).example(0),
        Shapes().train_split(0).build().example(0),
        Shapes().train_split(1).build().example(0),
    ]
    images = [picture.image.tobytes() for picture in pictures]
    assert len(set(images)) == 5


def test_streams_share_no_number_for_any_pair_of_purpose_seed_and_index() -> None:
    keys = [
        (stream, seed, index) for stream in Stream for seed in (0, 1, 2**32 - 1) for index in (0, 1, 2**32, 2**64 - 1)
    ]
    starts = {tuple(generator(*key).integers(0, 2**63, 2).tolist()) for key in keys}
    assert len(starts) == len(keys)


def test_a_seed_that_would_run_into_the_purpose_is_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        generator(Stream.TRAIN_PICTURE, 2**32, 0)


def test_the_validation_set_does_not_depend_on_the_seed_of_the_training() -> None:
    data = Shapes(val_seed=9)
    data.train_split(1).build().example(0)
    assert same(data.val_split(1).build().example(0), validation(val_seed=9).example(0))


def drawn(outline: Outline) -> NDArray[np.bool_]:
    """Draw an outline alone on 640×480 px at 4 × 4 points a pixel, as an independent look at where it is."""
    canvas = Image.new("1", (640 * 4, 480 * 4))
    draw = ImageDraw.Draw(canvas)
    draw.polygon((outline.outer * 4 - 0.5).ravel().tolist(), fill=1)
    return np.asarray(canvas)


def test_boxes_are_tight_around_the_shape_drawn_alone() -> None:
    dataset = validation()
    checked = 0
    for index in range(12):
        for shape in dataset.laid_out(index)[1]:
            rows, columns = np.nonzero(drawn(shape.outline))
            seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 4
            assert np.abs(seen - shape.outline.box()).max() <= 0.5
            checked += 1
    assert checked > 30


def test_an_object_fills_its_box_to_half_a_pixel() -> None:
    for index in range(12):
        for shape in validation().laid_out(index)[1]:
            filled = mask(shape.outline, (0, 0), (640, 480)).getbbox()
            assert filled is not None
            assert np.abs(shape.outline.box() - filled).max() <= 0.51


def test_a_ring_has_a_hole_and_a_circle_has_none() -> None:
    random = np.random.default_rng(0)
    for (_, make), centre in zip((SHAPES[5], SHAPES[0]), (0, 255), strict=True):
        outline = make(random).transformed(np.eye(2) * 30, np.array([40, 40]))
        assert mask(outline, (0, 0), (80, 80)).getpixel((40, 40)) == centre


def test_areas_of_outlines_are_those_of_geometry() -> None:
    # in a circle of radius r = 100: disc pi r², square 2 r², triangle 3 sqrt(3) / 4 r²
    for label, wanted in ((0, np.pi), (1, 2.0), (2, 3 * np.sqrt(3) / 4)):
        outline = SHAPES[label][1](np.random.default_rng(0)).transformed(np.eye(2) * 100, np.array([110, 110]))
        filled = (np.asarray(mask(outline, (0, 0), (220, 220))) > 0).sum()
        assert filled == pytest.approx(wanted * 100**2, rel=0.01)


def test_small_medium_and_large_objects_have_about_a_third_each() -> None:
    areas = np.array([entry["area"] for entry in validation().ground_truth()["annotations"]])
    small, large = (areas < 32**2).mean(), (areas > 96**2).mean()
    assert 0.25 < small < 0.35
    assert 0.28 < large < 0.38
    assert 0.32 < 1 - small - large < 0.45


def test_classes_are_balanced_and_objects_number_one_to_ten() -> None:
    truth = validation().ground_truth()
    counts = np.bincount([entry["category_id"] for entry in truth["annotations"]])[1:]
    # 2,600 objects of 6 classes are 433 each with a deviation of 19
    assert counts.min() > 360
    assert counts.max() < 510
    per_image = np.bincount([entry["image_id"] for entry in truth["annotations"]], minlength=501)[1:]
    assert per_image.min() == 1
    assert per_image.max() == 10


def test_boxes_lie_in_the_picture_and_overlap_no_more_than_allowed() -> None:
    dataset = ShapesDataset(overlap_iou=0.1, images=60)
    for index in range(60):
        boxes = dataset.example(index).boxes
        assert (boxes >= 0).all()
        assert (boxes <= [640, 480, 640, 480]).all()
        overlaps = ious(boxes, boxes) - np.eye(len(boxes))
        assert overlaps.max() <= 0.1 + 1e-9


def test_the_colour_of_an_object_tells_nothing_of_its_class() -> None:
    dataset = validation()
    colours: list[list[NDArray[np.float64]]] = [[] for _ in dataset.classes]
    for index in range(150):
        example = dataset.example(index)
        for shape, box in zip(dataset.laid_out(index)[1], example.boxes, strict=True):
            corner = (int(box[0]), int(box[1]))
            size = (int(np.ceil(box[2])) - corner[0], int(np.ceil(box[3])) - corner[1])
            inside = np.asarray(mask(shape.outline, corner, size)).astype(bool)
            crop = example.image[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]]
            colours[shape.label].append(crop[inside].mean(axis=0))
    means = np.array([np.mean(of_class, axis=0) for of_class in colours])
    # about 130 objects a class with a deviation of about 65 per channel: a mean deviates by 6, four times that is 24
    assert np.abs(means - means.mean(axis=0)).max() < 24


def test_objects_differ_from_the_ground_by_the_least_contrast() -> None:
    faint, strong = (ShapesDataset(contrast_min=c, clutter=0, objects=1, images=30) for c in (10.0, 160.0))

    def contrast(dataset: ShapesDataset) -> float:
        """Return the median step of colour across the outline."""
        steps = []
        for index in range(30):
            example = dataset.example(index)
            shape = dataset.laid_out(index)[1][0]
            inside = np.asarray(mask(shape.outline, (0, 0), (640, 480))).astype(bool)
            around = np.zeros_like(inside)
            x1, y1, x2, y2 = (int(v) for v in shape.outline.box())
            around[max(0, y1 - 2) : y2 + 3, max(0, x1 - 2) : x2 + 3] = True
            pixels = example.image.astype(float)
            steps.append(np.linalg.norm(pixels[inside].mean(axis=0) - pixels[around & ~inside].mean(axis=0)))
        return float(np.median(steps))

    assert contrast(strong) > 1.5 * contrast(faint)
