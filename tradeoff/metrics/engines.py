"""The two programs that can do COCO's matching: hotcoco, compiled and fast, and pycocotools, the reference.

Both are given the same boxes under new ids: images and classes count from 1 in the order of their ids, annotations
from 1 as they come, since to both an object of id 0 is never found. Both match the detections of an image and a class
by falling score, equal scores as they came, and rank those of a class in the same way over the images in the order of
their ids. `tests/metrics/test_engines.py` compares all their numbers. Each is imported only when it is asked for.
"""

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tradeoff.metrics.boxes import Floats, Found, Ints, Truth

#: (A, 2) pairs of a lowest and a highest area, px², both inclusive
Ranges = Sequence[tuple[float, float]]
#: (D,) rising numbers of detections that count, of an image and a class
Limits = Sequence[int]
#: precision (T, R, C, A, D), recall (T, C, A, D) and score (T, R, C, A, D) as in `coco.Grid`, -1 where undefined
Accumulated = tuple[Floats, Floats, Floats]
Engine = Callable[[Truth, Found, Ranges, Limits], Accumulated]


def by_hotcoco(truth: Truth, found: Found, ranges: Ranges, limits: Limits) -> Accumulated:
    """Match and accumulate with hotcoco; boxes go to it by whole columns."""
    import hotcoco

    objects = hotcoco.COCO.from_arrays(
        numbered(len(truth.image_ids)),
        numbered(truth.classes),
        truth.image + 1,
        truth.label + 1,
        truth.box,
        area=truth.area,
        iscrowd=truth.crowd,
    )
    detections = objects.load_res(np.column_stack([found.image + 1, found.box, found.score, found.label + 1]))
    scoring = hotcoco.COCOeval(objects, detections, "bbox")
    scoring.params.area_rng = [list(pair) for pair in ranges]
    scoring.params.area_rng_lbl = [str(number) for number in range(len(ranges))]
    scoring.params.max_dets = list(limits)
    return accumulated(scoring)


def by_pycocotools(truth: Truth, found: Found, ranges: Ranges, limits: Limits) -> Accumulated:
    """Match and accumulate with pycocotools."""
    from pycocotools.cocoeval import COCOeval

    areas = found.box[:, 2] * found.box[:, 3]
    objects = index(truth, entries(truth, area=truth.area, iscrowd=truth.crowd.astype(int)))
    crowd = np.zeros(len(areas), int)
    detections = index(truth, entries(found, area=areas, iscrowd=crowd, score=found.score))
    with contextlib.redirect_stdout(io.StringIO()):
        scoring = COCOeval(objects, detections, "bbox")
        scoring.params.areaRng = [list(pair) for pair in ranges]
        scoring.params.areaRngLbl = [str(number) for number in range(len(ranges))]
        scoring.params.maxDets = list(limits)
        return accumulated(scoring)


ENGINES: dict[str, Engine] = {"hotcoco": by_hotcoco, "pycocotools": by_pycocotools}


def accumulated(scoring: Any) -> Accumulated:
    """Run an evaluation as far as its arrays."""
    scoring.evaluate()
    scoring.accumulate()
    told = scoring.eval
    return np.asarray(told["precision"]), np.asarray(told["recall"]), np.asarray(told["scores"])


def numbered(count: int) -> list[dict[str, Any]]:
    """Return so many images or categories, counted from 1."""
    return [{"id": number, "name": str(number)} for number in range(1, count + 1)]


def entries(of: Truth | Found, **more: Floats | Ints) -> list[dict[str, Any]]:
    """Return boxes as annotations of COCO's format, counted from 1."""
    columns = {"image_id": of.image + 1, "category_id": of.label + 1, "bbox": of.box, **more}
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [{"id": number, **dict(zip(columns, row, strict=True))} for number, row in enumerate(rows, start=1)]


def index(truth: Truth, annotations: list[dict[str, Any]]) -> Any:
    """Return pycocotools' index over annotations."""
    from pycocotools.coco import COCO

    made = COCO()
    made.dataset = {
        "images": numbered(len(truth.image_ids)),
        "categories": numbered(truth.classes),
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        made.createIndex()
    return made
