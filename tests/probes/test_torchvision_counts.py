"""Multiply-adds of torchvision's detectors against the numbers that it publishes with their weights.

torchvision counts them (`_ops`, 10⁹ multiply-adds) on an image of 512×512 px, which each detector resizes to its own
300 or 320 px, or to a shorter side of 800 px. Faster R-CNN then has 1000 proposals; those of random weights overlap
more, so here nothing is suppressed. RoIAlign, which torchvision leaves out, is 0.15 % of it.
"""

from typing import Any

import pytest
import torch
from torchvision.models import detection

from tradeoff.probes.flops import Count, count

ALL = {"rpn_nms_thresh": 1.0}


def counted(name: str, **options: Any) -> Count:
    model = getattr(detection, name)(weights=None, weights_backbone=None, **options).eval()
    with torch.inference_mode():
        return count(model, [torch.rand(3, 512, 512)])


def published_gmacs(weights: str) -> float:
    return float(getattr(detection, weights).DEFAULT.meta["_ops"])


@pytest.mark.parametrize(
    ("name", "weights", "options"),
    [
        ("ssdlite320_mobilenet_v3_large", "SSDLite320_MobileNet_V3_Large_Weights", {}),
        pytest.param("ssd300_vgg16", "SSD300_VGG16_Weights", {}, marks=pytest.mark.slow),
        pytest.param("retinanet_resnet50_fpn", "RetinaNet_ResNet50_FPN_Weights", {}, marks=pytest.mark.slow),
        pytest.param("retinanet_resnet50_fpn_v2", "RetinaNet_ResNet50_FPN_V2_Weights", {}, marks=pytest.mark.slow),
        pytest.param("fcos_resnet50_fpn", "FCOS_ResNet50_FPN_Weights", {}, marks=pytest.mark.slow),
        pytest.param("fasterrcnn_resnet50_fpn", "FasterRCNN_ResNet50_FPN_Weights", ALL, marks=pytest.mark.slow),
        pytest.param("fasterrcnn_resnet50_fpn_v2", "FasterRCNN_ResNet50_FPN_V2_Weights", ALL, marks=pytest.mark.slow),
    ],
)
def test_the_count_is_within_one_percent_of_the_published(name: str, weights: str, options: dict[str, Any]):
    got = counted(name, **options)
    assert got.uncounted == ()
    assert got.macs / 1e9 == pytest.approx(published_gmacs(weights), rel=0.01)


def test_one_published_number_has_no_proposals_in_it():
    """Its score threshold of 0.05 left none on the image that torchvision counted, so all is convolutions."""
    got = counted("fasterrcnn_mobilenet_v3_large_320_fpn", **ALL)
    published = published_gmacs("FasterRCNN_MobileNet_V3_Large_320_FPN_Weights")
    assert got.by_operator["aten.convolution"] / 1e9 == pytest.approx(published, rel=0.001)
    # 150 proposals reach the second stage: 12544 × 1024 + 1024 × 1024 + 1024 × (91 + 364) each
    assert got.by_operator["aten.addmm"] == 150 * (12544 * 1024 + 1024 * 1024 + 1024 * 455)
