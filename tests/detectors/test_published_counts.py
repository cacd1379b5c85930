"""Multiply-adds and parameters of whole detectors are those of conf/meta_arch/README.md, and so the published."""

import re
from pathlib import Path

import pytest
import torch

from tests.stages.test_train import CPU
from tradeoff.probes.flops import count
from tradeoff.probes.memory import parameters
from tradeoff.run import enumerate_cells
from tradeoff.stages.deploy import on_meta
from tradeoff.stages.network import build

README = Path(__file__).parents[2] / "conf/meta_arch/README.md"
TABLE, NOTES = README.read_text().split("## Published counts")[1].split("- **a**", 1)
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.splitlines() if line.startswith("| `")]
SSD512 = " ".join(re.search(r"SSD512: `(.*?)`", NOTES, re.DOTALL)[1].split())


def words_of(cell):
    """Return the words of the first column, with those of the note for SSD512."""
    return re.match("`(.*?)`", cell)[1].split() + (SSD512.split() if "[1]" in cell else [])


def number(cell):
    """Return a number of the table and half a unit of its last digit."""
    found = re.match(r"\d+\.(\d+)", cell)
    return float(found[0]), 0.5 * 10 ** -len(found[1])


def assert_told(told, published, counted):
    """Compare what is counted, in the unit of the table, with the table, and that with what is published."""
    value, half = number(told)
    assert counted == pytest.approx(value, abs=1.001 * half)
    value, half = number(published)
    assert counted == pytest.approx(value, abs=max(half, 0.03 * value))


def test_the_table_is_read():
    assert len(ROWS) == 16
    assert all(len(row) == 7 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0].strip('`')} {row[1]} {row[6]}")
def test_the_counts_are_those_of_the_table_and_of_the_source(row):
    words, classes, gmacs, published_gmacs, millions, published_millions, _ = row
    ((cell, _),) = enumerate_cells(words_of(words))
    detector = build(cell.stages(CPU).train, int(classes)).eval()
    assert_told(millions, published_millions, parameters(detector) / 1e6)
    assert_told(gmacs, published_gmacs, multiply_adds(detector, cell) / 1e9)


def multiply_adds(detector, cell):
    images = torch.empty(1, 3, cell.size, cell.size, device="meta")
    sizes_px = torch.empty(1, 2, device="meta")
    with torch.inference_mode():
        return count(on_meta(detector).predict, images, sizes_px, cell.inference).macs
