"""From decoded images to final boxes: the one path that is scored, timed and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tradeoff.data.transforms import Resizer, collate, resize, resized, to_float, to_original
from tradeoff.ops.steps import Step, follow
from tradeoff.ops.structures import Detections
from tradeoff.recipes.inference import Inference
from tradeoff.recipes.stages import Train
from tradeoff.stages.deploy import deploy
from tradeoff.stages.fast_convolution import use_winograd


@dataclass(frozen=True)
class Prepared:
    """Network input. images: (N, 3, H, W). sizes_px: (N, 2) within it. originals: (height, width) of each image."""

    images: Tensor
    sizes_px: Tensor
    originals: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Chain:
    """Preprocess, copy, network, postprocess, for one detector and one way of inferring."""

    detector: Any
    inference: Inference
    size: int
    resizer: Resizer
    device: str
    longer_px: int | None = None

    def preprocess(self, images: Sequence[np.ndarray]) -> Prepared:
        """Resize uint8 (H, W, 3) RGB images and pad them to a common shape, in 8 bits on the CPU."""
        batch, sizes_px = collate([resize(image, self.size, self.resizer, self.longer_px) for image in images])
        return Prepared(batch, sizes_px, tuple((image.shape[0], image.shape[1]) for image in images))

    def copy(self, prepared: Prepared) -> tuple[Prepared, tuple[Tensor, Tensor]]:
        """Copy prepared images to the device, and scale them there to float 0..1 in channels_last."""
        images = to_float(prepared.images, self.device).contiguous(memory_format=torch.channels_last)
        moved = replace(prepared, images=images, sizes_px=prepared.sizes_px.to(self.device, non_blocking=True))
        return moved, (moved.images, moved.sizes_px)

    def network(self) -> list[Step]:
        """Return the steps of the network, proposals included; what postprocessing needs goes along with them."""

        def along(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
            return lambda given: (given[0], step(given[1]))

        return [(name, along(step)) for name, step in self.detector.steps(self.inference)]

    def postprocess(self, given: tuple[Prepared, dict[str, Tensor]]) -> list[Detections]:
        """Decode, suppress duplicates, and map the boxes to the original images, on the CPU."""
        prepared, raw = given
        boxes, scores, labels, valid = self.detector.decode(raw, prepared.sizes_px, self.inference)
        inputs = prepared.sizes_px.tolist()
        boxes, scores, labels, valid = boxes.cpu(), scores.float().cpu(), labels.cpu(), valid.cpu()
        return [
            Detections(to_original(boxes[i][valid[i]], inputs[i], size), scores[i][valid[i]], labels[i][valid[i]])
            for i, size in enumerate(prepared.originals)
        ]

    def steps(self) -> list[Step]:
        """Return the named steps in order: preprocess, copy, those of the network, postprocess."""
        own: list[Step] = [("preprocess", self.preprocess), ("copy", self.copy)]
        return [*own, *self.network(), ("postprocess", self.postprocess)]

    def input_shape(self, images: Sequence[np.ndarray]) -> tuple[int, ...]:
        """Return the (N, H, W) of the network input for images, which decides what kernels run."""
        sizes = [resized(image.shape[:2], self.size, self.resizer, self.longer_px) for image in images]
        return len(images), max(height for height, _ in sizes), max(width for _, width in sizes)

    def __call__(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Detect objects in images."""
        found: list[Detections] = follow(self.steps(), images)
        return found


def chain_of(train: Train, detector: Any, inference: Inference, device: str) -> Chain:
    """Return the path of a training's detector, which is brought into the form in which it infers.

    Images are resized as they were in training.
    """
    bring_into_form(detector, train.size, inference, device)
    return Chain(detector, inference, train.size, train.resizer, device, train.training.longer_side_px)


def bring_into_form(detector: Any, size: int, inference: Inference, device: str) -> None:
    """Bring a trained detector, which is changed, into the form in which it infers; once is enough."""
    deploy(detector, size)
    if inference.takes_winograd(device):
        use_winograd(detector)
