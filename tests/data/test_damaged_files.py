"""Whatever is done to an annotation file, there is a valid set or one typed error that names the files."""

import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.data.mutations import damaged, good_sets
from tradeoff.core.errors import DataError
from tradeoff.data.__main__ import main
from tradeoff.data.coco import CocoDataset
from tradeoff.recipes.data import Annotated

#: s of the processor; the slowest takes a few hundredths, and a set that hangs meets the timeout of the tests
LIMIT_S = 5.0
#: how annotations that are not there are told
MISSING = re.compile(r"(\.json|\.csv|\.txt): cannot be read \(No such file or directory\)$")


def assert_is_valid(data: Annotated) -> None:
    """Every example of both splits can be had, and has numbers that a network and an evaluator can take."""
    for split in (data.train_split(0), data.val_split(None)):
        dataset: CocoDataset = split.build()
        for example in map(dataset.example, range(len(dataset))):
            assert np.isfinite(example.boxes).all()
            assert (example.boxes[:, 2:] > example.boxes[:, :2]).all()
            assert ((example.labels >= 0) & (example.labels < len(dataset.classes))).all()
    assert all(entry["area"] >= 0 for entry in dataset.ground_truth()["annotations"])


def assert_command_agrees(folder: Path, told: list[str]) -> None:
    """The command that checks a set finds faults where the set is refused, but for a missing part, which it skips."""
    code = main(["check", str(folder)])
    assert code == bool(told) or (code == 0 and all(map(MISSING.search, told))), told


def refusal(data: Annotated, folder: Path) -> list[str]:
    """Return the lines with which a set is refused, if it is; each names a file and says what is wrong."""
    try:
        data.check()
    except DataError as error:
        told = [line for line in str(error).splitlines() if not line.startswith("... and ")]
        assert told
        assert all(line.startswith(f"{folder}/") and ": " in line for line in told), told
        return told
    return []


def search(seeds: range, tmp_path: Path) -> tuple[int, int]:
    """Return how many of the damaged sets are refused and how many are still valid."""
    good, counts = good_sets(tmp_path / "good"), [0, 0]
    for seed in seeds:
        folder = tmp_path / f"set{seed}"
        data, start = damaged(seed, folder, good), time.process_time()
        told = refusal(data, folder)
        if not told:
            assert_is_valid(data)
        assert_command_agrees(folder, told)
        assert time.process_time() - start < LIMIT_S, seed
        counts[not told] += 1
        shutil.rmtree(folder)
    return counts[0], counts[1]


def test_damaged_sets_are_refused_or_valid(tmp_path: Path) -> None:
    bad, valid = search(range(300), tmp_path)
    assert bad > 100
    assert valid > 10


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_damaged_sets_are_refused_or_valid(tmp_path: Path) -> None:
    bad, valid = search(range(1_000, 11_000), tmp_path)
    assert bad > 2_500
    assert valid > 500
