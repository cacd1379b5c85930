"""Tests of the box coders: by hand, against torchvision, and there and back for boxes that chance chooses."""

import math

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tradeoff.ops.coders import BoxCoder

KINDS = ["centre_log", "corners", "centre_sqrt"]
# Anchor: centre (20, 30), 40 wide, 20 high. Box: centre (24, 28), 10 wide, 80 high. Both in 100 px.
ANCHOR, BOX = torch.tensor([0.0, 20, 40, 40]), torch.tensor([19.0, -12, 29, 68])

number = st.floats(0, 900, width=32)
side = st.floats(1, 600, width=32)
box = st.tuples(number, number, side, side).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])
scale = st.floats(0.5, 20, width=32)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    kind=st.sampled_from(KINDS),
    boxes=st.lists(box, min_size=1, max_size=5),
    anchor=box,
    scales=st.tuples(*[scale] * 4),
)
def test_decode_inverts_encode(kind, boxes, anchor, scales) -> None:
    coder = BoxCoder(kind=kind, scales=scales, unit_px=600.0)
    told, own = torch.tensor(boxes, dtype=torch.float32), torch.tensor(anchor, dtype=torch.float32)
    if kind == "centre_log":  # what grows more than that is clamped, see ops/boxes.py
        told[:, 2:] = torch.minimum(told[:, 2:], told[:, :2] + 60 * (own[2:] - own[:2]))
    torch.testing.assert_close(coder.decode(coder.encode(told, own), own), told, rtol=1e-4, atol=0.05)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # 4 / 40, -2 / 20, log(10 / 40), log(80 / 20)
        ("centre_log", [0.1, -0.1, -2 * math.log(2), 2 * math.log(2)]),
        # differences of the corners, of 100 px
        ("corners", [0.19, -0.32, -0.11, 0.28]),
        # 4 and -2 of 100 px; √0.1 - √0.4, √0.8 - √0.2
        ("centre_sqrt", [0.04, -0.02, math.sqrt(0.1) - math.sqrt(0.4), math.sqrt(0.8) - math.sqrt(0.2)]),
    ],
)
def test_hand_derived_numbers(kind: str, expected: list[float]) -> None:
    coder = BoxCoder(kind=kind, scales=(1, 2, 3, 4), unit_px=100.0)
    torch.testing.assert_close(coder.encode(BOX, ANCHOR), torch.tensor(expected) * torch.tensor([1.0, 2, 3, 4]))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_predicted_is_the_anchor(kind: str) -> None:
    decoded = BoxCoder(kind=kind, unit_px=100.0).decode(torch.zeros(3, 4, dtype=torch.bfloat16), ANCHOR)
    assert decoded.dtype == torch.float32
    torch.testing.assert_close(decoded, ANCHOR.expand(3, 4))


def test_centre_log_is_that_of_torchvision() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    boxes, anchors = random_boxes(50), random_boxes(50)
    deltas = BoxCoder().encode(boxes, anchors)
    torch.testing.assert_close(deltas, theirs.encode_single(boxes, anchors), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(BoxCoder().decode(deltas, anchors), theirs.decode_single(deltas, anchors))


def test_the_unit_is_of_no_matter_to_centre_log() -> None:
    assert torch.equal(BoxCoder(unit_px=7.0).encode(BOX, ANCHOR), BoxCoder().encode(BOX, ANCHOR))


def test_corners_that_cross_have_no_area() -> None:
    # x1 moves from 0 to 50 px and x2 stays at 40.
    decoded = BoxCoder(kind="corners", scales=(1, 1, 1, 1), unit_px=100.0).decode(
        torch.tensor([0.5, 0, 0, 0]), ANCHOR
    )
    assert decoded.tolist() == [50, 20, 40, 40]


def test_a_root_below_zero_is_squared_like_its_opposite() -> None:
    coder = BoxCoder(kind="centre_sqrt", scales=(1, 1, 1, 1), unit_px=100.0)
    below, above = (torch.tensor([0.0, 0, root - math.sqrt(0.4), 0]) for root in (-0.2, 0.2))
    torch.testing.assert_close(coder.decode(below, ANCHOR), coder.decode(above, ANCHOR))
    torch.testing.assert_close(coder.decode(above, ANCHOR), torch.tensor([18.0, 20, 22, 40]))


@pytest.mark.parametrize("kind", KINDS)
def test_empty_boxes_and_anchors_stay_finite(kind: str) -> None:
    empty = torch.tensor([5.0, 5, 5, 5])
    coder = BoxCoder(kind=kind, unit_px=100.0)
    assert bool(coder.encode(empty, ANCHOR).isfinite().all())
    assert bool(coder.decode(coder.encode(ANCHOR, empty), empty).isfinite().all())


def random_boxes(count: int) -> Tensor:
    low = torch.rand(count, 2) * 100
    return torch.cat([low, low + 1 + torch.rand(count, 2) * 60], dim=-1)
