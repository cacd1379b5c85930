"""Batches for training and images for scoring, read ahead by worker processes.

Step s of a training holds examples s × batch_size to (s + 1) × batch_size - 1 whatever the number of workers, and
what is random about an example depends on the seed and its index: a resumed training sees what it would have seen.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing import get_context
from threading import Thread
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from tradeoff.core.errors import DataError, WorkerDied
from tradeoff.data.augment import Augmentation
from tradeoff.data.dataset import Dataset, Example
from tradeoff.data.streams import Stream, generator
from tradeoff.data.transforms import Resizer, collate, flip, resize, to_float, to_targets
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.data import Split

#: batches that each worker has ready
PREFETCH = 2
NOTHING = Augmentation()

Made = TypeVar("Made")
Array = NDArray[Any]
#: images, sizes_px, and boxes, labels and crowd of each image
Parcel = tuple[Array, Array, list[tuple[Array, Array, Array]]]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What is done to an example on its way to the network."""

    size: int
    resizer: Resizer
    longer_px: int | None
    flip: bool
    augmentation: Augmentation
    seed: int

    def __call__(self, index: int, example: Example) -> tuple[Tensor, Targets]:
        """Return the (3, h, w) uint8 image and its targets; half of the images are mirrored if `flip`."""
        example = self.augmentation(self.seed, index, example)
        image = resize(example.image, self.size, self.resizer, self.longer_px)
        targets = to_targets(example, (image.shape[1], image.shape[2]))
        if self.flip and generator(Stream.FLIP, self.seed, index).random() < 0.5:
            image, boxes = flip(image, targets.boxes)
            targets = Targets(boxes, targets.labels, targets.crowd)
        return image, targets


def train_batches(  # noqa: PLR0913 - every part of the preparation by its name
    split: Split,
    *,
    size: int,
    resizer: Resizer,
    batch_size: int,
    first_step: int,
    seed: int,
    flip: bool,
    workers: int,
    longer_px: int | None = None,
    augmentation: Augmentation = NOTHING,
) -> Iterator[Batch]:
    """Return the endless batches of a training from a step on; workers start at once, not at the first batch.

    Args:
        split: the training stream.
        size: px, see `transforms.resized`.
        resizer: how images are resized.
        batch_size: images per batch.
        first_step: the step of the first batch, from 0.
        seed: of the augmentation.
        flip: whether half of the images are mirrored.
        workers: processes that read and resize, never more than there are cores; 0 does it in this process.
        longer_px: cap on the longer side, px.
        augmentation: what else is done to the images, before they are resized.

    Raises:
        DataError: when an image cannot be read.
        WorkerDied: when a worker process ends.
    """
    preparation = Preparation(
        size=size, resizer=resizer, longer_px=longer_px, flip=flip, augmentation=augmentation, seed=seed
    )
    steps = (range(step * batch_size, (step + 1) * batch_size) for step in count(first_step))
    loaded = load(partial(prepared_batch, split.build(), preparation), steps, workers)
    return map(received, loaded)


def prepared_batch(dataset: Dataset, preparation: Preparation, indices: Sequence[int]) -> Parcel:
    """Return one batch as arrays, its images in uint8.

    Arrays go through a pipe; tensors would each take a file descriptor and a piece of shared memory.
    """
    prepared = [preparation(index, dataset.example(index)) for index in indices]
    images, sizes_px = collate([image for image, _ in prepared])
    objects = [(each.boxes.numpy(), each.labels.numpy(), each.crowd.numpy()) for _, each in prepared]
    return images.numpy(), sizes_px.numpy(), objects


def received(parcel: Parcel) -> Batch:
    """Return the batch that a process has sent."""
    images, sizes_px, objects = parcel
    targets = [Targets(*map(torch.from_numpy, arrays)) for arrays in objects]
    return Batch(to_float(torch.from_numpy(images)), torch.from_numpy(sizes_px), targets)


def val_examples(split: Split, workers: int) -> Iterator[Example]:
    """Return the examples of a validation split in their order.

    Raises:
        DataError: when an image cannot be read.
        WorkerDied: when a worker process ends.
    """
    dataset: Dataset = split.build()
    return load(dataset.example, range(len(dataset)), workers)


class Calls(TorchDataset[Any]):
    """A function as a data set for DataLoader; an error of the data is returned as a value, to keep its message."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __getitem__(self, argument: Any) -> Any:
        try:
            return self.function(argument)
        except DataError as error:
            return error


def load(function: Callable[[Any], Made], arguments: Iterable[Any], workers: int) -> Iterator[Made]:
    """Call a picklable function with each argument, ahead of time in worker processes, in order.

    Workers come from a fork server, so they inherit no device, lock or pipe of this process.
    """
    workers = min(workers, cores())
    options: dict[str, Any] = {"generator": torch.Generator()}  # leaves the stream of the training's own alone
    if workers:
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        options |= {
            "multiprocessing_context": context,
            "prefetch_factor": PREFETCH,
            "worker_init_fn": partial(settle, os.getpid()),
        }
    sampler: Any = arguments
    loader = DataLoader(
        Calls(function), batch_size=None, sampler=sampler, num_workers=workers, collate_fn=as_is, **options
    )
    return unwrapped(iter(loader))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def settle(reader: int, worker: int) -> None:
    """Keep a worker to one core, and end it once the process that reads from it is gone.

    Its own parent is a fork server, which lives on with its workers, so PyTorch's watch over the parent sees nothing.
    """
    torch.set_num_threads(1)
    Thread(target=die_with, args=(reader,), daemon=True).start()


def die_with(reader: int) -> None:
    """Wait until a process is gone, then end this one."""
    while True:
        try:
            os.kill(reader, 0)
        except ProcessLookupError:
            os._exit(1)
        time.sleep(0.5)


def as_is(loaded: Any) -> Any:
    """Return what was loaded; DataLoader would turn arrays into tensors."""
    return loaded


def unwrapped(loaded: Iterator[Any]) -> Iterator[Any]:
    """Yield what workers return, raising what they met."""
    while True:
        try:
            item = next(loaded)
        except StopIteration:
            return
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker"):
                raise
            raise WorkerDied(
                f"a process that loads images ended ({str(error).splitlines()[0]}); it ran out of memory or was "
                "killed: give train.workers=0 or a smaller train.batch_size"
            ) from error
        if isinstance(item, DataError):
            del loaded  # ends the workers now, not when the error is forgotten
            raise item
        yield item
