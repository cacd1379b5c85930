"""Each meta-architecture learns four pictures by heart: losses, targets, coding and decoding fit together."""

import pytest
import torch

from tests.detectors.scenes import SIZE, build, rectangles
from tradeoff.metrics.coco import evaluate
from tradeoff.ops.structures import Batch
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


def score(detector, batch):
    """Return the accuracy on the pictures that the detector was trained on, by pycocotools."""
    detector.eval()
    inference = Inference(proposals=20)
    with torch.inference_mode():
        raw = detector.predict(batch.images, batch.sizes_px, inference)
        found = detector.decode(raw, batch.sizes_px, inference)
    annotations, detections = [], []
    for i, (targets, boxes, scores, labels, valid) in enumerate(zip(batch.targets, *found, strict=True), start=1):
        for box, label in zip(xywh(targets.boxes), targets.labels.tolist(), strict=True):
            facts = {"id": len(annotations) + 1, "image_id": i, "category_id": label + 1, "bbox": box}
            annotations.append(facts | {"area": box[2] * box[3], "iscrowd": 0})
        kept = zip(xywh(boxes[valid]), scores[valid].tolist(), labels[valid].tolist(), strict=True)
        detections += [{"image_id": i, "category_id": c + 1, "bbox": box, "score": s} for box, s, c in kept]
    truth = {
        "images": [{"id": i + 1, "height": SIZE, "width": SIZE} for i in range(len(batch.targets))],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}],
    }
    return evaluate(truth, detections)


def xywh(boxes):
    """Return boxes as COCO writes them."""
    return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1).tolist()


@pytest.mark.parametrize(("meta_arch", "options", "steps"), LEARNERS, ids=[name for name, *_ in LEARNERS])
def test_four_pictures_are_learned_by_heart(meta_arch, options, steps):
    torch.manual_seed(0)
    batch = rectangles(4)
    detector = build(meta_arch, **options)
    before = score(detector, batch)["ap50"]
    learn(detector, batch, steps)
    assert before < 0.5
    assert score(detector, batch)["ap50"] >= 0.9


SINGLE_STAGE = [
    *[("ssd", {"location_loss": kind}) for kind in ("smooth_l1", "l1", "l2", "iou", "giou")],
    *[("ssd", {"classification_loss": kind}) for kind in ("softmax", "sigmoid", "focal")],
    ("ssd", {"classification_loss": "focal", "negatives_per_positive": None, "class_bias": -4.6}),
    *[("ssd", {"matcher": kind}) for kind in ("bipartite", "box_centre")],
    *[("ssd", {"box_coding": kind}) for kind in ("corners", "centre_sqrt")],
    *[(name, {"extra_depths": [64, 64], "kernel": 1}) for name in ("ssd_liu_v1", "multibox_szegedy", "yolo_redmon")],
]


@pytest.mark.parametrize(("meta_arch", "options"), SINGLE_STAGE, ids=str)
def test_every_loss_matcher_and_coding_learns_a_picture_by_heart(meta_arch, options):
    """Without the box loss, AP75 stays 0."""
    torch.manual_seed(0)
    picture = rectangles(1)
    twice = Batch(picture.images.repeat(2, 1, 1, 1), picture.sizes_px.repeat(2, 1), [*picture.targets] * 2)
    detector = build(meta_arch, **options)
    learn(detector, twice, 45)
    assert score(detector, twice)["ap75"] >= 0.9


TWO_STAGE = [
    {"location_loss": "giou", "classification_loss": "sigmoid", "matcher": "box_centre"},
    {"location_loss": "l2", "classification_loss": "focal", "matcher": "bipartite", "box_coding": "corners"},
]


@pytest.mark.parametrize("options", TWO_STAGE, ids=str)
def test_both_stages_learn_with_other_losses_matchers_and_codings(options):
    torch.manual_seed(0)
    picture = rectangles(1)
    detector = build("faster_rcnn", append_ground_truth=True, box_batch=32, **options)
    learn(detector, picture, 80)
    assert score(detector, picture)["ap50"] >= 0.8
