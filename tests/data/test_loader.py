"""Batches are the same however they are made."""

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.data.coco_files import write
from tests.processes import alive, family, until
from tradeoff.core.errors import DataError, WorkerDied
from tradeoff.data import loader
from tradeoff.data.augment import Augmentation
from tradeoff.data.loader import train_batches, val_examples
from tradeoff.data.transforms import resize, to_float
from tradeoff.ops.structures import Batch
from tradeoff.recipes.data import Coco, Shapes, Split

OPTIONS: dict[str, Any] = {
    "size": 48,
    "resizer": "keep_aspect",
    "batch_size": 2,
    "first_step": 0,
    "seed": 4,
    "flip": True,
    "workers": 0,
}

EVERYTHING = Augmentation(
    random_crop="ssd",
    expand=3.0,
    brightness=0.125,
    contrast=0.5,
    saturation=0.5,
    hue=0.1,
    crop_ratio=1.3,
    pad_ratio=1.0,
)


def batches(split: Split, count: int, **changes: Any) -> list[Batch]:
    return list(islice(train_batches(split, **(OPTIONS | changes)), count))


def assert_same(one: Batch, other: Batch) -> None:
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.sizes_px, other.sizes_px)
    for mine, theirs in zip(one.targets, other.targets, strict=True):
        assert torch.equal(mine.boxes, theirs.boxes)
        assert torch.equal(mine.labels, theirs.labels)
        assert torch.equal(mine.crowd, theirs.crowd)


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "cores", lambda: 2)


@pytest.mark.parametrize("augmentation", [Augmentation(), EVERYTHING])
def test_a_resumed_training_sees_what_it_would_have_seen(augmentation: Augmentation) -> None:
    split = Shapes().train_split(0)
    whole = batches(split, 5, augmentation=augmentation)
    resumed = batches(split, 2, first_step=3, augmentation=augmentation)
    for one, other in zip(whole[3:], resumed, strict=True):
        assert_same(one, other)


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("augmentation", [Augmentation(), EVERYTHING])
def test_workers_change_nothing_but_speed(tmp_path: Path, augmentation: Augmentation) -> None:
    for split in (Shapes().train_split(0), Coco(root=str(write(tmp_path))).train_split(0)):
        alone = batches(split, 5, augmentation=augmentation)
        for one, other in zip(alone, batches(split, 5, workers=2, augmentation=augmentation), strict=True):
            assert_same(one, other)


def test_augmentation_changes_images_and_their_targets_and_by_default_there_is_none() -> None:
    split = Shapes().train_split(0)
    [plain], [default] = batches(split, 1), batches(split, 1, augmentation=Augmentation())
    [changed] = batches(split, 1, augmentation=EVERYTHING)
    assert_same(plain, default)
    assert not torch.equal(plain.sizes_px, changed.sizes_px)
    for size_px, targets in zip(changed.sizes_px, changed.targets, strict=True):
        assert (targets.boxes <= size_px.flip(0).repeat(2)).all()


def test_the_longer_side_has_the_cap_that_is_given(tmp_path: Path) -> None:
    split = Coco(root=str(write(tmp_path))).train_split(0)
    [free], [capped] = batches(split, 1, batch_size=3), batches(split, 1, batch_size=3, longer_px=54)
    assert sorted(free.sizes_px.tolist()) == [[48, 48], [48, 72], [48, 72]]
    assert sorted(capped.sizes_px.tolist()) == [[36, 54], [36, 54], [48, 48]]  # 2:3 with a longer side of 54


def test_step_s_holds_examples_from_s_times_the_batch_size() -> None:
    split = Shapes().train_split(0)
    [batch] = batches(split, 1, batch_size=3, first_step=5, flip=False)
    dataset = split.build()
    for place, index in enumerate((15, 16, 17)):
        wanted = to_float(resize(dataset.example(index).image, 48, "keep_aspect"))
        assert torch.equal(batch.images[place], wanted)


def test_images_of_unequal_size_are_padded_and_their_targets_lie_in_the_valid_part(tmp_path: Path) -> None:
    [batch] = batches(Coco(root=str(write(tmp_path))).train_split(0), 1, batch_size=3)
    assert batch.images.shape == (3, 3, 48, 72)
    # 20×30 and 40×60 become 48×72, 50×50 becomes 48×48
    assert sorted(batch.sizes_px.tolist()) == [[48, 48], [48, 72], [48, 72]]
    for image, size_px, targets in zip(batch.images, batch.sizes_px, batch.targets, strict=True):
        height, width = map(int, size_px)
        assert image[:, :height, :width].min() > 0
        assert image[:, :, width:].sum() == 0
        assert (targets.boxes <= torch.tensor([width, height, width, height])).all()


def test_half_of_the_images_are_mirrored_by_the_seed_and_none_without_flip() -> None:
    split = Shapes().train_split(0)
    plain = batches(split, 20, flip=False)
    flipped = {seed: batches(split, 20, seed=seed) for seed in (0, 1)}

    def mirrored(seed: int) -> list[bool]:
        pairs = [
            (a, b)
            for one, two in zip(plain, flipped[seed], strict=True)
            for a, b in zip(one.images, two.images, strict=True)
        ]
        assert all(torch.equal(b, a) or torch.equal(b, a.flip(-1)) for a, b in pairs)
        return [not torch.equal(a, b) for a, b in pairs]

    # of 40 fair coins 20 ± 3.2 are heads
    assert 9 < sum(mirrored(0)) < 31
    assert mirrored(0) != mirrored(1)


def test_loading_leaves_the_random_numbers_of_the_training_alone() -> None:
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    batches(Shapes().train_split(0), 1)
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.usefixtures("two_cores")
def test_validation_comes_in_order_and_ends(workers: int) -> None:
    split = Shapes().val_split(7)
    dataset = split.build()
    examples = list(val_examples(split, workers))
    assert [example.image_id for example in examples] == [1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(examples[6].image, dataset.example(6).image)
    assert isinstance(examples[0].boxes, np.ndarray)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_is_named_alike_with_and_without_workers(workers: int, tmp_path: Path) -> None:
    root = write(tmp_path)
    (root / "val2017" / "b.png").write_bytes(b"no image")
    split = Coco(root=str(root)).val_split(None)
    with pytest.raises(DataError) as caught:
        list(val_examples(split, workers))
    assert "\n" not in str(caught.value)
    assert "b.png" in str(caught.value)


def test_more_workers_than_cores_are_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "cores", lambda: 1)
    [batch] = batches(Shapes().train_split(0), 1, workers=64)
    assert batch.images.shape[0] == 2


def test_the_death_of_a_worker_is_told_with_what_to_do() -> None:
    with pytest.raises(WorkerDied, match=r"train\.workers=0"):
        list(loader.load(die_at_two, range(5), workers=1))


def die_at_two(number: int) -> int:
    """End the process without a word, as a kill for memory does."""
    if number == 2:
        import os

        os._exit(9)
    return number


def read_for_ever(started: str) -> None:
    """Read with one worker, and say when there is something to read."""
    stream = train_batches(Shapes().train_split(0), **OPTIONS | {"workers": 1})
    for _ in stream:
        Path(started).touch()


def test_a_killed_reader_leaves_no_worker(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"from tests.data.test_loader import read_for_ever; read_for_ever({str(started)!r})"
    reader = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    until(started.exists, 60)
    pids = family(reader.pid)
    assert len(pids) >= 3  # the reader, its fork server, the worker
    reader.kill()
    reader.wait()
    until(lambda: not any(alive(pid) for pid in pids), 10)
