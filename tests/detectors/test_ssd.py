"""SSD: known anchor counts, and losses against numbers by hand."""

import math

import pytest
import torch

from tests.detectors.scenes import SIZE, build, nothing, rectangles
from tradeoff.detectors.extra_layers import ExtraLayers
from tradeoff.detectors.ssd import deeper
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.inference import Inference


@pytest.mark.parametrize(
    ("extractor", "size", "maps", "anchors"),
    [
        # 3 × 19² + 6 × (10² + 5² + 3² + 2² + 1²) = 1,083 + 834
        ("mobilenet", 300, [19, 10, 5, 3, 2, 1], 1_917),
        # 3 × 38² + 6 × (19² + 10² + 5² + 3² + 2²) = 4,332 + 2,994
        ("mobilenet", 600, [38, 19, 10, 5, 3, 2], 7_326),
        # conv4 alone, and five extra layers instead of four: the same maps
        ("resnet50", 300, [19, 10, 5, 3, 2, 1], 1_917),
    ],
)
def test_the_study_has_these_anchors(extractor, size, maps, anchors):
    detector = build("ssd", extractor, size=size)
    assert len(detector.anchors) == anchors
    with torch.no_grad():
        found = detector.eval()(torch.zeros(1, 3, size, size))
    assert [tuple(level.shape[2:]) for level in found] == [(side, side) for side in maps]


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="another size"):
        build("ssd", size=96).predict(torch.rand(1, 3, 192, 192), torch.tensor([[192.0, 192.0]]), Inference())


def silent(detector):
    """Make every logit and delta 0, whatever the image."""
    for part in (detector.logits, detector.deltas):
        for parameter in part.parameters():
            torch.nn.init.zeros_(parameter)
    return detector


def assign(detector, targets):
    return detector.objective.assign(targets, detector.anchors, detector.anchors_per_level)


def losses(detector, *targets):
    images = torch.rand(len(targets), 3, SIZE, SIZE)
    return detector.losses(Batch(images, torch.full((len(targets), 2), float(SIZE)), targets))


def one(box, label=0):
    return Targets(box[None], torch.tensor([label]), torch.tensor([False]))


def test_the_class_loss_of_a_silent_network_is_known():
    # Each matched anchor and each of its 3 negatives has C = 2 logits of 0, so costs 2 ln 2: per matched anchor
    # 4 × 2 ln 2, however many are matched.
    torch.manual_seed(0)
    detector = silent(build("ssd"))
    box = detector.anchors[100]
    found = losses(detector, one(box), one(box, 1))
    assert found["classification"].item() == pytest.approx(8 * math.log(2), rel=1e-5)


def test_the_box_loss_is_per_matched_anchor():
    # The object is 1 px right of an anchor w px wide, which alone claims it. Encoded that is (10 × 1 / w, 0, 0, 0),
    # and smooth L1 is x² / 2 below 1, x - 0.5 above.
    torch.manual_seed(0)
    detector = silent(build("ssd", matched_iou=0.99))
    middle = (detector.anchors - torch.tensor([24.0, 24.0, 72.0, 72.0])).abs().sum(dim=1).argmin()
    anchor = detector.anchors[middle]
    width = (anchor[2] - anchor[0]).item()
    box = anchor + torch.tensor([1.0, 0.0, 1.0, 0.0])
    found = losses(detector, one(box), one(box))
    assert int((assign(detector, one(box)) >= 0).sum()) == 1
    moved = 10 * 1.0 / width
    assert found["localization"].item() == pytest.approx(0.5 * moved**2 if moved < 1 else moved - 0.5, rel=1e-4)


def test_images_without_objects_add_nothing():
    torch.manual_seed(0)
    detector = build("ssd").eval()
    alone = rectangles(1)
    both = Batch(alone.images.repeat(2, 1, 1, 1), alone.sizes_px.repeat(2, 1), [*alone.targets, nothing()])
    first, second = detector.losses(alone), detector.losses(both)
    for name, loss in first.items():
        assert second[name].item() == pytest.approx(loss.item(), rel=1e-4)


def test_anchors_in_a_crowd_are_neither_object_nor_background():
    detector = build("ssd")
    crowd = Targets(torch.tensor([[0.0, 0.0, SIZE, SIZE]]), torch.tensor([0]), torch.tensor([True]))
    assert (assign(detector, nothing()) == -1).all()
    matches = assign(detector, crowd)
    inside = (detector.anchors >= 0).all(dim=1) & (detector.anchors <= SIZE).all(dim=1)
    assert inside.any()
    assert (matches[inside] == -2).all()


def test_the_loss_passes_over_anchors_in_a_crowd():
    # All anchors but the matched ones lie in the crowd: no negatives, so each matched anchor costs its 2 ln 2 alone.
    torch.manual_seed(0)
    detector = silent(build("ssd"))
    boxes = torch.stack([detector.anchors[100], torch.tensor([-999.0, -999.0, 999.0, 999.0])])
    targets = Targets(boxes, torch.tensor([0, 0]), torch.tensor([False, True]))
    assert losses(detector, targets, targets)["classification"].item() == pytest.approx(2 * math.log(2), rel=1e-5)


def test_matched_anchors_are_taught_their_class_and_all_others_the_background():
    detector = build("ssd", classes=5)
    box = detector.anchors[50]
    targets = one(box, 3)
    matches = assign(detector, targets)[None]
    labels, deltas = detector.objective.taught(matches, [targets], detector.anchors)
    assert labels[0, 50] == 3
    assert ((labels == 5) == (matches < 0)).all()
    torch.testing.assert_close(deltas[0, 50], torch.zeros(4))


def test_decoding_gives_the_anchor_that_is_sure_with_its_class():
    detector = build("ssd", classes=3)
    raw = {
        "logits": torch.full((1, len(detector.anchors), 3), -20.0),
        "deltas": torch.zeros(1, len(detector.anchors), 4),
        "anchors": detector.anchors,
    }
    raw["logits"][0, 60, 2] = 2.0
    boxes, scores, labels, valid = detector.decode(raw, torch.tensor([[96.0, 96.0]]), Inference(score_threshold=0.5))
    assert valid[0].tolist() == [True] + [False] * 99
    assert (labels[0, 0].item(), scores[0, 0].item()) == (2, pytest.approx(1 / (1 + math.exp(-2))))
    torch.testing.assert_close(boxes[0, 0], detector.anchors[60].clamp(0, 96))


def test_gradients_in_bf16_on_a_cpu_are_right_where_a_map_is_a_single_pixel():
    """Torch 2.15 has them wrong there, in channels last; without the detour the last layer's are off by half."""
    extra = ExtraLayers(depths=(32, 32), batch_norm=False).build(16).to(memory_format=torch.channels_last).train()
    images, gradients = torch.rand(2, 16, 1, 1), []
    for mixed in (False, True):
        extra.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            last = deeper(extra[1], deeper(extra[0], images))
        (last.float() * torch.arange(last.numel()).reshape(last.shape)).sum().backward()
        gradients.append([parameter.grad.clone() for parameter in extra.parameters()])
    for exact, found in zip(*gradients, strict=True):
        assert float((found - exact).abs().max()) <= 0.02 * float(exact.abs().max())
