"""The floors hold, and files stay small enough to read."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    sorted(ROOT.glob("tradeoff/**/*.py")) + sorted(ROOT.glob("tests/**/*.py")) + sorted(ROOT.glob("benchmarks/*.py"))
)


def test_each_floor_imports_from_below_only():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "0 broken" in ended.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_long_or_named_utils(path):
    assert len(path.read_text().splitlines()) <= 300
    assert path.stem not in ("utils", "util", "misc", "helpers")


@pytest.mark.parametrize("path", sorted(ROOT.glob("tradeoff/**/__init__.py")), ids=lambda path: path.parent.name)
def test_packages_hold_a_docstring_and_nothing_else(path):
    body = ast.parse(path.read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_planning_needs_no_torch():
    code = (
        "import sys, tradeoff.run, tradeoff.pipeline, tradeoff.recipes.experiment; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
