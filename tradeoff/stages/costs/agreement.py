"""Whether what is timed is what was scored: a sample of the timed run's outputs beside the stored predictions."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from tradeoff.core.store import fetch
from tradeoff.ops.boxes import iou
from tradeoff.ops.structures import Detections
from tradeoff.stages import predict
from tradeoff.stages.costs.subject import Findings, Subject

SAME_IOU, SAME_PX, SAME_SCORE = 0.9, 0.1, 0.01  # boxes that rounding alone sets apart are closer
LEAST_PCT = 99.0


def compare(subject: Subject, outputs: Mapping[int, Sequence[Detections]]) -> Findings:
    """Compare the outputs of timed batches, by their number, with the predictions of the same images."""
    found = {
        place: image
        for batch, images in outputs.items()
        for place, image in zip(subject.members(batch), images, strict=True)
    }
    counts = [len(image.scores) for image in found.values()]
    columns: dict[str, Any] = {"detections_mean": sum(counts) / len(counts) if counts else None}
    scored = subject.stage.predict
    if scored is None:
        return Findings(columns | {"agreement_pct": None})
    fetch(scored, subject.context)
    saved = predict.read(subject.context.store.folder(scored))
    common = [place for place in found if place < len(scored.split.build())]  # both are first images of one order
    pairs = [(found[place], detections_of(saved, subject.examples[place].image_id)) for place in common]
    share_pct = 100 * agreement(pairs) if pairs else None
    return Findings(columns | {"agreement_pct": share_pct}, reasons(subject, share_pct))


def reasons(subject: Subject, share_pct: float | None) -> list[str]:
    """Say why a timing is not that of what was scored."""
    if share_pct is None:
        return ["no timed image was scored too, so nothing shows that both are the same; raise measure.max_s"]
    if share_pct >= LEAST_PCT:
        return []
    told = f"only {share_pct:.1f} % of the timed run's boxes and of the scored ones are the same"
    if subject.stage.batch_size > 1:
        return [f"{told}: images were scored one by one and are padded in a batch; score and time with batch_size=1"]
    return [f"{told}: the timed network is not the one that was scored; run again with a new results_dir"]


def detections_of(saved: Mapping[str, np.ndarray], image_id: int) -> Detections:
    """Return the stored predictions of one image."""
    mine = saved["image_id"] == image_id
    boxes, scores, labels = (torch.from_numpy(saved[name][mine]) for name in ("box", "score", "label"))
    return Detections(boxes, scores, labels)


def agreement(pairs: Sequence[tuple[Detections, Detections]]) -> float:
    """Return the part, 0..1, of two sets of detections per image that they share, each box weighing by its score.

    The scores weigh because boxes at the lower end, where the best so many are kept, come and go by rounding. Two
    sets without any box are the same; scores that are not finite agree with nothing.
    """
    shared = sum(shared_score(ours, theirs) for ours, theirs in pairs)
    whole = sum(float(ours.scores.sum() + theirs.scores.sum()) for ours, theirs in pairs)
    if not math.isfinite(whole):
        return 0.0
    return shared / whole if whole else 1.0


def shared_score(ours: Detections, theirs: Detections) -> float:
    """Return the scores, summed over both, of boxes that are in both; each box has one partner at most."""
    moved_px = (ours.boxes[:, None] - theirs.boxes).abs().amax(dim=2)  # (D, E), for boxes that have no area
    alike = (iou(ours.boxes, theirs.boxes) >= SAME_IOU) | (moved_px <= SAME_PX)
    alike &= ours.labels[:, None] == theirs.labels
    alike &= (ours.scores[:, None] - theirs.scores).abs() <= SAME_SCORE
    total = 0.0
    for index in range(len(alike)):
        partners = alike[index].nonzero()
        if len(partners):
            total += float(ours.scores[index] + theirs.scores[partners[0, 0]])
            alike[:, partners[0, 0]] = False
    return total
