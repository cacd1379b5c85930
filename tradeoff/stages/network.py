"""Build a detector for a cell, and keep its weights."""

import io
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tradeoff.core.errors import WeightsError
from tradeoff.core.files import write_atomic
from tradeoff.core.store import Context, fetch
from tradeoff.recipes.stages import Train
from tradeoff.recipes.start import WEIGHTS

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def build(stage: Train, classes: int) -> Any:
    """Build the detector of a training with its initial weights, the same for the same seed."""
    torch.manual_seed(stage.seed)
    two_stage = stage.meta_arch.TWO_STAGE
    stride = stage.stride or 16
    levels = (stride,) if two_stage else stage.extractor.ssd_strides
    extractor = stage.extractor.build(level_strides=levels, tail=two_stage)
    training = stage.training
    regions = {"train_proposals": training.proposals, "append_ground_truth": training.append_ground_truth}
    own = regions if two_stage else {}
    return stage.meta_arch.build(extractor=extractor, classes=classes, size=stage.size, **own)


def trained(stage: Train, context: Context) -> Any:
    """Return the detector of a training, on the context's device, ready for inference.

    Raises:
        WeightsError: when the stored weights do not fit the network.
    """
    fetch(stage, context)
    path = context.store.folder(stage) / WEIGHTS
    content = load(path)
    detector = build(stage, content["classes"])
    try:
        detector.load_state_dict(content["detector"])
    except RuntimeError as error:
        raise WeightsError(f"{path}: {error}; remove the folder to train again") from error
    return detector.to(context.device, memory_format=torch.channels_last).eval()


def save(path: Path, content: Any) -> None:
    """Write tensors atomically."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path, device: str = "cpu") -> Any:
    """Read tensors; code inside the file is never run."""
    return torch.load(path, map_location=device, weights_only=True)


def arithmetic(precision: str, device: str) -> AbstractContextManager[Any]:
    """Return the context in which a network runs in a precision.

    "fp32" is full precision: TF32 is off for convolutions and matrix products alike; "tf32" switches it on for both.
    """
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    if precision not in DTYPES:
        return nullcontext()
    return torch.autocast(torch.device(device).type, DTYPES[precision])


def inferring(precision: str, device: str) -> ExitStack:
    """Return the context of inference: no gradients, and the precision asked for."""
    stack = ExitStack()
    stack.enter_context(torch.inference_mode())
    stack.enter_context(arithmetic(precision, device))
    return stack


def freeze_batch_norm(module: nn.Module) -> None:
    """Keep batch norm at its loaded statistics and scales, as the study does for two-stage detectors."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()
            layer.requires_grad_(False)


def decay_batch_norm(module: nn.Module, decay: float) -> None:
    """Let batch norm keep this share of its moving mean and variance at each step; torch counts what is new."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = 1 - decay
