"""Backbones that are no chain of convolutions, such as transformers: run by their own code up to a level.

Their `forward_intermediates` (timm) gives the feature maps; the tail is the last stage, with the norm that ends the
backbone, in the layout in which it has its features.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain
from tradeoff.extractors.layout import find_layout
from tradeoff.extractors.probe import check_map, picture, probing


class Stages(nn.Module):
    """The stages of a backbone up to its last level.

    Args:
        backbone: pruned after the last level.
        indices: of the levels, by name, among the stages of the backbone.
        patch_px: side of the patches that images are cut into; they are padded to a multiple of it.
    """

    def __init__(self, backbone: nn.Module, indices: dict[str, int], patch_px: int) -> None:
        super().__init__()
        self.backbone: Any = backbone
        self.indices, self.patch_px = indices, patch_px

    def maps(self, features: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        """Return the feature maps (N, C, H, W) of the wanted levels of images (N, 3, H, W), already normalised."""
        below, right = (-side % self.patch_px for side in features.shape[2:])
        indices = [self.indices[name] for name in wanted]
        maps = run(self.backbone, F.pad(features, (0, right, 0, below)), indices)
        return dict(zip(wanted, maps, strict=True))

    def backbone_state(self) -> dict[str, Tensor]:
        """Return the weights under their names in the whole backbone; the tensors are the network's own."""
        state: dict[str, Tensor] = self.backbone.state_dict()
        return state


def run(backbone: Any, images: Tensor, indices: list[int]) -> list[Tensor]:
    """Return the feature maps (N, C, H, W) of some stages."""
    return backbone.forward_intermediates(
        images, indices=indices, stop_early=True, output_fmt="NCHW", intermediates_only=True
    )


def cut_stages(
    backbone: Any, levels: Sequence[Level], last: Level | None, indices: dict[str, int]
) -> tuple[Stages, Chain | None]:
    """Cut a backbone after its last level; the tail is its last stage.

    Args:
        backbone: of timm; it is pruned.
        levels: finest first.
        last: the last stage, if a tail is wanted.
        indices: of the levels, by name, among the stages.

    Raises:
        CombinationError: when it does not give feature maps, or no tail can be made.
    """
    with probing(backbone):
        maps = run(backbone, picture(), list(indices.values()))
        for level, found in zip(levels, maps, strict=True):
            check_map(level, found)
        tail = last_stage(backbone, maps[-1], last) if last else None
    backbone.prune_intermediate_layers(list(indices.values()), prune_norm=True, prune_head=True)
    patch_px = min(entry["reduction"] for entry in backbone.feature_info)
    return Stages(backbone, indices, patch_px), tail


def last_stage(backbone: Any, level: Tensor, last: Level) -> Chain:
    """Make a tail of the last stage, and of the norm after it if there is one.

    Args:
        backbone: whole, in evaluation mode.
        level: (1, C, H, W) of the picture, of the stage before.
        last: the last stage.

    Raises:
        CombinationError: when the last stage does not begin where the one before ends, or is more than a function of
            its features.
    """
    given, output = overhear(backbone, last.name)
    layout = find_layout(level, given)
    if layout is None:
        raise CombinationError(f"{last.name} does not begin with the features of the stage before")
    modules = {last.name: backbone.get_submodule(last.name)} | ending(backbone, output)
    tail = Chain(modules, last.channels, layout)
    check_map(last, tail(level))
    return tail


def overhear(backbone: Any, name: str) -> tuple[Tensor, Tensor]:
    """Run a backbone on the picture and return what one of its modules was given and put out.

    Raises:
        CombinationError: when that is more than one tensor each.
    """
    heard: list[Any] = []
    module = backbone.get_submodule(name)
    hook = module.register_forward_hook(
        lambda module, given, options, output: heard.append((*given, *options.values(), output)), with_kwargs=True
    )
    try:
        backbone.forward_features(picture())
    finally:
        hook.remove()
    tensors = [value for value in heard[0] if value is not None] if len(heard) == 1 else []
    if len(tensors) != 2 or not all(isinstance(value, Tensor) for value in tensors):
        raise CombinationError(f"{name} is more than a function of its features, so it cannot run on crops")
    return tensors[0], tensors[1]


def ending(backbone: Any, output: Tensor) -> dict[str, nn.Module]:
    """Return the norm after the last stage by its name, or nothing when the backbone ends with the stage.

    Raises:
        CombinationError: when something else follows.
    """
    final = backbone.forward_features(picture())
    if same(final, output):
        return {}
    norm = getattr(backbone, "norm", None)
    if isinstance(norm, nn.Module) and same(final, norm(output)):
        return {"norm": norm}
    raise CombinationError("what follows the last stage is no norm, so no tail can be made")


def same(got: Tensor, expected: Tensor) -> bool:
    """Tell whether two tensors agree."""
    return got.shape == expected.shape and torch.allclose(got, expected, rtol=1e-4, atol=1e-5)
