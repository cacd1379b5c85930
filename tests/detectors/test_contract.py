"""Every yaml of conf/meta_arch makes a detector, and every pair of the study builds."""

import pytest
import torch

from tests.contracts import assert_is_detector
from tests.detectors.scenes import build
from tradeoff import config


@pytest.mark.parametrize("meta_arch", config.choices("meta_arch"))
def test_is_a_detector(meta_arch):
    torch.manual_seed(1)
    assert_is_detector(build(meta_arch, classes=3), classes=3)


@pytest.mark.parametrize("meta_arch", config.choices("meta_arch"))
def test_a_single_class_is_enough(meta_arch):
    torch.manual_seed(1)
    assert_is_detector(build(meta_arch, classes=1), classes=1)


def test_appended_objects_and_all_hard_examples_are_detectors_too():
    torch.manual_seed(1)
    assert_is_detector(build("faster_rcnn", append_ground_truth=True, box_batch=8), classes=2)
    assert_is_detector(build("rfcn", append_ground_truth=True, hard_examples=None), classes=2)


@pytest.mark.parametrize("meta_arch", config.choices("meta_arch"))
def test_mobilenet_as_in_the_study_is_a_detector(meta_arch):
    torch.manual_seed(1)
    assert_is_detector(build(meta_arch, "mobilenet", classes=2, size=64), classes=2, size=64)
