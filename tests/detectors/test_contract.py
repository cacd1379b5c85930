"""Every yaml of conf/meta_arch makes a detector, and every pair of the study builds."""

import pytest
import torch

from tests.contracts import assert_is_detector
from tests.detectors.scenes import TwoLevels, build, build_ssd_on
from tradeoff import config

# what is made for levels of stride 8 and 16, which the small extractors lack, and the smallest image it can take
OF_VGG = {"ssd_liu": 257}
OTHERS = sorted(set(config.choices("meta_arch")) - set(OF_VGG))


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("meta_arch", config.choices("meta_arch"))
def test_is_a_detector_also_of_a_single_class(meta_arch, classes):
    torch.manual_seed(1)
    if meta_arch in OF_VGG:
        size = OF_VGG[meta_arch]
        detector = build_ssd_on(TwoLevels(), meta_arch, classes=classes, size=size)
        assert_is_detector(detector, classes=classes, size=size)
    else:
        assert_is_detector(build(meta_arch, classes=classes), classes=classes)


def test_appended_objects_and_all_hard_examples_are_detectors_too():
    torch.manual_seed(1)
    assert_is_detector(build("faster_rcnn", append_ground_truth=True, box_batch=8), classes=2)
    assert_is_detector(build("rfcn", append_ground_truth=True, hard_examples=None), classes=2)


@pytest.mark.parametrize("meta_arch", OTHERS)
def test_mobilenet_as_in_the_study_is_a_detector(meta_arch):
    torch.manual_seed(1)
    assert_is_detector(build(meta_arch, "mobilenet", classes=2, size=64), classes=2, size=64)
