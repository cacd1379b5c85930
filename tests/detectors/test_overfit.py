"""Each meta-architecture learns a handful of pictures by heart: losses, targets, coding and decoding fit together."""

import pytest
import torch
import torchvision

from tests.detectors.scenes import build, rectangles
from tradeoff.recipes.inference import Inference

LEARNERS = [
    ("ssd", {}, 100),
    ("faster_rcnn", {"append_ground_truth": True, "box_batch": 32}, 150),
    ("rfcn", {"append_ground_truth": True}, 300),
]


def learn(detector, batch, steps):
    """Train by AdamW with a cosine schedule, as the quick recipe does."""
    detector.train()
    optimizer = torch.optim.AdamW(detector.parameters(), lr=4e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.stack(list(detector.losses(batch).values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
        optimizer.step()
        schedule.step()


def judge(detector, batch):
    """Return the share of objects found with the right class, their least score, and false positives above it."""
    detector.eval()
    inference = Inference(proposals=20)
    with torch.inference_mode():
        raw = detector.predict(batch.images, batch.sizes_px, inference)
        boxes, scores, labels, valid = detector.decode(raw, batch.sizes_px, inference)
    found, false, lowest = 0, 0, []
    for i, targets in enumerate(batch.targets):
        overlaps = torchvision.ops.box_iou(targets.boxes, boxes[i])
        right = (overlaps > 0.5) & (targets.labels[:, None] == labels[i]) & valid[i]
        found += int(right.any(dim=1).sum())
        best = [float(scores[i][row].max()) for row in right if row.any()]
        false += int((valid[i] & ~right.any(dim=0) & (scores[i] >= min(best, default=2.0))).sum())
        lowest += best
    return found / sum(len(t.boxes) for t in batch.targets), min(lowest, default=0.0), false


@pytest.mark.parametrize(("meta_arch", "options", "steps"), LEARNERS, ids=[name for name, *_ in LEARNERS])
def test_a_handful_of_pictures_is_learned_by_heart(meta_arch, options, steps):
    torch.manual_seed(0)
    batch = rectangles(6)
    detector = build(meta_arch, **options)
    before, _, _ = judge(detector, batch)
    learn(detector, batch, steps)
    found, score, false_positives = judge(detector, batch)
    assert before < 0.9
    assert found == 1.0
    assert false_positives <= 1
    assert score > 0.3
