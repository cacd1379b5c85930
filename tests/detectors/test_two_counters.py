"""Three counters agree on the networks of the study: ours, PyTorch's, and fvcore, which traces instead of running.

fvcore cannot trace what depends on data, such as suppression, so a two-stage detector is given in two halves. It
counts one FLOP per multiply-add, PyTorch two. All extractors of conf/extractor, in some minutes:

    pytest tests/detectors/test_two_counters.py -m ""
"""

import logging
import warnings

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.stages.test_train import CPU
from tradeoff import config
from tradeoff.probes.flops import count
from tradeoff.run import enumerate_cells
from tradeoff.stages.network import build

SIZE = 128
OURS = ("aten.convolution", "aten.addmm", "aten.mm", "aten.bmm")  # what both others count as well
QUICK = ("tiny", "mobilenet")
EXTRACTORS = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in config.choices("extractor")
    if name != "timm"
]


class FirstHalf(nn.Module):
    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images):
        if not hasattr(self.detector, "rpn"):
            raw = self.detector.predict(images, None, None)
            return raw["logits"], raw["deltas"]
        scored = self.detector.rpn(self.detector.features(images))
        return scored.logits, scored.deltas


class SecondHalf(nn.Module):
    def __init__(self, head: nn.Module, boxes: torch.Tensor) -> None:
        super().__init__()
        self.head, self.boxes = head, boxes

    def forward(self, features):
        return self.head.classify(self.head.prepare(features), self.boxes, (SIZE, SIZE))


def halves(meta_arch: str, extractor: str):
    """Yield the halves of a detector that can be traced, with an input of each."""
    words = [f"meta_arch={meta_arch}", f"extractor={extractor}", f"size={SIZE}"]
    ((cell, _),) = enumerate_cells(words)
    detector = build(cell.stages(CPU).train, 5).eval()
    yield FirstHalf(detector), torch.rand(1, 3, SIZE, SIZE)
    if meta_arch != "ssd":
        level = detector.extractor.levels[0]
        cells = -(-SIZE // level.stride_px)
        boxes = torch.tensor([[[0.0, 0.0, 64.0, 64.0], [8.0, 8.0, 40.0, 100.0]]])
        yield SecondHalf(detector.head, boxes), torch.rand(1, level.channels, cells, cells)


def by_fvcore(network: nn.Module, given: torch.Tensor) -> int:
    """Count by tracing; what fvcore lists beside products (normalisation, say) is left out."""
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it traces with torch.jit, which is deprecated
        from fvcore.nn import FlopCountAnalysis

        counted = FlopCountAnalysis(network, given).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        told = counted.tracer_warnings("none").by_operator()
    return int(sum(told[name] for name in ("conv", "linear", "addmm", "matmul", "bmm", "einsum")))


@pytest.mark.parametrize("extractor", EXTRACTORS)
@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_three_counters_agree_to_the_last_multiply_add(meta_arch, extractor):
    for network, given in halves(meta_arch, extractor):
        with torch.no_grad():
            counted = count(network, given)
            with FlopCounterMode(display=False) as pytorch:
                network(given)
            assert counted.uncounted == ()
            ours = sum(counted.by_operator.get(name, 0) for name in OURS)
            assert ours > 0
            assert 2 * ours == pytorch.get_total_flops()
            assert ours == by_fvcore(network, given)
            rest = set(counted.by_operator) - set(OURS)
            assert rest <= {"aten._embedding_bag_forward_only", "aten._embedding_bag"}  # crops, which neither knows
