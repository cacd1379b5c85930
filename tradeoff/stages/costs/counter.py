"""What a detector does, operator by operator, for inputs of any shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.probes.flops import Count, count
from tradeoff.recipes.inference import Inference
from tradeoff.stages.deploy import UNTRACEABLE, on_meta
from tradeoff.stages.detect import Prepared
from tradeoff.stages.network import DTYPES

HEAD, POSTPROCESS = "head", "postprocess"
PARTS = {"backbone": "extractor", "rpn": "rpn"}  # to the attribute of a detector that has it; all else is its head

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Work:
    """What a call does.

    count: by the parts backbone, rpn, head and postprocess. through_bytes: its input and its raw output.
    """

    count: Count
    through_bytes: int

    @property
    def network(self) -> Count:
        """Without the post-processing."""
        return Count(tuple(call for call in self.count.calls if call.part != POSTPROCESS), self.count.uncounted)


class Counter:
    """Counts a detector by running it, or quickly on the meta device, where shapes are all that is computed.

    Args:
        detector: as it was trained.
        inference: how it infers. In a short type bytes are counted as if all was computed in it.
    """

    def __init__(self, detector: Any, inference: Inference) -> None:
        self.detector, self.inference = detector, inference
        self.dtype = DTYPES.get(inference.precision, torch.float32)
        self.blank = on_meta(detector).to(self.dtype)
        self.known: dict[tuple[Shape, int | None], Work] = {}

    def by_running(self, prepared: Prepared) -> Work:
        """Count what happens to a batch."""
        return work_of(self.detector, prepared.images, prepared.sizes_px, self.inference)

    def by_shape(self, shape: Shape, proposals: int | None = None) -> Work:
        """Count what happens to a batch of a shape (N, 3, H, W), with other proposals than told where given.

        Raises:
            RuntimeError, TypeError, ...: one of `UNTRACEABLE`, when more than shapes decides what happens.
        """
        key = (shape, proposals)
        if key not in self.known:
            asked = self.inference if proposals is None else with_proposals(self.inference, proposals)
            images = torch.empty(shape, device="meta", dtype=self.dtype).to(memory_format=torch.channels_last)
            sizes_px = torch.empty(shape[0], 2, device="meta")
            self.known[key] = work_of(self.blank, images, sizes_px, asked)
        return self.known[key]

    def chooser(self, samples: list[Prepared]) -> Callable[[Prepared], Work]:
        """Return the quick way to count, if it tells of the samples what running them tells, else the sure one."""
        try:
            same = all(parts_alike(self.by_running(one), self.by_shape(tuple(one.images.shape))) for one in samples)
        except UNTRACEABLE:
            same = False
        return (lambda prepared: self.by_shape(tuple(prepared.images.shape))) if same else self.by_running

    def weights_bytes(self) -> int:
        """Return the bytes of all kernels and matrices, in the type in which the network infers."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.blank.parameters() if tensor.dim() > 1)


def with_proposals(inference: Inference, proposals: int) -> Inference:
    """Return the same way of inferring with another number of proposals."""
    return inference.__class__(**{**vars(inference), "proposals": proposals})


def parts_alike(one: Work, other: Work) -> bool:
    """Tell whether two calls do as much in each part."""
    return one.count.by_part == other.count.by_part


def work_of(detector: Any, images: Tensor, sizes_px: Tensor, inference: Inference) -> Work:
    """Run a detector and count what it does."""
    told: dict[str, Tensor] = {}

    def predict() -> None:
        told.update(detector.predict(images, sizes_px, inference))

    network = count(predict, parts=parts_of(detector), rest=HEAD)
    decoding = count(lambda: detector.decode(told, sizes_px, inference), rest=POSTPROCESS)
    held = {id(tensor) for tensor in detector.buffers()}
    given = [images, *(tensor for tensor in told.values() if id(tensor) not in held)]
    return Work(network + decoding, sum(tensor.numel() * tensor.element_size() for tensor in given))


def parts_of(detector: nn.Module) -> dict[str, nn.Module]:
    """Return the modules of a detector whose work is told by itself."""
    return {part: getattr(detector, name) for part, name in PARTS.items() if hasattr(detector, name)}
