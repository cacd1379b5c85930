"""What the cache holds behind the rows of a table: curves, and example pictures with what each model found."""

import base64
import io
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.page import curves, reproduce
from tradeoff.analysis.page.content import plain
from tradeoff.analysis.page.curves import UNREADABLE
from tradeoff.core.errors import TradeoffError

Row = Mapping[str, Any]

PICTURES = 4
TRIED = 40  # pictures that are looked at for some with a telling number of objects
OBJECTS = range(2, 13)
SIDE_PX, JPEG_BYTES = 480, 20_000
SCORE, BOXES = 0.3, 12  # of a detection that is shown, and how many at most in a picture


class Example(Protocol):
    """One image and its objects, as `tradeoff.data.dataset` has it."""

    image: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    image_id: int


def gathered(frame: pd.DataFrame, cache: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return what the page shows behind rows: curves of all, example detections of those on a frontier.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        cache: the folder `cache` of the results; it may be missing.
        tell: takes what could not be read, a line each.

    Returns:
        `curves` by evaluate_key, `examples`, and what is said where a row has none: `no_curves`, `no_examples`.
    """
    told: list[str] = []
    best = examples(plain(frame[on_frontier(frame)]), cache, told.append)
    found = {key: drawn for key in frame["evaluate_key"].dropna().unique() if (drawn := curves.of_key(cache, key))}
    for reason in told:
        tell(reason)
    nothing = "The report was made without the cache of the study, which holds curves and detections."
    return {
        "curves": found,
        "examples": best,
        "no_curves": "The cache has no curves of this row." if found else nothing,
        "no_examples": "; ".join(told) or ("The cache has no detections of this row." if best["sets"] else nothing),
    }


def examples(rows: Iterable[Row], cache: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return example pictures, each once, and what each row's model found in them.

    Args:
        rows: of a table; those without predictions in the cache are passed over.
        cache: the folder `cache` of the results.
        tell: takes why there are none, a line for each data set.

    Returns:
        `sets`: for each data set its `classes` and `pictures` (`uri` of a JPEG of about 20 kB, `width` and `height`
        px of the original, `truth` as label, x1, y1, x2, y2 in whole px); `found`: by predict_key the number of its
        `set` and for each picture `boxes`, each label, score in thousandths, x1, y1, x2, y2.
    """
    by_words: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.get("predict_key") and predictions_of(row, cache).is_file():
            by_words.setdefault(data_words(row), []).append(row)
    sets: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    for words, group in by_words.items():
        try:
            classes, examples = drawn(words, max(int(row.get("eval_images") or 1) for row in group))
        except (TradeoffError, OSError, ValueError, KeyError) as error:
            tell(f"no example detections on {' '.join(words)}: {' '.join(str(error).split())}")
            continue
        detect = partial(detections, cache=cache, ids=[example.image_id for example in examples], tell=tell)
        found |= {row["predict_key"]: {"set": len(sets), "boxes": detect(row)} for row in group}
        sets.append({"classes": classes, "pictures": [pictured(example) for example in examples]})
    return {"sets": sets, "found": {key: told for key, told in found.items() if told["boxes"] is not None}}


def predictions_of(row: Row, cache: Path) -> Path:
    """Return the file of a row's predictions."""
    return cache / "predict" / str(row["predict_key"]) / "predictions.npz"


def data_words(row: Row) -> tuple[str, ...]:
    """Return the words of a row that choose its data."""
    own = [word for word in reproduce.overrides(row) if word.startswith("data.")]
    return (f"data={row.get('data')}", *own)


def drawn(words: tuple[str, ...], images: int) -> tuple[list[str], list[Example]]:
    """Return the classes of a validation set and a few of its first `images` pictures, spread over them.

    Pictures with a telling number of objects come first.

    Raises:
        TradeoffError: when the words are wrong or the data is not there.
    """
    from tradeoff.run import enumerate_cells

    ((cell, _),) = enumerate_cells(list(words))
    data = cell.data.val_split(images).build()
    places = np.unique(np.linspace(0, len(data) - 1, min(TRIED, len(data))).round().astype(int))
    telling: list[Example] = []
    others: list[Example] = []
    for place in np.random.default_rng(0).permutation(places):
        example = data.example(int(place))
        (telling if len(example.labels) in OBJECTS else others).append(example)
        if len(telling) == PICTURES:
            break
    chosen = (telling + others)[:PICTURES]
    return list(data.classes), sorted(chosen, key=lambda example: example.image_id)


def pictured(example: Example) -> dict[str, Any]:
    """Return a picture as the page shows it, with its objects."""
    height, width = example.image.shape[:2]
    truth = np.column_stack([example.labels, example.boxes.round()]).astype(int).tolist()
    return {"uri": thumbnail(example.image), "width": width, "height": height, "truth": truth}


def thumbnail(image: NDArray[np.uint8]) -> str:
    """Return an image (H, W, 3) as the data URI of a JPEG of at most 480 px and about 20 kB."""
    small = Image.fromarray(image)
    small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    for quality in (80, 65, 50, 35, 20):
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= JPEG_BYTES:
            break
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def detections(row: Row, cache: Path, ids: list[int], tell: Callable[[str], None]) -> list[list[list[int]]] | None:
    """Return what a model found in each picture from a score of 0.3 on, the best first; None if it cannot be read."""
    path = predictions_of(row, cache)
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            image_id, label, score, box = (file[name] for name in ("image_id", "label", "score", "box"))
            kept = np.flatnonzero((score >= SCORE) & np.isin(image_id, ids))
            kept = kept[np.argsort(-score[kept], kind="stable")]
            columns = np.column_stack([label[kept], 1000 * score[kept], box[kept]]).round().astype(int)
    except UNREADABLE as error:
        tell(f"{path}: cannot be read ({error}); remove its folder to predict again")
        return None
    return [columns[image_id[kept] == identity][:BOXES].tolist() for identity in ids]
