"""Every notebook runs on a table, and is kept without its outputs."""

import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from tests.analysis.synthetic import small_study, written

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: what each of them prints on the way
SAID = {
    "choose": "models need at most",
    "study": "26 rows; data coco (5000 images); device NVIDIA H200",
    "zoos": "sets of rows cannot be compared",
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_not_kept(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own libraries
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_its_folder(path, tmp_path, monkeypatch):
    monkeypatch.setenv("TRADEOFF_TABLE", str(written(tmp_path, small_study())))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    told = "".join(output.get("text", "") for output in outputs)
    assert SAID[path.stem] in told
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem != "zoos"], ids=lambda path: path.stem)
def test_a_notebook_of_a_fresh_checkout_reads_the_table_that_is_shipped(path, tmp_path, monkeypatch):
    monkeypatch.delenv("TRADEOFF_TABLE", raising=False)
    measured = tmp_path / "results" / "measured"
    measured.mkdir(parents=True)
    shutil.copy(ROOT / "results" / "measured" / "quickstart_cpu.csv", measured)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    first = next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    found: dict[str, pd.DataFrame] = {}
    exec(first, found)
    assert len(found["frame"]) == 12
    written(tmp_path, small_study()).rename(tmp_path / "results" / "quickstart.csv")
    exec(first, found)
    assert len(found["frame"]) == 26
