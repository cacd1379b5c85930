"""Tests of exact greedy suppression."""

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from tradeoff.ops import nms
from tradeoff.ops.nms import detect, select


def random_boxes(*shape: int, seed: int = 0, extent: float = 100.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(*shape, 2, generator=generator) * extent
    return torch.cat([low, low + 5 + torch.rand(*shape, 2, generator=generator) * extent / 2], dim=-1)


def random_scores(*shape: int, seed: int = 1, steps: int | None = None) -> Tensor:
    scores = torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
    return scores if steps is None else (scores * steps).floor() / steps


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def greedy_by_loop(boxes: Tensor, scores: Tensor, iou: float) -> list[int]:
    """Return the survivors of one group, best first; of equal scores the lower index first."""
    corners, values = boxes.double().numpy(), scores.double().numpy()
    kept: list[int] = []
    for i in sorted(range(len(values)), key=lambda i: (-values[i], i)):
        if all(overlap(corners[i], corners[k]) <= iou for k in kept):
            kept.append(i)
    return kept


def detect_by_loop(
    boxes: Tensor, scores: Tensor, iou: float, threshold: float, keep: int
) -> list[list[tuple[float, int, list[float]]]]:
    """Return (score, label, box) of every detection of every image, class by class, then merged."""
    answer = []
    for image in range(len(scores)):
        merged = []
        for label in range(scores.shape[2]):
            own = boxes[image] if boxes.dim() == 3 else boxes[image, :, label]
            eligible = (scores[image, :, label] >= threshold).nonzero()[:, 0]
            for k in greedy_by_loop(own[eligible], scores[image, eligible, label], iou):
                anchor = int(eligible[k])
                merged.append((float(scores[image, anchor, label]), anchor, label, own[anchor].tolist()))
        merged.sort(key=lambda item: (-item[0], item[1], item[2]))
        answer.append([(score, label, box) for score, _, label, box in merged[:keep]])
    return answer


def listed(result: tuple[Tensor, Tensor, Tensor, Tensor]) -> list[list[tuple[float, int, list[float]]]]:
    boxes, scores, labels, valid = result
    return [
        [(float(scores[n, k]), int(labels[n, k]), boxes[n, k].tolist()) for k in range(valid.shape[1]) if valid[n, k]]
        for n in range(len(valid))
    ]


@pytest.mark.parametrize("steps", [None, 4])
@pytest.mark.parametrize("iou", [0.0, 0.3, 0.7, 1.0])
def test_select_agrees_with_a_loop_per_image(iou: float, steps: int | None) -> None:
    boxes, scores = random_boxes(3, 60), random_scores(3, 60, steps=steps)
    indices, valid = select(boxes, scores, iou, 25)
    for image in range(3):
        expected = greedy_by_loop(boxes[image], scores[image], iou)[:25]
        assert indices[image][valid[image]].tolist() == expected


@pytest.mark.parametrize("iou", [0.3, 0.7])
def test_select_agrees_with_torchvision_on_many_boxes(iou: float) -> None:
    boxes, scores = random_boxes(2, 5000, extent=600), random_scores(2, 5000)
    indices, valid = select(boxes, scores, iou, 300)
    for image in range(2):
        expected = torchvision.ops.nms(boxes[image], scores[image], iou)[:300]
        assert torch.equal(indices[image][valid[image]], expected)


def test_where_fewer_survive_the_rest_is_invalid_and_zero() -> None:
    # Boxes 1 and 2 are the same, so the better one (2) stays; box 0 stands alone.
    boxes = torch.tensor([[[50.0, 50, 60, 60], [0, 0, 10, 10], [0, 0, 10, 10]]])
    indices, valid = select(boxes, torch.tensor([[0.1, 0.5, 0.9]]), 0.5, 4)
    assert indices.tolist() == [[2, 0, 0, 0]]
    assert valid.tolist() == [[True, True, False, False]]


def test_an_overlap_of_just_the_threshold_survives() -> None:
    # [0,0,4,1] and [0,0,2,1] share 2 of 4: IoU 0.5.
    boxes = torch.tensor([[[0.0, 0, 4, 1], [0, 0, 2, 1]]])
    scores = torch.tensor([[0.9, 0.8]])
    assert select(boxes, scores, 0.5, 2)[1].sum() == 2
    assert select(boxes, scores, 0.49, 2)[1].sum() == 1


def test_of_equal_scores_the_lower_index_goes_first() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]]).repeat(1, 500, 1)
    assert select(boxes, torch.full((1, 500), 0.5), 0.5, 1)[0].item() == 0
    apart = boxes + torch.arange(500)[:, None] * 20
    assert select(apart, torch.full((1, 500), 0.5), 0.5, 50)[0][0].tolist() == list(range(50))


def test_negative_scores_and_both_zeros_are_ordered() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]]) + torch.arange(6)[:, None] * 20
    scores = torch.tensor([[-3.0, -0.0, 0.0, -1e-30, 2.0, -1.0]])
    assert select(boxes[None], scores, 0.5, 6)[0].tolist() == [[4, 1, 2, 3, 5, 0]]


def test_what_is_not_finite_neither_survives_nor_suppresses() -> None:
    nan, inf = float("nan"), float("inf")
    boxes = torch.tensor([[[0.0, 0, 10, 10], [0, 0, nan, 10], [0, 0, inf, 10], [0, 0, 10, 10], [0, 0, 10, 10]]])
    scores = torch.tensor([[0.1, 0.9, 0.9, nan, inf]])
    indices, valid = select(boxes, scores, 0.5, 3)
    assert indices[valid].tolist() == [0]
    rolled = boxes.roll(3, dims=1), scores.roll(3, dims=1)[..., None]  # the infinite box comes first
    found = detect(*rolled, iou=0.5, score_threshold=0.0, keep=3)
    assert found[0].tolist() == [[[0, 0, 10, 10], [0, 0, 0, 0], [0, 0, 0, 0]]]
    assert torch.equal(found[1], torch.tensor([[0.1, 0, 0]]))


def test_degenerate_boxes_suppress_nothing() -> None:
    boxes = torch.tensor([[[5.0, 5, 5, 5], [5, 5, 5, 5], [0, 0, 10, 10]]])
    assert select(boxes, torch.tensor([[0.9, 0.8, 0.7]]), 0.1, 3)[0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(("anchors", "keep"), [(0, 3), (2, 10)])
def test_few_or_no_candidates(anchors: int, keep: int) -> None:
    indices, valid = select(random_boxes(2, anchors), random_scores(2, anchors), 1.0, keep)
    assert indices.shape == valid.shape == (2, keep)
    assert valid.sum(dim=1).tolist() == [anchors, anchors]


def test_deeper_candidates_are_reached_only_where_an_image_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # Image 0: 3,000 copies of one box, then 20 boxes apart at the lowest scores: the first 1,000 hold one survivor.
    # Image 1: all apart, done at once.
    calls: list[tuple[int, ...]] = []
    original = nms._greedy

    def recorded(boxes: Tensor, labels: Tensor, alive: Tensor, iou: float) -> Tensor:
        calls.append(tuple(boxes.shape[:2]))
        return original(boxes, labels, alive, iou)

    monkeypatch.setattr(nms, "_greedy", recorded)
    apart = torch.tensor([0.0, 0, 10, 10]) + torch.arange(3020)[:, None] * 20
    boxes = torch.stack([torch.cat([apart[:1].expand(3000, 4), apart[-20:]]), apart])
    scores = torch.linspace(1, 0, 3020).expand(2, 3020)
    indices, valid = select(boxes, scores, 0.5, 15)
    assert bool(valid.all())
    assert indices[0].tolist() == [0, *range(3000, 3014)]
    assert indices[1].tolist() == list(range(15))
    # 15 places for survivors, and 256, then as many as all before
    assert calls == [(2, 271), (1, 271), (1, 527), (1, 1039), (1, 2063)]


@pytest.mark.parametrize("keep", [7, 40, 500])
def test_small_steps_give_what_one_step_gives(monkeypatch: pytest.MonkeyPatch, keep: int) -> None:
    boxes, scores = random_boxes(3, 400), random_scores(3, 400, steps=50)
    at_once = select(boxes, scores, 0.3, keep)
    monkeypatch.setattr(nms, "FIRST_CANDIDATES", 1)
    monkeypatch.setattr(nms, "MAX_CANDIDATES", 10)
    stepwise = select(boxes, scores, 0.3, keep)
    assert torch.equal(at_once[0], stepwise[0])
    assert torch.equal(at_once[1], stepwise[1])


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("steps", [None, 5])
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_detect_agrees_with_a_loop_per_image_and_class(per_class: bool, steps: int | None, threshold: float) -> None:
    boxes = random_boxes(3, 40, 4) if per_class else random_boxes(3, 40)
    scores = random_scores(3, 40, 4, steps=steps)
    for keep in (10, 300):
        found = detect(boxes, scores, iou=0.4, score_threshold=threshold, keep=keep)
        assert found[0].shape == (3, keep, 4)
        assert listed(found) == detect_by_loop(boxes, scores, 0.4, threshold, keep)


def test_detect_of_many_candidates_agrees_with_torchvision_per_class() -> None:
    boxes, scores = random_boxes(2, 1500, extent=300), random_scores(2, 1500, 40)
    _, found_scores, labels, valid = detect(boxes, scores, iou=0.6, score_threshold=0.3, keep=200)
    assert bool(valid.all())
    for image in range(2):
        merged = []
        for label in range(40):
            own = (scores[image, :, label] >= 0.3).nonzero()[:, 0]
            kept = own[torchvision.ops.nms(boxes[image, own], scores[image, own, label], 0.6)]
            merged += [(-float(scores[image, k, label]), k, label) for k in kept.tolist()]
        expected = [(-negative, label) for negative, _, label in sorted(merged)[:200]]
        assert list(zip(found_scores[image].tolist(), labels[image].tolist(), strict=True)) == expected


def test_boxes_of_different_images_and_classes_do_not_touch() -> None:
    boxes = torch.tensor([0.0, 0, 600, 600]).expand(4, 1, 4)
    labels = detect(boxes, torch.full((4, 1, 5), 0.5), iou=0.0, score_threshold=0.1, keep=5)[2]
    assert labels.tolist() == [[0, 1, 2, 3, 4]] * 4


def test_nothing_above_the_threshold_gives_nothing() -> None:
    boxes, scores, labels, valid = detect(
        random_boxes(2, 30), random_scores(2, 30, 3), iou=0.5, score_threshold=1.5, keep=4
    )
    assert not valid.any()
    assert torch.equal(boxes, torch.zeros(2, 4, 4))
    assert torch.equal(scores, torch.zeros(2, 4))
    assert torch.equal(labels, torch.zeros(2, 4, dtype=torch.int64))


@pytest.mark.parametrize("shape", [(2, 0, 3), (2, 5, 0), (0, 5, 3)])
def test_detect_without_boxes_classes_or_images_is_empty(shape: tuple[int, int, int]) -> None:
    found = detect(torch.zeros(*shape[:2], 4), torch.zeros(shape), iou=0.5, score_threshold=0.0, keep=4)
    assert [part.shape for part in found] == [(shape[0], 4, 4), (shape[0], 4), (shape[0], 4), (shape[0], 4)]
    assert not found[3].any()


def test_the_score_threshold_itself_is_kept() -> None:
    found = detect(torch.tensor([[[0.0, 0, 1, 1]]]), torch.tensor([[[0.25]]]), iou=0.5, score_threshold=0.25, keep=1)
    assert bool(found[3].item())
