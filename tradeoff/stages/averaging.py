"""The running mean of a detector's weights, which predicts better than the last of them."""

import torch
from torch import Tensor, nn


class RunningMean:
    """An exponential moving average of parameters and floating-point buffers; counters are copied.

    The decay is less in the first steps, (1 + n) / (10 + n) after n of them, so that a short training is not
    remembered by its initial weights.

    Source: Polyak and Juditsky 1992; the decay of the first steps as in the TF Object Detection API.
    Differs: the API averages no statistics of batch norm.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, steps: int) -> None:
        """Take in the weights after so many steps."""
        weight = 1 - min(self.decay, (1 + steps) / (10 + steps))
        now = network.state_dict()
        means = [tensor for tensor in self.state.values() if tensor.is_floating_point()]
        latest = [now[name] for name, tensor in self.state.items() if tensor.is_floating_point()]
        torch._foreach_lerp_(means, latest, weight)
        for name, tensor in self.state.items():
            if not tensor.is_floating_point():
                tensor.copy_(now[name])

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from a kept mean."""
        for name, tensor in self.state.items():
            tensor.copy_(state[name])
