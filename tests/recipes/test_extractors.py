"""What an extractor cannot be combined with is known from its recipe, before anything is built."""

import pytest

from tradeoff.core.errors import CombinationError
from tradeoff.run import enumerate_cells

REPORTED = {
    "vgg16": {"ssd", "faster_rcnn"},
    "mobilenet": {"ssd", "faster_rcnn", "rfcn"},
    "inception_v2": {"ssd", "faster_rcnn", "rfcn"},
    "inception_v3": {"faster_rcnn"},
    "inception_resnet_v2": {"ssd", "faster_rcnn", "rfcn"},
    "resnet101": {"ssd", "faster_rcnn", "rfcn"},
}


def cell(*words):
    ((found, _),) = enumerate_cells(list(words))
    return found


@pytest.mark.parametrize("extractor", ["vgg16", "mobilenet", "inception_v2", "inception_v3", "inception_v4"])
def test_stride_8_is_there_for_resnets_and_inception_resnet_v2_alone(extractor):
    with pytest.raises(CombinationError, match=r"stride=8 .* \(it has: 16\); .* ResNets and Inception-ResNet v2"):
        cell(f"extractor={extractor}", "stride=8").check_combination()
    cell("extractor=inception_resnet_v2", "stride=8").check_combination()


def test_rfcn_does_not_go_with_a_fully_connected_tail():
    with pytest.raises(CombinationError, match=r"R-FCN .* vgg16 .* fully connected"):
        cell("meta_arch=rfcn", "extractor=vgg16").check_combination()
    for meta_arch in ("ssd", "faster_rcnn"):
        cell(f"meta_arch={meta_arch}", "extractor=vgg16").check_combination()


def test_imagenet_weights_that_do_not_exist_are_refused_and_a_file_is_taken(tmp_path):
    (tmp_path / "weights.pt").touch()
    for extractor in ("inception_v2", "tiny"):
        words = [f"extractor={extractor}", "extractor.pretrained=true"]
        with pytest.raises(CombinationError, match=rf"no ImageNet weights for {extractor}.*extractor\.weights=PATH"):
            cell(*words).check_combination()
        cell(*words, f"extractor.weights={tmp_path / 'weights.pt'}").check_combination()


@pytest.mark.parametrize(("extractor", "meta_arch"), [(e, m) for e, found in REPORTED.items() for m in sorted(found)])
def test_every_pair_of_the_study_can_be_combined_and_has_its_rate(extractor, meta_arch):
    """Rates of section 3; two-stage ones are times 8, for 8 images a step."""
    rates = {
        "ssd": {
            "vgg16": 3e-4, "mobilenet": 4e-3, "inception_v2": 2e-3, "inception_resnet_v2": 5e-4, "resnet101": 3e-4,
        },
        "faster_rcnn": {
            "vgg16": 5e-4, "mobilenet": 3e-3, "inception_v2": 2e-4, "inception_v3": 3e-4,
            "inception_resnet_v2": 1e-3, "resnet101": 3e-4,
        },
        "rfcn": {"mobilenet": 2e-3, "inception_v2": 2e-4, "inception_resnet_v2": 7e-4, "resnet101": 3e-4},
    }  # fmt: skip
    found = cell(f"meta_arch={meta_arch}", f"extractor={extractor}", "train=paper")
    found.check_combination()
    times = 1 if meta_arch == "ssd" else 8
    assert found.training.learning_rate == pytest.approx(times * rates[meta_arch][extractor])


def test_the_pairs_have_the_crops_and_depths_of_the_study():
    crops = {"vgg16": (14, 2), "inception_v2": (14, 1), "inception_v3": (17, 1), "inception_resnet_v2": (17, 1)}
    for extractor, expected in crops.items():
        head = cell(f"extractor={extractor}").meta_arch
        assert (head.crop, head.maxpool) == expected
    bins = {"inception_v2": (3, 12, 128), "inception_resnet_v2": (7, 21, None)}
    for extractor, expected in bins.items():
        head = cell("meta_arch=rfcn", f"extractor={extractor}").meta_arch
        assert (head.bins, head.crop, head.hard_examples) == expected
    depths = {
        "vgg16": (512, 256, 256, 256, 256),
        "inception_v2": (512, 256, 256, 128),
        "inception_resnet_v2": (512, 256, 128),
    }
    for extractor, expected in depths.items():
        assert cell("meta_arch=ssd", f"extractor={extractor}").meta_arch.extra_depths == expected
