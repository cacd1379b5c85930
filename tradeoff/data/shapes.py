"""The default data set: shapes on clutter, made on the fly and told apart by outline alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoff.data.dataset import Example, inside
from tradeoff.data.layout import HEIGHT_PX, WIDTH_PX, Shape, boxes_of, lay_out
from tradeoff.data.outlines import SHAPES
from tradeoff.data.painting import paint
from tradeoff.data.streams import Stream, generator
from tradeoff.recipes.data import ShapesSplit

#: pictures that are called an epoch of an endless stream
NOMINAL_EPOCH = 10_000


class ShapesDataset:
    """A stream of 640×480 pictures, each a function of (stream, seed, index) alone.

    A picture depends on the versions of NumPy and Pillow as far as these change what they draw.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of a `ShapesSplit`."""
        self.split = ShapesSplit(**options)
        self.classes = tuple(name for name, _ in SHAPES)
        self.category_ids = tuple(range(1, len(SHAPES) + 1))

    def __len__(self) -> int:
        return self.split.images or NOMINAL_EPOCH

    def example(self, index: int) -> Example:
        """Make a picture; any index from 0 in training, 0 to len-1 in validation."""
        random, shapes = self.laid_out(index)
        image = paint(random, self.split, shapes)
        labels = np.array([shape.label for shape in shapes], np.int64)
        return Example(image, boxes_of(shapes), labels, np.zeros(len(shapes), np.bool_), index + 1)

    def laid_out(self, index: int) -> tuple[np.random.Generator, list[Shape]]:
        """Return the objects of a picture, and the generator to go on painting with."""
        stream = Stream.TRAIN_PICTURE if self.split.train else Stream.VAL_PICTURE
        random = generator(stream, self.split.seed, index if self.split.train else inside(index, len(self)))
        return random, lay_out(random, self.split)

    def ground_truth(self) -> dict[str, Any]:
        """Return the boxes of the validation pictures in COCO's format; the area is that of the box."""
        if self.split.train:
            raise ValueError("a training stream has no ground truth to score against")
        images = range(1, len(self) + 1)
        objects = [(identity, shape) for identity in images for shape in self.laid_out(identity - 1)[1]]
        pairs = zip(self.category_ids, self.classes, strict=True)
        return {
            "images": [{"id": identity, "height": HEIGHT_PX, "width": WIDTH_PX} for identity in images],
            "annotations": [annotation(number, *pair) for number, pair in enumerate(objects, start=1)],
            "categories": [{"id": identity, "name": name} for identity, name in pairs],
        }


def annotation(number: int, image_id: int, shape: Shape) -> dict[str, Any]:
    """Return one object in COCO's format."""
    box: NDArray[np.float64] = shape.outline.box()
    width, height = (box[2:] - box[:2]).tolist()
    return {
        "id": number,
        "image_id": image_id,
        "category_id": shape.label + 1,
        "bbox": [*box[:2].tolist(), width, height],
        "area": width * height,
        "iscrowd": 0,
    }
