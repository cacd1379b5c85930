"""From decoded images to final boxes: the one path that is scored, timed and counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tradeoff.data.transforms import Resizer, collate, to_input, to_original
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
    """Preprocess, network, postprocess, for one detector and one way of inferring."""

    detector: Any
    inference: Inference
    size: int
    resizer: Resizer
    device: str
    longer_px: int | None = None

    def preprocess(self, images: Sequence[np.ndarray]) -> Prepared:
        """Resize, scale to 0..1 and pad uint8 (H, W, 3) RGB images on the device."""
        inputs = [to_input(image, self.size, self.resizer, self.device, self.longer_px) for image in images]
        batch, sizes_px = collate(inputs)
        originals = tuple((image.shape[0], image.shape[1]) for image in images)
        return Prepared(batch.contiguous(memory_format=torch.channels_last), sizes_px, originals)

    def network(self, prepared: Prepared) -> tuple[Prepared, dict[str, Tensor]]:
        """Run the network up to its raw outputs, the proposals of two-stage detectors included."""
        return prepared, self.detector.predict(prepared.images, prepared.sizes_px, self.inference)

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

    def steps(self) -> list[tuple[str, Any]]:
        """Return the named steps in order."""
        return [("preprocess", self.preprocess), ("network", self.network), ("postprocess", self.postprocess)]

    def __call__(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Detect objects in images."""
        return self.postprocess(self.network(self.preprocess(images)))


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
