"""The wheel carries all that the command needs, and works from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow  # builds in an environment of its own, which needs a package index
def test_the_wheel_plans_a_study_from_any_folder(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere.mkdir()
    for folder in ("conf", "sweeps"):
        carried = {path.relative_to(site / "tradeoff") for path in (site / "tradeoff" / folder).rglob("*.yaml")}
        assert carried == {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.yaml")}
    words = [sys.executable, "-m", "tradeoff.run", "sweeps=quickstart", "sizee=300"]
    found = subprocess.run(
        words, cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert "sizee" in found.stderr
    where = [sys.executable, "-c", "import tradeoff.config; print(tradeoff.config.home())"]
    told = subprocess.run(
        where, cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )
    assert Path(told.stdout.strip()) == site / "tradeoff"
