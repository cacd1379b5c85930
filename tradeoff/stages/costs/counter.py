"""What a detector does, operator by operator, for inputs of any shape."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tradeoff.probes.flops import Count, count
from tradeoff.recipes.inference import Inference
from tradeoff.stages.deploy import UNTRACEABLE, on_meta
from tradeoff.stages.detect import Chain
from tradeoff.stages.network import DTYPES

POSTPROCESS = "postprocess"
NO_CALLS = Count((), ())

Images = Sequence[np.ndarray]


@dataclass(frozen=True)
class Work:
    """What a call does.

    network: what its operators do, by the steps of the detector. postprocess: what decoding does. through_bytes: the
    network's input and raw output.
    """

    network: Count
    postprocess: Count
    through_bytes: int

    @property
    def count(self) -> Count:
        """Both together."""
        return self.network + self.postprocess


class Counter:
    """Counts a detector by running it, or quickly on the meta device, where shapes are all that is computed.

    Args:
        detector: as it was trained.
        chain: says how images become its input, and how it infers; in a short type bytes are counted as if all was
            computed in it.
        samples: batches of decoded images on which both ways must agree before the quick one is taken.
    """

    def __init__(self, detector: Any, chain: Chain, samples: Sequence[Images]) -> None:
        self.detector, self.chain, self.samples = detector, chain, samples
        self.dtype = DTYPES.get(chain.inference.precision, torch.float32)
        self.by_shape = cache(self._by_shape)

    def images(self, images: Images) -> Work:
        """Count what happens to a batch of decoded images."""
        return self.by_shape(*self.chain.input_shape(images)) if self.shapes_tell_all else self.by_running(images)

    def square(self, size: int) -> Work:
        """Count what happens to one image of size×size px in the network."""
        if self.shapes_tell_all:
            return self.by_shape(1, size, size)
        return self.by_running([np.zeros((size, size, 3), np.uint8)])

    @cached_property
    def blank(self) -> Any:
        """The detector without its numbers, in the type in which it infers."""
        return on_meta(self.detector).to(self.dtype)

    @cached_property
    def ran(self) -> list[Work]:
        """What happened to the samples."""
        return [self.by_running(images) for images in self.samples]

    @cached_property
    def shapes_tell_all(self) -> bool:
        """Whether running the samples did what their shapes alone say."""
        shapes = [self.chain.input_shape(images) for images in self.samples]
        try:
            told = [self.by_shape(*shape).count.by_part for shape in shapes]
        except UNTRACEABLE:  # content decides what happens
            return False
        return told == [work.count.by_part for work in self.ran]

    def by_running(self, images: Images) -> Work:
        """Count by doing it."""
        _, given = self.chain.copy(self.chain.preprocess(images))
        return work_of(self.detector, *given, self.chain.inference)

    def _by_shape(self, number: int, height: int, width: int, proposals: int | None = None) -> Work:
        """Count what happens to a batch of images of a shape, with other proposals than asked for where given.

        Raises:
            RuntimeError, TypeError, ...: one of `UNTRACEABLE`, when content decides what happens.
        """
        inference = self.chain.inference
        asked = inference if proposals is None else replace(inference, proposals=proposals)
        images = torch.empty(number, 3, height, width, device="meta", dtype=self.dtype)
        sizes_px = torch.empty(number, 2, device="meta")
        return work_of(self.blank, images.to(memory_format=torch.channels_last), sizes_px, asked)

    def weights_bytes(self) -> int:
        """Return the bytes of all kernels and matrices, in the type in which the network infers."""
        return self.dtype.itemsize * sum(one.numel() for one in self.detector.parameters() if one.dim() > 1)


def work_of(detector: Any, images: Tensor, sizes_px: Tensor, inference: Inference) -> Work:
    """Run a detector step by step and count what it does."""
    given: Any = (images, sizes_px)
    network = NO_CALLS
    for name, step in detector.steps(inference):
        given, counted = result_of(step, given, name)
        network += counted
    _, decoding = result_of(lambda raw: detector.decode(raw, sizes_px, inference), given, POSTPROCESS)
    held = {id(tensor) for tensor in detector.buffers()}  # such as anchors: they are given, not made
    through = [images, *(tensor for tensor in given.values() if id(tensor) not in held)]
    return Work(network, decoding, sum(tensor.numel() * tensor.element_size() for tensor in through))


def result_of(step: Any, given: Any, part: str) -> tuple[Any, Count]:
    """Return what a step makes of what it is given, and what that takes."""
    told: list[Any] = []
    counted = count(lambda: told.append(step(given)), part=part)
    return told[0], counted
