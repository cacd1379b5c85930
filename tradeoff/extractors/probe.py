"""A picture on which the pieces of a backbone are compared with the whole."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level

PROBE_PX = 96  # side of the picture


def picture() -> Tensor:
    """Return the picture (1, 3, 96, 96), normalised."""
    return torch.linspace(-2, 2, 3 * PROBE_PX**2).view(1, 3, PROBE_PX, PROBE_PX)


@contextmanager
def probing(backbone: nn.Module) -> Iterator[Any]:
    """Let a backbone infer without gradients, and word what it cannot do.

    Raises:
        CombinationError: when its code raises an error.
    """
    training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            yield backbone
    except (RuntimeError, AssertionError, AttributeError, TypeError, ValueError, IndexError) as error:
        raise CombinationError(f"it does not run on {PROBE_PX}×{PROBE_PX} px piece by piece ({error})") from error
    finally:
        backbone.train(training)


def record(backbone: nn.Module, run: Callable[[Tensor], object], names: Sequence[str]) -> dict[str, Tensor]:
    """Run something on the picture and return what modules of a backbone put out."""
    seen: dict[str, Tensor] = {}
    hooks = [
        backbone.get_submodule(name).register_forward_hook(
            lambda module, given, output, name=name: seen.update({name: output.clone()})
        )
        for name in names
    ]
    try:
        run(picture())
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def check_map(level: Level, got: Tensor) -> None:
    """Refuse a feature map that is not what its level promises.

    Raises:
        CombinationError: with what differs.
    """
    side = -(-PROBE_PX // level.stride_px)
    shape = (1, level.channels, side, side)
    if got.shape != shape:
        raise CombinationError(
            f"{level.name} gives {tuple(got.shape)} for {PROBE_PX}×{PROBE_PX} px, expected {shape}: "
            "its layers are not padded, or it gives no feature maps"
        )
