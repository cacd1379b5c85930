"""Start a detector from the weights of another: what fits is taken, the rest stays new, and both are told."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from tradeoff.core.digest import file_sha256
from tradeoff.core.errors import WeightsError
from tradeoff.core.files import write_atomic
from tradeoff.extractors.state import check_archive, checked, listed
from tradeoff.recipes.start import Start
from tradeoff.stages.network import load

TAKEN = "taken.json"
UNREADABLE = (pickle.UnpicklingError, safetensors.SafetensorError, RuntimeError, EOFError, OSError, ValueError)
#: the names under which files keep their tensors; the first is this project's
HOLDERS = ("detector", "state_dict", "model")


@dataclass(frozen=True)
class Taken:
    """What became of the tensors. taken: of the file. new: of the detector, as initialised. left: of the file."""

    taken: list[str]
    new: list[str]
    left: list[str]

    def __str__(self) -> str:
        parts = [f"{len(self.taken)} tensors taken"]
        parts += [f"{len(self.new)} new: {listed(self.new)}"] if self.new else []
        parts += [f"{len(self.left)} left: {listed(self.left)}"] if self.left else []
        return "; ".join(parts)


def begin(detector: nn.Module, start: Start, folder: Path) -> Taken:
    """Fill a detector with the tensors of a file that have its names and shapes; write their names to taken.json.

    So the predictors for another number of classes stay new. Predictors for as many classes are taken, whatever
    these are called.

    Raises:
        WeightsError: when the file has changed since the command began, cannot be read, or has nothing in common.
    """
    path = Path(start.path)
    state = read(path)
    if file_sha256(path) != start.sha256:
        raise WeightsError(f"{path}: has changed since the command began; give the command again")
    taken = take(detector, state)
    if not any(state[name].ndim > 1 for name in taken.taken):  # a bias of the same length is a coincidence
        raise WeightsError(
            f"{path}: nothing in common with this detector; it has {listed(list(state)) or 'nothing'}, expected "
            f"{listed(taken.new)}. Give train.weights a detector of this meta_arch or extractor; a backbone is for "
            "extractor.weights"
        )
    write_atomic(folder / TAKEN, json.dumps(asdict(taken), indent=1))
    return taken


@torch.no_grad()
def take(detector: nn.Module, state: Mapping[str, Tensor]) -> Taken:
    """Copy the tensors of the same name and shape."""
    own = detector.state_dict()
    fitting = [name for name, tensor in own.items() if name in state and state[name].shape == tensor.shape]
    for name in fitting:
        own[name].copy_(state[name])
    some = set(fitting)
    return Taken(fitting, [name for name in own if name not in some], [name for name in state if name not in some])


def read(path: Path) -> Mapping[str, Tensor]:
    """Read named tensors, those of a finished training or any state dict; code inside the file is never run.

    Raises:
        WeightsError: when the file cannot be read, is damaged, or holds something else.
    """
    check_archive(path)
    try:
        content: Any = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else load(path)
    except UNREADABLE as error:
        raise WeightsError(
            f"{path}: cannot be read as weights ({error}); expected weights.pt of a training, or a state dict in a "
            ".pt or .safetensors file"
        ) from error
    for holder in HOLDERS:
        if isinstance(content, Mapping) and isinstance(content.get(holder), Mapping):
            content = content[holder]
            break
    if not isinstance(content, Mapping) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise WeightsError(f"{path}: expected a state dict (name to tensor), got {type(content).__name__}")
    return checked(content, path)
