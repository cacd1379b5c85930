"""Run the cells of one command: stages in child processes, a row for each cell, whatever happens."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradeoff.core import worker
from tradeoff.core.digest import digest
from tradeoff.core.errors import CombinationError, StageFailed, TradeoffError, WorkerDied
from tradeoff.core.machine import Machine, code_version, threads
from tradeoff.core.progress import Progress
from tradeoff.core.store import Context, Store, compute
from tradeoff.recipes.experiment import Experiment, Stages
from tradeoff.recipes.stages import is_doubtful


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a command runs and writes; never part of what a result is."""

    device: str = "auto"
    jobs: int = 1
    results_dir: Path = Path("results")
    table: str = "results"
    again: bool = False

    def shares(self, found: Machine) -> int:
        """Return how many trainings run beside each other: `jobs` on a CPU, one on a GPU."""
        return self.jobs if found.device == "cpu" else 1

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


@dataclass(frozen=True)
class Refusal:
    """The answer of a stage whose parts do not go together, which only building them has shown."""

    reason: str


@dataclass
class Runner:
    """What the cells of one command share: the machine, the store, the stages that cannot be had and those done."""

    places: Places
    machine: Machine
    progress: Progress
    code_version: str = field(default_factory=code_version)
    failed: dict[str, TradeoffError] = field(default_factory=dict)
    computed: set[str] = field(default_factory=set)

    def result(self, stage: Any, label: str, share: int | None = None) -> dict[str, Any]:
        """Return the result of a stage, computed in a child process where it is missing.

        Args:
            stage: the stage.
            label: what the progress display calls it.
            share: cores that the child may use; None is all.

        Raises:
            StageFailed: with the reason, also when it had failed before in this command.
            CombinationError: the same for parts that cannot be built together.
        """
        store, key = Store(self.places.results_dir), f"{stage.NAME} {digest(stage)}"
        found = store.result(stage)
        again = found is not None and self.places.again and is_doubtful(found) and key not in self.computed
        if found is not None and not again:
            return found
        if key in self.failed:
            raise self.failed[key]
        try:
            with self.progress.stage(stage.NAME, label) as report:
                context = Context(store, self.machine.device, share)
                answer: dict[str, Any] | Refusal = worker.call(
                    "tradeoff.runner:attempt", stage, context, again, report=report
                )
        except (StageFailed, WorkerDied) as error:
            self.failed[key] = StageFailed(f"{stage.NAME}: {error}")
            raise self.failed[key] from error
        if isinstance(answer, Refusal):
            self.failed[key] = CombinationError(answer.reason)
            raise self.failed[key]
        self.computed.add(key)
        return answer

    def train_together(self, trainings: dict[str, Any]) -> None:
        """Run trainings, by label, beside each other; one that fails or is refused is remembered."""
        jobs = self.places.shares(self.machine)
        share = max(1, threads() // jobs)

        def train(label: str) -> None:
            with suppress(StageFailed, CombinationError):
                told = self.result(trainings[label], label, share)
                self.progress.line(f"{label}: {told.get('train_steps', 0)} steps in {told.get('train_s', 0):.0f} s")

        pool = ThreadPoolExecutor(jobs)
        try:
            list(pool.map(train, trainings))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def complete(self, stages: Stages, label: str) -> dict[str, Any]:
        """Compute the stages of a cell and return its columns."""
        trained = self.result(stages.train, label)
        scored = {}
        if stages.predict and stages.evaluate:
            self.result(stages.predict, label)
            scored = self.result(stages.evaluate, label)
        return {**trained, **scored, **self.result(stages.measure, label)}

    def row(self, experiment: Experiment, stages: Stages) -> dict[str, Any]:
        """Return the row of a cell: ok, skipped or failed."""
        row = identity(experiment, stages, self.machine) | {"code_version": self.code_version}
        try:
            experiment.check_combination()
            return row | {"status": "ok"} | self.complete(stages, experiment.label())
        except CombinationError as error:
            return row | {"status": "skipped", "reason": str(error)}
        except StageFailed as error:
            return row | {"status": "failed", "reason": str(error)}


def attempt(stage: Any, context: Context, again: bool, report: worker.Report) -> dict[str, Any] | Refusal:
    """Fetch a stage, or say why its parts do not go together; the entry of a child process."""
    try:
        return compute(stage, context, report, again=again)
    except CombinationError as error:
        return Refusal(str(error))


def trainings(cells: Iterable[tuple[Experiment, Stages]]) -> dict[str, Any]:
    """Return the trainings of the cells that can be combined, each once, by the label of its first cell."""
    wanted: dict[str, tuple[str, Any]] = {}
    for experiment, stages in cells:
        with suppress(CombinationError):
            experiment.check_combination()
            wanted.setdefault(digest(stages.train), (experiment.label(), stages.train))
    return {f"{label} ({key[:4]})": stage for key, (label, stage) in wanted.items()}


def identity(experiment: Experiment, stages: Stages, found: Machine) -> dict[str, Any]:
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
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def run_id(stages: Stages) -> str:
    """Return what identifies a row: the digest of its four stage keys."""
    return digest(stages.keys())
