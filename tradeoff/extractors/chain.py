"""A backbone in two pieces: a body with named levels, and a tail for the second stage.

Legend: N images of H×W px, a level of stride s has ceil(H / s) × ceil(W / s) cells.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.types import Level
from tradeoff.extractors.layout import Layout, laid, unlaid

Triple = tuple[float, float, float]


class Chain(nn.Module):
    """Modules that run one after the other, and remember the names that they have in the whole backbone.

    out_channels: channels of the last one's output. Feature maps come and go as (N, C, H, W); in between the modules
    have them in `layout`.
    """

    def __init__(self, modules: Mapping[str, nn.Module], out_channels: int, layout: Layout = "NCHW") -> None:
        super().__init__()
        self.out_channels, self.layout = out_channels, layout
        self.names = {level_key(name): name for name in modules}
        for registered, name in self.names.items():
            self.add_module(registered, modules[name])

    def forward(self, features: Tensor) -> Tensor:
        """Run the modules in order."""
        shape = (features.shape[2], features.shape[3])
        features = laid(features, self.layout)
        for module in self.children():
            features = module(features)
        return unlaid(features, self.layout, shape)

    def maps(self, features: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Run the modules in order, and return what the wanted ones put out."""
        found = {}
        for registered, module in self.named_children():
            features = module(features)
            if self.names[registered] in wanted:
                found[self.names[registered]] = features
        return found

    def backbone_state(self) -> dict[str, Tensor]:
        """Return the weights under their names in the whole backbone; the tensors are the very ones of the chain."""
        state = {}
        for key, tensor in self.state_dict().items():
            registered, _, rest = key.partition(".")
            state[f"{self.names[registered]}.{rest}"] = tensor
        return state


class ChainExtractor(nn.Module):
    """An extractor whose body has named outputs, of which some are levels.

    Args:
        body: `maps(features, wanted)` returns named outputs; `backbone_state()` its weights under backbone names.
        levels: the facts of each level, finest first.
        tail: layers of the second stage, or None.
        mean: of RGB 0..1, subtracted from the images.
        std: by which they are divided.
        norms: what a level passes through on its way out, by its name; no part of the backbone.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: nn.Module,
        levels: Sequence[Level],
        tail: Chain | None,
        mean: Triple,
        std: Triple,
        norms: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.body: Any = body
        self.norms = nn.ModuleDict({level_key(name): norm for name, norm in (norms or {}).items()})
        self._unclaimed: tuple[Chain | None] = (tail,)  # in a tuple, so that it is no submodule
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the feature map (N, C, H / s, W / s) of each level by its name; images are (N, 3, H, W) RGB 0..1."""
        names = [level.name for level in self.levels]
        maps = self.body.maps((images - self.mean) / self.std, names)
        return {name: self.finish(name, maps[name]) for name in names}

    def finish(self, name: str, features: Tensor) -> Tensor:
        """Return a level as it goes out."""
        key = level_key(name)
        return self.norms[key](features) if key in self.norms else features

    @property
    def unclaimed(self) -> Chain | None:
        """The tail, until it is handed over."""
        return self._unclaimed[0]

    def tail(self) -> Chain:
        """Hand over the layers of the second stage, once: whoever asks owns them, so no weight is held twice.

        Raises:
            RuntimeError: if it was built without them, or they have been handed over.
        """
        tail = self.unclaimed
        if tail is None:
            raise RuntimeError("the tail was not asked for when this extractor was built, or has been handed over")
        self._unclaimed = (None,)
        return tail


def level_key(name: str) -> str:
    """Return a name that a submodule can have."""
    return name.replace(".", "_")
