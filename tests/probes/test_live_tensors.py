"""Tensors are counted to the byte, at the moment when they take most."""

import pytest
import torch
from torch import nn

from tradeoff.probes.live_tensors import LiveTensors, storages_bytes

MB = 250_000  # float32 in 10^6 bytes


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_the_peak_is_what_lived_together(mode):
    with mode(), LiveTensors() as tensors:
        first, second = torch.ones(10 * MB), torch.ones(20 * MB)
        del first
        third = torch.ones(5 * MB)
        assert tensors.live_bytes == 25_000_000
        del second, third
    assert tensors.peak_bytes == 30_000_000
    assert tensors.live_bytes == 0


def test_views_and_results_in_place_are_no_memory():
    with LiveTensors() as tensors:
        whole = torch.zeros(MB)
        view = whole.view(10, -1)[2:].t()
        whole.add_(1)
        del whole
        assert tensors.live_bytes == 1_000_000  # the view keeps all of it
        assert len(view)
    assert tensors.peak_bytes == 1_000_000


def test_what_was_there_before_does_not_count():
    weights, image = torch.ones(1000, MB // 1000), torch.ones(MB // 1000)
    with LiveTensors() as tensors:
        made = weights @ image
        weights.mul_(2)
    assert tensors.peak_bytes == made.numel() * 4


def test_a_chain_of_layers_holds_two_at_a_time():
    layers = nn.Sequential(*[nn.Linear(1000, 1000) for _ in range(5)])
    with torch.inference_mode(), LiveTensors() as tensors:
        layers(torch.ones(250, 1000))
    # while a layer works: its input, its output, and the network's input that the caller holds: 3 MB
    assert tensors.peak_bytes == 3_000_000


def test_what_training_keeps_for_the_way_back_counts():
    layers = nn.Sequential(*[nn.Sequential(nn.Linear(1000, 1000), nn.ReLU()) for _ in range(3)])
    with LiveTensors() as tensors:
        layers(torch.ones(250, 1000))
    # in the last layer: the network's input and the results of two rectifiers, which the way back needs, and what
    # goes into and comes out of the third: 5 MB
    assert tensors.peak_bytes == 5_000_000


def test_the_storages_of_a_module_count_once_with_their_buffers():
    layer = nn.Linear(10, 20)
    tied = nn.Sequential(layer, nn.BatchNorm1d(20), layer)
    assert storages_bytes(tied) == (220 + 40 + 40) * 4 + 8


def test_it_says_what_pytorchs_own_tracker_says():
    """The activations of a forward pass by torch.distributed._tools, an independent count of the same."""
    mem_tracker = pytest.importorskip("torch.distributed._tools.mem_tracker")
    network = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten())
    tracker = mem_tracker.MemTracker()
    tracker.track_external(network)
    with tracker:
        network(torch.ones(2, 3, 64, 64))
    theirs = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]
    with LiveTensors() as tensors:
        network(torch.ones(2, 3, 64, 64))
    assert tensors.peak_bytes + storages_bytes(network) == pytest.approx(theirs, rel=0.001)
