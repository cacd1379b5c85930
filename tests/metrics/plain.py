"""The errors of detections found by plain loops, and scored by pycocotools once they are mended."""

import contextlib
import io
from collections import Counter
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.metrics.random_sets import RandomSet

Entry = dict[str, Any]

#: px, where no object lies
AWAY = [1e5, 1e5, 10.0, 10.0]
KEYS = ("image_id", "category_id", "bbox", "score")


def overlap(one: list[float], other: list[float], of_first: bool = False) -> float:
    """Return the IoU of two boxes x, y, width, height, or the share of the first that lies in the second."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0.0, across) * max(0.0, down)
    whole = one[2] * one[3] if of_first else one[2] * one[3] + other[2] * other[3] - common
    return common / whole if whole else 0.0


def counted(made: RandomSet) -> list[Entry]:
    """Return copies of the detections that COCO counts, best scored first within an image."""
    ranked = sorted(made.detections, key=lambda entry: -entry["score"])
    seen: Counter[tuple[int, int]] = Counter()
    kept = []
    for entry in ranked:
        key = (entry["image_id"], entry["category_id"])
        seen[key] += 1
        if seen[key] <= 100:
            kept.append(dict(entry))
    return kept


class Plain:
    """What each detection and object of a set is."""

    def __init__(self, made: RandomSet) -> None:
        self.made, self.detections = made, counted(made)
        self.objects = [dict(entry) for entry in made.truth["annotations"] if not entry.get("iscrowd", 0)]
        self.crowds = [entry for entry in made.truth["annotations"] if entry.get("iscrowd", 0)]
        self.taken: list[Entry] = []
        self.best: dict[int, Entry] = {}
        for detection in self.detections:
            self.look_up(detection)
        for detection in self.detections:
            if detection["is"] == "wrong":
                detection["is"] = self.error(detection)

    def beside(self, detection: Entry, own: bool) -> list[Entry]:
        """Return the objects on the image of a detection, of its class or of others."""
        here = [entry for entry in self.objects if entry["image_id"] == detection["image_id"]]
        return [entry for entry in here if (entry["category_id"] == detection["category_id"]) == own]

    def look_up(self, detection: Entry) -> None:
        """Say whether a detection is right, ignored or wrong."""
        best, found = 0.5, None
        for entry in self.beside(detection, own=True):
            value = overlap(detection["bbox"], entry["bbox"])
            if value >= best and not any(entry is other for other in self.taken):
                best, found = value, entry
        if found:
            self.taken.append(found)
            detection |= {"is": "right", "object": found}
            return
        keys = ("image_id", "category_id")
        around = [entry for entry in self.crowds if all(entry[key] == detection[key] for key in keys)]
        inside = any(overlap(detection["bbox"], entry["bbox"], of_first=True) >= 0.5 for entry in around)
        detection["is"] = "ignored" if inside else "wrong"

    def error(self, detection: Entry) -> str:
        """Name what is wrong with a detection, and note the object that it would find."""
        own, own_object = self.nearest(detection, own=True)
        other, other_object = self.nearest(detection, own=False)
        if 0.1 <= own <= 0.5:
            return self.meant(detection, own_object, "loc")
        if other >= 0.5:
            return self.meant(detection, other_object, "cls")
        if own > 0.5:
            return "dupe"
        return "both" if other > 0.1 else "bkg"

    def nearest(self, detection: Entry, own: bool) -> tuple[float, Entry | None]:
        best, found = 0.0, None
        for entry in self.beside(detection, own):
            value = overlap(detection["bbox"], entry["bbox"])
            if value > best:
                best, found = value, entry
        return best, found

    def meant(self, detection: Entry, entry: Entry | None, kind: str) -> str:
        """Note the best scored detection of an object that is not found."""
        assert entry is not None
        if not any(entry is other for other in self.taken):
            entry["hope"] = True
            if id(entry) not in self.best:
                self.best[id(entry)] = detection
                detection["object"] = entry
        return kind

    def fixed(self, kind: str) -> float | None:
        """Return AP at IoU 0.5 after one kind is mended; "none" mends nothing."""
        wrong = {"loc", "cls", "dupe", "bkg", "both"}
        kept = []
        for detection in self.detections:
            right = detection["is"] == "right" or (detection["is"] == kind and "object" in detection)
            gone = not right and (detection["is"] in (kind, "ignored") or kind == "fp")
            if right:
                thing = detection["object"]
                kept.append({**detection, "category_id": thing["category_id"], "bbox": thing["bbox"]})
            elif not gone:
                assert detection["is"] in wrong
                kept.append({**detection, "bbox": AWAY})
        return ap50(self.made, self.left(kind), kept)

    def left(self, kind: str) -> list[Entry]:
        """Return the objects to find after one kind is mended."""
        lost = [entry for entry in self.objects if not any(entry is other for other in self.taken)]
        gone = {"fn": lost, "miss": [entry for entry in lost if "hope" not in entry]}.get(kind, [])
        return [entry for entry in self.objects if not any(entry is other for other in gone)]


def ap50(made: RandomSet, objects: list[Entry], detections: list[Entry]) -> float | None:
    """Score by pycocotools, without a limit of detections."""
    lists = {key: made.truth[key] for key in ("images", "categories")}
    scoring = COCOeval(iouType="bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        for name, entries in (("cocoGt", objects), ("cocoDt", detections)):
            index = COCO()
            known = [{key: entry[key] for key in KEYS if key in entry} for entry in entries]
            plain = [{"area": 1.0, "iscrowd": 0, **entry} for entry in known]
            index.dataset = {**lists, "annotations": [{**e, "id": n} for n, e in enumerate(plain, 1)]}
            index.createIndex()
            setattr(scoring, name, index)
        scoring.params.imgIds = sorted(entry["id"] for entry in lists["images"])
        scoring.params.catIds = sorted(entry["id"] for entry in lists["categories"])
        scoring.params.iouThrs, scoring.params.maxDets = [0.5], [10_000]
        scoring.params.areaRng, scoring.params.areaRngLbl = [[0, 1e10]], ["all"]
        scoring.evaluate()
        scoring.accumulate()
    told = scoring.eval["precision"]
    return float(told[told > -1].mean()) if (told > -1).any() else None
