"""What every part of a kind promises, as assertions: a new part is tested by being handed to one of these."""

import copy

import torch
from torch import Tensor, nn

from tradeoff.extractors.timm import backbone_state
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.extractors import Extractor
from tradeoff.recipes.inference import Inference

INFERENCE = Inference(proposals=12, detections=20)


def assert_is_extractor(recipe: Extractor, *, shapes: tuple[tuple[int, int], ...] = ((65, 97), (96, 64))) -> None:
    """Hold an extractor to its word in each way that it can be built: every two-stage stride, and for SSD.

    Args:
        recipe: of the extractor.
        shapes: (height, width) px of the images that are tried.
    """
    uses = [((stride,), True) for stride in recipe.strides] + [(recipe.ssd_strides, False)]
    for level_strides, with_tail in uses:
        extractor = recipe.build(level_strides=level_strides, tail=with_tail)
        assert [level.stride_px for level in extractor.levels] == list(level_strides)
        assert len({level.name for level in extractor.levels}) == len(level_strides)
        names = [name for name, _ in extractor.named_parameters()]
        tail = extractor.tail() if with_tail else None
        assert tail is None or sum(parameter.numel() for parameter in tail.parameters())
        assert [name for name, _ in extractor.named_parameters()] == names  # the tail was no part of it
        for shape in shapes:
            _levels_are_as_promised(extractor, tail, shape)
        _every_parameter_learns(extractor, tail, shapes[0])
        _state_goes_round(recipe, level_strides, extractor, tail)


def _levels_are_as_promised(extractor: nn.Module, tail: nn.Module | None, shape: tuple[int, int]) -> None:
    """Compare the levels with their static facts; a level has about 1 / stride of the rows and columns."""
    images = torch.rand(2, 3, *shape)
    with torch.no_grad():
        features = extractor.eval()(images)
    assert list(features) == [level.name for level in extractor.levels]
    for level in extractor.levels:
        found = features[level.name]
        assert found.shape[:2] == (2, level.channels)
        for cells, pixels in zip(found.shape[2:], shape, strict=True):
            assert cells in (pixels // level.stride_px, -(-pixels // level.stride_px))
        assert torch.isfinite(found).all()
    with torch.no_grad():
        channels_last = extractor(images.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(channels_last, features, rtol=1e-3, atol=1e-4)
        if tail is not None:
            assert tail.eval()(features[extractor.levels[-1].name]).shape[:2] == (2, tail.out_channels)


def _every_parameter_learns(extractor: nn.Module, tail: nn.Module | None, shape: tuple[int, int]) -> None:
    """Fail if a parameter has no part in the levels or in the tail."""
    parts = nn.ModuleList([extractor] if tail is None else [extractor, tail]).train()
    features = extractor(torch.rand(2, 3, *shape))
    outputs = list(features.values()) + ([tail(features[extractor.levels[-1].name])] if tail is not None else [])
    sum(output.float().square().sum() for output in outputs).backward()
    assert [name for name, parameter in parts.named_parameters() if parameter.grad is None] == []
    assert all(torch.isfinite(parameter.grad).all() for parameter in parts.parameters())


def _state_goes_round(recipe, level_strides, extractor, tail) -> None:
    """Put the weights under backbone names into a second network, which then computes the same."""
    state = {name: tensor.clone() for name, tensor in backbone_state(extractor, tail).items()}
    other = recipe.build(level_strides=level_strides, tail=tail is not None)
    other_tail = other.tail() if tail is not None else None
    own = backbone_state(other, other_tail)
    assert own.keys() == state.keys()
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(state[name])
        images = torch.rand(1, 3, 64, 64)
        expected, got = extractor.eval()(images), other.eval()(images)
        torch.testing.assert_close(got, expected, rtol=0, atol=0)
        if tail is not None:
            last = next(reversed(expected.values()))
            torch.testing.assert_close(other_tail.eval()(last), tail.eval()(last), rtol=0, atol=0)


def assert_is_detector(detector: nn.Module, classes: int, *, size: int = 96) -> None:
    """Hold a detector to its word: losses, predictions, decoding.

    Args:
        detector: built for `classes` classes and size×size px, with any weights.
        classes: how many.
        size: px.
    """
    _losses_are_good(detector, classes, size)
    _predictions_are_good(detector, classes, size)
    _one_image_at_a_time_is_the_same(detector, size)
    _the_same_seed_gives_the_same(detector, classes, size)
    _its_pieces_run(detector, size)
    _its_steps_are_named(detector)


def _batch(classes: int, size: int, kinds: str) -> Batch:
    """Make one image per letter: o has two objects, n nothing, c an object and a crowd, C a crowd alone."""
    generator = torch.Generator().manual_seed(3)
    boxes = torch.tensor([[0.1, 0.1, 0.5, 0.6], [0.45, 0.3, 0.95, 0.9], [0.0, 0.5, 1.0, 1.0]]) * size
    labels = torch.tensor([0, classes - 1, 0])
    crowd = torch.tensor([False, False, True])
    chosen = {"o": [0, 1], "n": [], "c": [0, 2], "C": [2]}
    targets = [Targets(boxes[chosen[kind]], labels[chosen[kind]], crowd[chosen[kind]]) for kind in kinds]
    images = torch.rand(len(kinds), 3, size, size, generator=generator)
    return Batch(images, torch.full((len(kinds), 2), float(size)), targets)


def _its_steps_are_named(detector: nn.Module) -> None:
    """The steps of a prediction, which are timed and counted by name, are those that have a column."""
    names = [name for name, _ in detector.steps(INFERENCE)]
    assert names == [name for name in ("backbone", "proposals", "heads") if name in names]
    assert names[0] == "backbone"
    assert names[-1] == "heads"


def _its_pieces_run(detector: nn.Module, size: int) -> None:
    """Each piece runs on the shape that it tells, and together they have every batch norm of the detector."""
    detector.eval()
    pieces = list(detector.pieces(size))
    with torch.inference_mode():
        for network, shape in pieces:
            network(torch.rand(shape))
    found = {layer for network, _ in pieces for layer in network.modules()}
    norms = [layer for layer in detector.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert all(layer in found for layer in norms)


def _losses(detector: nn.Module, batch: Batch) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return detector.losses(batch)


def _losses_are_good(detector: nn.Module, classes: int, size: int) -> None:
    """Losses are finite scalars whatever the targets, and teach every parameter."""
    detector.train()
    for kinds in ("oc", "nn", "CC", "onCc"):
        losses = _losses(detector, _batch(classes, size, kinds))
        assert all(loss.shape == () and torch.isfinite(loss) and loss >= 0 for loss in losses.values())
    detector.zero_grad()
    torch.stack(list(_losses(detector, _batch(classes, size, "oco")).values())).sum().backward()
    assert [name for name, parameter in detector.named_parameters() if parameter.grad is None] == []
    with torch.autocast("cpu", torch.bfloat16):
        losses = _losses(detector, _batch(classes, size, "oc"))
    assert all(loss.dtype == torch.float32 and torch.isfinite(loss) for loss in losses.values())


def _run(detector: nn.Module, batch: Batch) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
    detector.eval()
    with torch.inference_mode():
        raw = detector.predict(batch.images, batch.sizes_px, INFERENCE)
        return raw, detector.decode(raw, batch.sizes_px, INFERENCE)


def _predictions_are_good(detector: nn.Module, classes: int, size: int) -> None:
    """Detections have the promised shapes, types, order and range; the second image fills a part of the input."""
    batch = _batch(classes, size, "oo")
    sizes = torch.tensor([[size, size], [size, 0.75 * size]], dtype=torch.float32)
    raw, (boxes, scores, labels, valid) = _run(detector, Batch(batch.images, sizes, batch.targets))
    assert all(isinstance(tensor, Tensor) for tensor in raw.values())
    images, kept = 2, INFERENCE.detections
    assert boxes.shape == (images, kept, 4)
    assert scores.shape == labels.shape == valid.shape == (images, kept)
    assert (boxes.dtype, labels.dtype, valid.dtype) == (torch.float32, torch.int64, torch.bool)
    assert valid.any(dim=1).all()
    assert (scores.diff(dim=1) <= 0).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    assert ((labels >= 0) & (labels < classes)).all()
    assert (boxes[..., :2] >= 0).all()
    assert (boxes[..., 2:] <= sizes.flip(1)[:, None]).all()
    assert (boxes[valid][:, 2:] > boxes[valid][:, :2]).all()


def _one_image_at_a_time_is_the_same(detector: nn.Module, size: int) -> None:
    """The images of a batch have no influence on each other."""
    batch = _batch(1, size, "oon")
    together = _run(detector, batch)[1]
    for i in range(3):
        alone = _run(detector, Batch(batch.images[i : i + 1], batch.sizes_px[i : i + 1], batch.targets[i : i + 1]))[1]
        for one, all_ in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], all_[i], rtol=1e-3, atol=1e-3)


def _the_same_seed_gives_the_same(detector: nn.Module, classes: int, size: int) -> None:
    """Losses depend on the weights, the batch and torch's seed alone."""
    other = copy.deepcopy(detector)
    batch = _batch(classes, size, "oc")
    first, second = _losses(detector.train(), batch), _losses(other.train(), batch)
    assert {name: float(loss.detach()) for name, loss in first.items()} == {
        name: float(loss.detach()) for name, loss in second.items()
    }
