"""`meta_arch=ssd_liu` on a VGG-16 is torchvision's SSD300, layer by layer, anchor by anchor, loss by loss."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.detection import ssd300_vgg16
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

from tests.detectors.scenes import TwoLevels, build_ssd_on
from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.ops.structures import Targets
from tradeoff.recipes.inference import Inference

CLASSES = 90
SIDES = [38, 19, 10, 5, 3, 1]
PER_CELL = [4, 6, 6, 6, 4, 4]
# how torchvision's boxes of a cell stand in ours: it has the geometric mean second, ours is last
ORDER = {count: [0, count - 1, *range(1, count - 1)] for count in (4, 6)}
SIZES = torch.full((1, 2), 300.0)
TEST = Inference(proposals=None, score_threshold=0.01, nms_iou=0.45, detections=200)


class VGG(nn.Module):
    """VGG-16 of torchvision's SSD300, cut after conv4_3, with its L2 norm, and after fc7."""

    levels = (Level("conv4_3", 512, 8), Level("fc7", 1024, 16))

    def __init__(self, backbone):
        super().__init__()
        self.conv4, self.fc7, self.scale = backbone.features, backbone.extra[0], backbone.scale_weight

    def forward(self, images):
        found = self.conv4(images)
        return {"conv4_3": self.scale.view(1, -1, 1, 1) * F.normalize(found), "fc7": self.fc7(found)}


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    model = ssd300_vgg16(weights=None, weights_backbone=None).eval()
    for head in (model.head.classification_head, model.head.regression_head):
        for layer in head.module_list:
            nn.init.normal_(layer.bias, std=0.5)
    return model


@pytest.fixture(scope="module")
def ours(theirs):
    """Ours with the weights of theirs: the rows of the heads in our order of boxes, the background last."""
    detector = build_ssd_on(VGG(theirs.backbone), "ssd_liu", classes=CLASSES, size=300).eval()
    mine = [layer for layer in detector.extra.modules() if isinstance(layer, nn.Conv2d)]
    other = [layer for layer in theirs.backbone.extra[1:].modules() if isinstance(layer, nn.Conv2d)]
    for a, b in zip(mine, other, strict=True):
        a.load_state_dict(b.state_dict())
    copy_head(detector.logits, theirs.head.classification_head.module_list, background_last)
    copy_head(detector.deltas, theirs.head.regression_head.module_list, lambda rows: rows)
    return detector


def background_last(rows):
    return torch.cat([rows[:, 1:], rows[:, :1]], dim=1)


def copy_head(mine, other, column_order):
    for a, b, count in zip(mine, other, PER_CELL, strict=True):
        back = torch.tensor(ORDER[count]).argsort()
        a.weight.data = column_order(b.weight.data.unflatten(0, (count, -1))[back]).flatten(0, 1)
        a.bias.data = column_order(b.bias.data.unflatten(0, (count, -1))[back]).flatten(0, 1)


def in_their_order(rows):
    """Reorder rows (..., A, K) of ours, level by level."""
    levels = rows.split([side**2 * count for side, count in zip(SIDES, PER_CELL, strict=True)], dim=-2)
    cells = [level.unflatten(-2, (-1, count)) for level, count in zip(levels, PER_CELL, strict=True)]
    return torch.cat([cell[..., ORDER[cell.shape[-2]], :].flatten(-3, -2) for cell in cells], dim=-2)


def anchors_of(theirs):
    maps = [torch.zeros(1, 1, side, side) for side in SIDES]
    return theirs.anchor_generator(ImageList(torch.zeros(1, 3, 300, 300), [(300, 300)]), maps)[0]


def test_the_anchors_are_the_8732_of_torchvision(ours, theirs):
    assert ours.anchors.shape == (8_732, 4)
    torch.testing.assert_close(in_their_order(ours.anchors), anchors_of(theirs), rtol=1e-5, atol=1e-3)


def test_parameters_and_multiply_adds_are_those_published(ours):
    # torchvision's SSD300_VGG16_Weights.COCO_V1: num_params 35,641,826 and _ops 34.858
    assert sum(parameter.numel() for parameter in ours.parameters()) == 35_641_826
    tensors = (*ours.named_parameters(), *ours.named_buffers())
    on_meta = {name: tensor.detach().to("meta") for name, tensor in tensors}
    images = torch.empty(1, 3, 300, 300, device="meta")
    predict = torch.nn.Module()
    predict.detector = ours
    predict.forward = lambda pixels: ours.predict(pixels, SIZES, TEST)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        torch.func.functional_call(predict, {f"detector.{name}": tensor for name, tensor in on_meta.items()}, images)
    assert round(counted.get_total_flops() / 2e9, 3) == 34.858


@pytest.fixture(scope="module")
def raw(ours):
    """What ours says of an image of noise."""
    with torch.no_grad():
        return ours.predict(noise(), SIZES, TEST)


@pytest.fixture(scope="module")
def heads(theirs):
    """What theirs says of it."""
    with torch.no_grad():
        return theirs.head(list(theirs.backbone(noise()).values()))


def noise():
    return torch.rand(1, 3, 300, 300, generator=torch.Generator().manual_seed(1))


def test_the_same_weights_give_the_same_outputs(raw, heads):
    logits = in_their_order(raw["logits"]).roll(1, dims=-1)
    torch.testing.assert_close(logits, heads["cls_logits"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(in_their_order(raw["deltas"]), heads["bbox_regression"], rtol=1e-4, atol=1e-4)


def test_the_same_outputs_give_the_same_detections(ours, theirs, raw, heads):
    theirs.topk_candidates = 8_732  # per class, before suppression; ours has no such limit
    (wanted,) = theirs.postprocess_detections(heads, [anchors_of(theirs)], [(300, 300)])
    (boxes,), (scores,), (labels,), (valid,) = ours.decode(raw, SIZES, TEST)
    assert valid.sum() == len(wanted["scores"]) == 200
    torch.testing.assert_close(scores, wanted["scores"], rtol=1e-4, atol=1e-6)
    clear = torch.cat([wanted["scores"].diff().abs() > 1e-6, torch.tensor([False])])
    clear[1:] &= clear[:-1].clone()  # of nearly equal scores either may stand first
    assert clear.sum() > 50
    torch.testing.assert_close(labels[clear] + 1, wanted["labels"][clear])
    torch.testing.assert_close(boxes[clear], wanted["boxes"][clear], rtol=1e-3, atol=0.02)


def test_the_same_outputs_give_the_same_losses(ours, theirs, raw, heads):
    boxes = torch.tensor([[20.0, 30, 120, 200], [140, 60, 290, 280], [5, 5, 40, 50]])
    labels = torch.tensor([3, 17, 89])
    anchors = anchors_of(theirs)
    matches = theirs.proposal_matcher(box_iou(boxes, anchors))
    expected = theirs.compute_loss([{"boxes": boxes, "labels": labels + 1}], heads, [anchors], [matches])
    targets = [Targets(boxes, labels, torch.zeros(3, dtype=torch.bool))]
    classification, localization = ours.objective(raw, targets, ours.anchors_per_level)
    torch.testing.assert_close(classification, expected["classification"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(localization, expected["bbox_regression"], rtol=1e-4, atol=1e-4)


def test_at_600_px_the_steps_hold_and_the_last_levels_spread():
    # 75, 38, 19, 10 cells of 8, 16, 32, 64 px, then 8 and 6 cells over the image: 75 and 100 px
    detector = build_ssd_on(TwoLevels(), "ssd_liu", classes=2, size=600)
    levels = detector.anchors.split(detector.anchors_per_level)
    centres = [
        ((level[::count, 0] + level[::count, 2]) / 2)[:2] for level, count in zip(levels, PER_CELL, strict=True)
    ]
    steps = [round(float(centre[1] - centre[0]), 3) for centre in centres]
    assert steps == [8, 16, 32, 64, 75, 100]


def test_a_smaller_image_is_refused_with_the_layer():
    with pytest.raises(CombinationError, match="kernel of 3 and a padding of 0 finds a map of 2×2 cells"):
        build_ssd_on(TwoLevels(), "ssd_liu", classes=2, size=256)
