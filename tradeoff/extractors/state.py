"""Weights of a backbone: read from a file, put into an extractor, taken out of it."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from tradeoff.core.errors import WeightsError
from tradeoff.extractors.chain import Chain, ChainExtractor

SHOWN = 4  # names in a message


def backbone_state(extractor: ChainExtractor, tail: Chain | None) -> dict[str, Tensor]:
    """Return the weights of body and tail under the names of the whole backbone.

    The tensors are the very ones of the networks: clone them before training goes on.
    """
    return extractor.body.backbone_state() | (tail.backbone_state() if tail is not None else {})


def load_backbone(extractor: ChainExtractor, path: Path) -> None:
    """Put the weights of a file into body and tail; other tensors, such as the classifier's, are left.

    Args:
        extractor: whose body, and tail before it is handed over, are filled.
        path: .safetensors, or .pt of torch; names as in the whole backbone, any floating type.

    Raises:
        WeightsError: when the file cannot be read, or a tensor is missing or of another shape.
    """
    fill(extractor, read(path), str(path))


def fill(extractor: ChainExtractor, state: Mapping[str, Tensor], source: str) -> None:
    """Put weights into body and tail; other tensors are left.

    Args:
        extractor: whose body, and tail before it is handed over, are filled.
        state: under the names of the whole backbone.
        source: where they are from, for the message.

    Raises:
        WeightsError: when a tensor is missing or of another shape.
    """
    own = backbone_state(extractor, extractor.unclaimed)
    missing = [name for name in own if name not in state and not name.endswith(".num_batches_tracked")]
    unlike = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if missing or unlike:
        told = [f"{word} {listed(names)}" for word, names in (("lacks", missing), ("has", unlike)) if names]
        raise WeightsError(
            f"{source}: {'; '.join(told)}. Expected the state dict of this very backbone; "
            "check extractor.model and extractor.width, or give extractor.weights another file"
        )
    with torch.no_grad():
        for name in own.keys() & state.keys():
            own[name].copy_(state[name])


def read(path: Path) -> Mapping[str, Tensor]:
    """Read named tensors; code inside the file is never run.

    Raises:
        WeightsError: when there is no such file, it is damaged, or it holds something else.
    """
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file of weights; give extractor.weights=PATH to a .pt or .safetensors file, "
            "or extractor.weights=null to start from scratch"
        )
    try:
        if path.suffix == ".safetensors":
            return checked(safetensors.torch.load_file(path), path)
        check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        safetensors.SafetensorError,
        RuntimeError,
        EOFError,
        OSError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise WeightsError(f"{path}: cannot be read as weights ({error}); expected .pt or .safetensors") from error
    if isinstance(content, Mapping) and isinstance(content.get("detector"), Mapping):
        raise WeightsError(
            f"{path}: this is a whole detector, as a training keeps it, and no backbone; give it to train.weights "
            "instead of extractor.weights"
        )
    state = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise WeightsError(f"{path}: expected a state dict (name to tensor), got {type(state).__name__}")
    return checked(state, path)


def check_archive(path: Path) -> None:
    """Compare the checksums of a .pt file, which torch does not when it reads; older ones have none.

    Raises:
        WeightsError: when a part is damaged.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        try:
            damaged = archive.testzip()
        except (zipfile.BadZipFile, NotImplementedError) as error:
            damaged = str(error)
    if damaged:
        raise WeightsError(f"{path}: damaged at {damaged}; fetch or copy the file again")


def checked(state: Mapping[str, Tensor], path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a file if they are numbers.

    Raises:
        WeightsError: when one holds an infinite value or NaN.
    """
    if broken := not_finite(state):
        raise WeightsError(f"{path}: not finite in {listed(broken)}; the file is damaged, or its training diverged")
    return state


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the tensors with an infinite value or NaN."""
    return [name for name, tensor in state.items() if not tensor.isfinite().all()]


def listed(names: list[str]) -> str:
    """Word a list of names, not all of them if there are many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
