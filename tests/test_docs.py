"""The documents tell the truth: links exist, and the words of the README are words."""

import re
import shlex
from pathlib import Path

import pytest

from tradeoff.config import faults
from tradeoff.core import rows
from tradeoff.run import enumerate_cells, read_words

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(ROOT.glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_named_files_exist(document):
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert all((ROOT / link).exists() for link in links), [link for link in links if not (ROOT / link).exists()]


def commands():
    text = (ROOT / "README.md").read_text()
    joined = re.sub(r"\\\n\s*", "", text)
    return re.findall(r"^\s*python -m tradeoff\.run (.+)$", joined, re.MULTILINE)


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_readme_has_good_words(command, tmp_path):
    words = shlex.split(command.partition("#")[0])
    given = [word for word in words if not word.startswith(("data.root=", "extractor.weights=", "train.weights="))]
    read = read_words(given)
    if any(word.startswith("data.root=") for word in words):
        read["data.root"] = [str(tmp_path)]
    assert faults(read) == []
    assert len(commands()) >= 5


def test_the_makefile_has_the_targets_that_the_readme_names():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named <= targets
    assert {"quickstart", "test", "check", "fix", "bench"} <= targets


def test_the_measured_quickstart_is_the_one_that_is_shipped():
    cells = {(cell.label(), " ".join(cell.overrides)) for cell, _ in enumerate_cells(["sweeps=quickstart"])}
    measured = rows.read_csv(ROOT / "results" / "measured" / "quickstart_cpu.csv")
    assert {(row["label"], row["overrides"]) for row in measured} == cells
    (version,) = {row["code_version"] for row in measured}
    assert "dirty" not in version
