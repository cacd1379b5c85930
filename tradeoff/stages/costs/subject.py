"""What the parts of a measurement are given, and what each of them returns."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from tradeoff.core.store import Context
from tradeoff.data.dataset import Example
from tradeoff.recipes.stages import Measure
from tradeoff.stages.costs.counter import Counter
from tradeoff.stages.detect import Chain, chain_of
from tradeoff.stages.network import trained


@dataclass(frozen=True)
class Findings:
    """What a part has measured.

    columns: of the row; None where something could not be measured. reasons: why the row is not to be trusted, each
    with what to do next; none when all is well. kept: name of a file to what JSON is to hold beside the row.
    missing: name of a column to why it is empty; that alone makes no row untrusted.
    """

    columns: Mapping[str, Any]
    reasons: list[str] = field(default_factory=list)
    kept: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """One trained detector on one machine; what several parts need is made once, when it is first asked for."""

    stage: Measure
    context: Context

    @property
    def device(self) -> torch.device:
        """Where the detector runs."""
        return torch.device(self.context.device)

    @cached_property
    def examples(self) -> list[Example]:
        """The decoded images that are measured, in their fixed order."""
        data = self.stage.split.build()
        return [data.example(index) for index in range(len(data))]

    def members(self, batch: int) -> list[int]:
        """Return the places in `examples` of the images of a batch; the last one may repeat the first images."""
        size = self.stage.batch_size
        return [index % len(self.examples) for index in range(batch * size, (batch + 1) * size)]

    @cached_property
    def batches(self) -> list[list[np.ndarray]]:
        """The decoded images, uint8 (H, W, 3), in groups of the batch size."""
        count = -(-len(self.examples) // self.stage.batch_size)
        return [[self.examples[place].image for place in self.members(batch)] for batch in range(count)]

    @cached_property
    def images_sha256(self) -> str:
        """The SHA-256 of the ids, shapes and pixels of the images, in their order."""
        whole = hashlib.sha256()
        for example in self.examples:
            whole.update(f"{example.image_id} {example.image.shape};".encode())
            whole.update(example.image.tobytes())
        return whole.hexdigest()

    @cached_property
    def chain(self) -> Chain:
        """The deployed detector, from decoded images to final boxes; it has run once."""
        chain = self.build()
        chain(self.batches[0])
        return chain

    @cached_property
    def counter(self) -> Counter:
        """Counts what the detector does, as it was trained."""
        samples = [[self.batches[0][0]], [self.batches[-1][-1]]]
        return Counter(self.as_trained(), self.chain, samples)

    def keep_chain_alone(self) -> None:
        """Let go of the detector as it was trained, so that the chain's is the only one."""
        vars(self).pop("counter", None)

    def build(self) -> Chain:
        """Load the detector anew and bring it into the form in which it infers; nothing has run."""
        return chain_of(self.stage.train, self.as_trained(), self.stage.inference, self.context.device)

    def as_trained(self) -> Any:
        """Load the detector anew, ready for inference, in the form in which it was trained."""
        return trained(self.stage.train, self.context)


#: Measures one kind of cost of a subject. It is also given the columns of the parts before it.
Part = Callable[[Subject, Mapping[str, Any]], Findings]
