"""Plan and run a list of experiments: the one page to read to see what happens.

Each cell becomes one row. Stages are computed in child processes and kept by their content: cells that share a
training share its folder, a finished cell is skipped, and one that fails tells its reason and lets the others go on.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradeoff.core import machine, rows, worker
from tradeoff.core.digest import digest
from tradeoff.core.errors import CombinationError, ConfigError, DataError, StageFailed, StoreError, WorkerDied
from tradeoff.core.progress import Progress
from tradeoff.core.store import Context, Store
from tradeoff.recipes.experiment import Experiment, Stages


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a command runs and writes; never part of what a result is."""

    device: str = "auto"
    jobs: int = 1
    results_dir: Path = Path("results")
    table: str = "results"

    @property
    def rows(self) -> Path:
        """The folder of the rows, the source of the table."""
        return self.results_dir / "rows" / self.table

    @property
    def csv(self) -> Path:
        """The table."""
        return self.results_dir / f"{self.table}.csv"

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.results_dir / "figures" / self.table


@dataclass
class Runner:
    """What the cells of one command share: the machine, the store, and the stages that have failed."""

    places: Places
    machine: machine.Machine
    progress: Progress
    failed: dict[str, str] = field(default_factory=dict)

    def result(self, stage: Any, threads: int | None = None) -> dict[str, Any]:
        """Return the result of a stage, computed in a child process where it is missing.

        Args:
            stage: the stage.
            threads: cores that the child may use; None is all.

        Raises:
            StageFailed: with the reason, also when it had failed before in this command.
        """
        store, key = Store(self.places.results_dir), f"{stage.NAME} {digest(stage)}"
        found = store.result(stage)
        if found is not None:
            return found
        if key in self.failed:
            raise StageFailed(self.failed[key])
        try:
            with self.progress.stage(stage.NAME) as report:
                context = Context(store, self.machine.device, threads)
                answer: dict[str, Any] = worker.call("tradeoff.core.store:compute", stage, context, report=report)
                return answer
        except (StageFailed, WorkerDied) as error:
            self.failed[key] = f"{stage.NAME}: {error}"
            raise StageFailed(self.failed[key]) from error

    def train_together(self, trainings: list[Any]) -> None:
        """Run trainings beside each other, each on its share of the cores; one that fails is remembered as failed."""
        share = max(1, machine.threads() // self.places.jobs)

        def attempt(stage: Any) -> None:
            with suppress(StageFailed):
                self.result(stage, share)

        pool = ThreadPoolExecutor(self.places.jobs)
        try:
            list(pool.map(attempt, trainings))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def complete(self, experiment: Experiment, stages: Stages) -> dict[str, Any]:
        """Compute the stages of a cell and return its columns."""
        trained = self.result(stages.train)
        scored = {}
        if stages.predict and stages.evaluate:
            self.result(stages.predict)
            scored = self.result(stages.evaluate)
        return {**trained, **scored, **self.result(stages.measure)}

    def row(self, experiment: Experiment, stages: Stages) -> dict[str, Any]:
        """Return the row of a cell: ok, skipped or failed."""
        row = identity(experiment, stages, self.machine)
        try:
            experiment.check_combination()
            return row | {"status": "ok"} | self.complete(experiment, stages)
        except CombinationError as error:
            return row | {"status": "skipped", "reason": str(error)}
        except StageFailed as error:
            return row | {"status": "failed", "reason": str(error)}


def run(experiments: list[Experiment], places: Places) -> int:
    """Run the experiments, write their rows, their table and its figures; return the exit code.

    Raises:
        ConfigError: when no such device is there, or the only cell cannot be combined.
        DataError: with every fault of the data, before any work starts.
        StoreError: when the results folder cannot be written.
    """
    found = machine.detect(places.device)
    check(experiments, places)
    cells = {run_id(stages): (cell, stages) for cell in experiments if (stages := cell.stages(found))}
    done = {row["run_id"]: row for row in rows.load(places.rows) if row["status"] in ("ok", "skipped")}
    missing = {key: cell for key, cell in cells.items() if key not in done}
    with Progress(len(missing)) as progress:
        runner = Runner(places, found, progress)
        if places.jobs > 1:
            runner.train_together(trainings(missing.values()))
        for experiment, stages in missing.values():
            with progress.cell(experiment.label()):
                rows.save(places.rows, runner.row(experiment, stages))
                rows.merge(places.rows, places.csv)
    return report(places, set(cells), bool(missing))


def trainings(cells: Iterable[tuple[Experiment, Stages]]) -> list[Any]:
    """Return the trainings of the cells that can be combined, each once."""
    wanted = {}
    for experiment, stages in cells:
        with suppress(CombinationError):
            experiment.check_combination()
            wanted[digest(stages.train)] = stages.train
    return list(wanted.values())


def check(experiments: list[Experiment], places: Places) -> None:
    """Refuse before any work starts: the data of all cells, the results folder, and a single cell that cannot be."""
    if len(experiments) == 1:
        try:
            experiments[0].check_combination()
        except CombinationError as error:
            raise ConfigError(str(error)) from None
    faults = []
    for data in dict.fromkeys(cell.data for cell in experiments):
        try:
            data.check()
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults))
    try:
        places.rows.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"results_dir={places.results_dir}: cannot be written ({error.strerror})") from error


def identity(experiment: Experiment, stages: Stages, found: machine.Machine) -> dict[str, Any]:
    """Return the columns that a row has before anything is computed."""
    return {
        "run_id": run_id(stages),
        **experiment.words(),
        **stages.keys(),
        "device": found.device.partition(":")[0],
        "device_name": found.device_name,
        "torch_version": found.torch_version,
        "torchvision_version": found.torchvision_version,
        "driver_version": found.driver_version,
        "code_version": machine.code_version(),
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def run_id(stages: Stages) -> str:
    """Return what identifies a row: the digest of its four stage keys."""
    return digest(stages.keys())


def report(places: Places, wanted: set[str], changed: bool) -> int:
    """Print the table, draw the figures where something changed, end with one line of JSON; return the exit code."""
    from tradeoff.analysis import figures, table  # pandas and matplotlib: only once there is a table

    mine = [row for row in rows.load(places.rows) if row["run_id"] in wanted]
    frame = table.read(places.csv)
    print(table.text(frame[frame["run_id"].isin(wanted)]))
    drawn = sorted(places.figures.glob("*.*"))
    if changed or not drawn:
        drawn = figures.draw(frame, places.figures)
    count = {status: sum(row["status"] == status for row in mine) for status in ("ok", "failed", "skipped")}
    print(json.dumps({"table": str(places.csv), "figures": [str(path) for path in drawn], **count}))
    return 1 if count["failed"] else 0
