"""A backbone in two pieces: a body with named levels, and a tail for the second stage.

Legend: N images of H×W px, a level of stride s has ceil(H / s) × ceil(W / s) cells.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tradeoff.core.types import Level

Triple = tuple[float, float, float]


class Chain(nn.Module):
    """Modules that run one after the other, and remember the names that they have in the whole backbone.

    out_channels: channels of the last one's output.
    """

    def __init__(self, modules: Mapping[str, nn.Module], out_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.names = {name.replace(".", "_"): name for name in modules}
        for registered, name in self.names.items():
            self.add_module(registered, modules[name])

    def forward(self, features: Tensor) -> Tensor:
        """Run the modules in order."""
        for module in self.children():
            features = module(features)
        return features

    def backbone_state(self) -> dict[str, Tensor]:
        """Return the weights under their names in the whole backbone; the tensors are the very ones of the chain."""
        state = {}
        for key, tensor in self.state_dict().items():
            registered, _, rest = key.partition(".")
            state[f"{self.names[registered]}.{rest}"] = tensor
        return state


class ChainExtractor(nn.Module):
    """An extractor whose body is a chain, of which some outputs are levels.

    levels: the facts of each level, finest first.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: Chain, levels: Sequence[Level], tail: Chain | None, mean: Triple, std: Triple) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.body = body
        self._unclaimed: tuple[Chain | None] = (tail,)  # in a tuple, so that it is no submodule
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the feature map (N, C, H / s, W / s) of each level by its name; images are (N, 3, H, W) RGB 0..1."""
        features = (images - self.mean) / self.std
        wanted, found = {level.name for level in self.levels}, {}
        for registered, module in self.body.named_children():
            features = module(features)
            name = self.body.names[registered]
            if name in wanted:
                found[name] = features
        return found

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
