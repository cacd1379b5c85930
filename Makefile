# Every target makes the virtual environment by itself when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCHMARKS := postprocessing convolutions detectors accuracy frontier check report timing paired

.PHONY: quickstart test test-all check fix bench warmstart clean

quickstart: $(READY)  ## run the main job on the built-in data set: results/quickstart.csv and its figures
	$(BIN)/python -m tradeoff.run sweeps=quickstart

test: $(READY)  ## all tests that need neither a GPU nor much time
	$(BIN)/python -m pytest -n auto --dist worksteal

test-all: $(READY)  ## the slow tests as well
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not gpu and not slurm and not browser"

check: $(READY)  ## lint, format, spelling, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(READY)  ## mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## speed against its bars, most of it as ratios measured side by side; fails at the end where one is missed
	@failed=0; for name in $(BENCHMARKS); do echo "benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py || failed=1; done; exit $$failed

warmstart: $(READY)  ## train the extractor weights that are shipped for shapes (about three hours on 2 cores)
	for width in 0.25 0.5; do $(BIN)/python -m tradeoff.weights extractor=mobilenet extractor.width=$$width; done

clean:  ## remove the environment and all results that are not kept in git
	rm -rf $(VENV) results/*.csv results/cache results/rows results/figures

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f'Python 3.11 or later is needed, this is {v.major}.{v.minor}: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
