"""What an extractor cannot be combined with is known from its recipe, before anything is built."""

import pytest
import timm

from tradeoff.core.digest import digest
from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.core.machine import Machine
from tradeoff.recipes import timm_names
from tradeoff.run import enumerate_cells

BOTH = (16, 8)  # by atrous convolution
# settings and strides of the 15 pairs of Huang et al. 2017, section 3
STUDY = {
    ("faster_rcnn", "vgg16"): ({"crop": 14, "maxpool": 2, "box_batch": 64}, (16,)),
    ("faster_rcnn", "resnet101"): ({"crop": 14, "maxpool": 2, "box_batch": 64}, BOTH),
    ("faster_rcnn", "inception_v2"): ({"crop": 14, "maxpool": 1, "box_batch": 64}, (16,)),
    ("faster_rcnn", "inception_v3"): ({"crop": 17, "maxpool": 1, "box_batch": 64}, (16,)),
    ("faster_rcnn", "inception_resnet_v2"): ({"crop": 17, "maxpool": 1, "box_batch": 64}, BOTH),
    ("faster_rcnn", "mobilenet"): ({"crop": 14, "maxpool": 1, "box_batch": 64}, (16,)),
    ("rfcn", "resnet101"): ({"bins": 7, "crop": 21, "hard_examples": 128}, BOTH),
    ("rfcn", "inception_v2"): ({"bins": 3, "crop": 12, "hard_examples": 128}, (16,)),
    ("rfcn", "inception_resnet_v2"): ({"bins": 7, "crop": 21, "hard_examples": None}, BOTH),
    ("rfcn", "mobilenet"): ({"bins": 3, "crop": 12, "hard_examples": 128}, (16,)),
    ("ssd", "vgg16"): ({"extra_depths": (512, 256, 256, 256, 256)}, ()),
    ("ssd", "resnet101"): ({"extra_depths": (512, 512, 256, 256, 128)}, ()),
    ("ssd", "inception_v2"): ({"extra_depths": (512, 256, 256, 128), "extra_activation": "relu6"}, ()),
    ("ssd", "inception_resnet_v2"): ({"extra_depths": (512, 256, 128), "extra_activation": "relu"}, ()),
    ("ssd", "mobilenet"): ({"extra_depths": (512, 256, 256, 128), "extra_activation": "relu6"}, ()),
}


def cell(*words):
    ((found, _),) = enumerate_cells(list(words))
    return found


@pytest.mark.parametrize("extractor", ["vgg16", "mobilenet", "inception_v2", "inception_v3", "inception_v4"])
def test_stride_8_is_there_for_resnets_and_inception_resnet_v2_alone(extractor):
    with pytest.raises(CombinationError, match=r"stride=8 .* \(it has: 16\); .*ResNets and Inception-ResNet v2"):
        cell(f"extractor={extractor}", "stride=8").check_combination()
    cell("extractor=inception_resnet_v2", "stride=8").check_combination()


def test_the_stride_that_a_backbone_of_timm_lacks_can_be_asked_for():
    words = ("extractor=timm", "extractor.model=resnet101", "stride=8")
    with pytest.raises(CombinationError, match=r"extractor\.strides=\[8,16\] .*tail_stride=1 .* extractor=resnet101"):
        cell(*words).check_combination()
    cell(*words, "extractor.strides=[8,16]", "extractor.tail_stride=1").check_combination()


def test_ssd_at_stride_8_of_a_resnet_says_which_layer():
    words = ("meta_arch=ssd", "extractor=resnet101", "extractor.ssd_strides=[8]")
    with pytest.raises(CombinationError, match=r"conv4 there, dilated: extractor\.ssd_layers=\[layer3\]"):
        cell(*words).check_combination()
    cell(*words, "extractor.ssd_layers=[layer3]").check_combination()
    cell("meta_arch=ssd_liu", "extractor=resnet101", "extractor.ssd_strides=[8,16]").check_combination()


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


@pytest.mark.parametrize(("meta_arch", "extractor"), STUDY, ids="_".join)
def test_a_pair_of_the_study_has_its_settings(meta_arch, extractor):
    """The rates and drops of the same rows: tests/test_paper.py."""
    found = cell(f"meta_arch={meta_arch}", f"extractor={extractor}")
    settings, strides = STUDY[meta_arch, extractor]
    assert {name: getattr(found.meta_arch, name) for name in settings} == settings
    for stride in strides:
        cell(f"meta_arch={meta_arch}", f"extractor={extractor}", f"stride={stride}").check_combination()


@pytest.mark.parametrize("extractor", ["resnet101", "mobilenet", "inception_v2", "timm"])
@pytest.mark.parametrize("meta_arch", ["faster_rcnn", "faster_rcnn_he"])
def test_a_crop_of_14_cells_is_halved_once(meta_arch, extractor):
    """By the pool or by the tail's stride, so that the last layers have 7×7 cells."""
    found = cell(f"meta_arch={meta_arch}", f"extractor={extractor}")
    assert (found.meta_arch.crop, found.meta_arch.maxpool * getattr(found.extractor, "tail_stride", 2)) == (14, 2)


@pytest.mark.parametrize(
    ("words", "origin"),
    [
        (["extractor=resnet101"], "imagenet:resnet101.a1h_in1k"),
        (["extractor=resnet101", "extractor.imagenet=tv_in1k"], "imagenet:resnet101.tv_in1k"),
        (["extractor=timm", "extractor.model=resnet18.tv_in1k"], "imagenet:resnet18.tv_in1k"),
        (["extractor=timm", "extractor.model=resnet18"], "imagenet:resnet18"),
        (["extractor=vgg16"], "imagenet:vgg16.tv_in1k"),
    ],
)
def test_a_row_tells_which_imagenet_weights(words, origin):
    assert cell(*words, "extractor.pretrained=true").weights() == origin


def test_the_name_of_imagenet_weights_is_in_the_key_of_cells_that_start_from_them():
    def key(*words):
        return digest(cell("extractor=resnet101", *words).stages(Machine("cpu", "a CPU", "2.15", "0.30")).train)

    other = "extractor.imagenet=tv_in1k"
    assert key("extractor.pretrained=true") != key("extractor.pretrained=true", other)
    assert key() == key(other)


@pytest.mark.parametrize("words", [["extractor=timm", "extractor.model=resnet5O"], ["extractor.model=resnet5O"]])
def test_a_backbone_that_timm_does_not_have_is_refused_before_anything_runs(words):
    with pytest.raises(ConfigError, match="model='resnet5O': timm has no such model; near: resnet50"):
        enumerate_cells(words)


def test_all_names_of_timm_are_known_without_it():
    for name in [*timm.list_models(), *timm.list_models(include_tags=True)]:
        timm_names.check(name)
    assert sorted(timm_names.DEFINED.findall(timm_names.source())) == sorted(timm.list_models())
    for name in timm.models._registry._deprecated_models:
        timm_names.check(name)
    for name in ("", "pool_size", "qqqq"):
        with pytest.raises(ConfigError, match="near: "):
            timm_names.check(name)
