"""Bytes that operators move, against counts by hand; float32 has four."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from tradeoff.probes.flops import count


def moved(function, *args) -> dict[str, int]:
    """Return the bytes of each operator that moves any."""
    with torch.inference_mode():
        calls = count(function, *args).calls
    told: dict[str, int] = {}
    for call in calls:
        if call.moved_bytes:
            name = call.operator.removeprefix("aten.")
            told[name] = told.get(name, 0) + call.moved_bytes
    return told


def test_a_convolution_takes_input_weight_and_bias_and_gives_its_output_once():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    # 2 × 3 × 5 × 5 in, 8 × 3 × 9 weights, 8 biases, 2 × 8 × 5 × 5 out
    assert moved(layer, torch.rand(2, 3, 5, 5)) == {"convolution": 4 * (150 + 216 + 8 + 400)}
    half = moved(layer.bfloat16(), torch.rand(2, 3, 5, 5).bfloat16())
    assert half == {"convolution": 2 * (150 + 216 + 8 + 400)}


@pytest.mark.parametrize(
    ("function", "shapes", "numbers"),
    [
        (torch.add, [(4, 5), (4, 5)], {"add": 3 * 20}),
        (torch.add, [(4, 5), (1, 5)], {"add": 20 + 5 + 20}),
        (lambda x: x * x, [(4, 5)], {"mul": 2 * 20}),  # one tensor, taken once
        (torch.relu_, [(4, 5)], {"relu_": 2 * 20}),  # read and written
        (lambda x: x.t()[1:].unsqueeze(0).expand(7, 4, 4), [(4, 5)], {}),
        (lambda x: x.expand(7, 5) + 1.0, [(1, 5)], {"add": 5 + 35}),  # rows that are one row in memory
        (lambda x, y: x.copy_(y), [(4, 5), (4, 5)], {"copy_": 2 * 20}),  # the old content is not read
        (lambda x: x.fill_(1.0), [(4, 5)], {"fill_": 20}),
        (lambda x: torch.empty_like(x), [(4, 5)], {}),
        (lambda x: x.sum(), [(4, 5)], {"sum": 20 + 1}),
        (lambda x, y: torch.cat([x, y]), [(4, 5), (2, 5)], {"cat": 2 * 30}),
    ],
)
def test_what_is_taken_and_given_is_counted_once(function, shapes, numbers):
    assert moved(function, *[torch.rand(shape) for shape in shapes]) == {k: 4 * v for k, v in numbers.items()}


def test_a_look_up_reads_no_more_than_it_gives():
    table, rows = torch.rand(1000, 8), torch.tensor([1, 5, 1])
    assert moved(lambda: F.embedding(rows, table)) == {"embedding": 4 * 24 + 8 * 3 + 4 * 24}
    # ten rows of a small table in a large result: no more than the table
    many = torch.zeros(50, dtype=torch.int64)
    assert moved(lambda: F.embedding(many, table[:10])) == {"embedding": 4 * 80 + 8 * 50 + 4 * 400}


def test_filling_in_touches_the_places_alone():
    big = torch.zeros(1000)
    places = torch.tensor([1, 2])
    told = moved(lambda: big.index_put_((places,), torch.ones(2)))
    assert told["index_put_"] == 2 * (2 * 8 + 2 * 4)


def test_batch_norm_moves_nothing_since_what_is_timed_has_it_folded():
    assert moved(nn.BatchNorm2d(4).eval(), torch.rand(2, 4, 3, 3)) == {}
    assert moved(nn.LayerNorm(3), torch.rand(2, 4, 3, 3))["native_layer_norm"] > 0


def test_roi_align_reads_no_more_of_a_map_than_it_gives():
    features, rois = torch.rand(1, 4, 100, 100), torch.tensor([[0, 0.0, 0.0, 9.0, 9.0]])
    told = moved(lambda: torchvision.ops.roi_align(features, rois, 2, sampling_ratio=2))
    assert told == {"torchvision.roi_align": 4 * (16 + 5 + 16)}


def test_the_meta_device_moves_as_much():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)).eval()
    images = torch.rand(2, 3, 5, 5)
    assert moved(net, images) == moved(net.to("meta"), images.to("meta"))
