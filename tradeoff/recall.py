"""The stages of a run that is there, made again from the words of its row and proved by its keys."""

import re
from pathlib import Path
from typing import Any

from tradeoff.config import AXES
from tradeoff.core.digest import digest
from tradeoff.core.errors import ConfigError
from tradeoff.core.machine import Machine
from tradeoff.core.store import Store
from tradeoff.recipes.experiment import Stages

#: trainings beside each other that are tried, for their number is in the key of one that has a limit in minutes
MOST_JOBS = 64
#: columns without which no stage can be made again
NEEDED = ("train_key", "device", "device_name", "torch_version", "torchvision_version")
#: where a word begins in the column `overrides`, whose values may hold blanks
NEXT_WORD = re.compile(r" (?=[+~]?[a-z_][\w.@/]*=)")


def stages_of(row: dict[str, Any], results_dir: Path) -> Stages:
    """Return the stages of a run, whose detector is in the store.

    Raises:
        ConfigError: when the run has none, its row lacks columns, its weights are gone, or its words mean another
            detector today.
    """
    name = f"{row['run_id']} ({row['label']})"
    if row["status"] != "ok":
        raise ConfigError(f"{name}: {row['status']} ({row['reason']}); give a run that has a detector")
    gone = [column for column in NEEDED if row[column] is None]
    if gone:
        raise ConfigError(f"{name}: its row does not tell {', '.join(gone)}; run its command again")
    stages = rebuilt(row, results_dir)
    if stages is None:
        raise ConfigError(
            f"{name}: its words mean another detector today, for the code, a pair or a file has changed since; "
            "run its command again and compare the new row"
        )
    if Store(results_dir).result(stages.train) is None:
        folder = Store(results_dir).folder(stages.train)
        raise ConfigError(f"{name}: its weights in {folder} are gone or damaged; run its command again")
    return stages


def rebuilt(row: dict[str, Any], results_dir: Path) -> Stages | None:
    """Return the stages that the words of a row mean on the machine of that row; None when their key is another."""
    from tradeoff.run import enumerate_cells

    ((cell, _),) = enumerate_cells([*words(row), f"results_dir={results_dir}"])
    software = (row["torch_version"], row["torchvision_version"], row["driver_version"])
    machine = Machine(row["device"], row["device_name"], *software)
    for jobs in range(1, MOST_JOBS + 1):
        stages: Stages = cell.stages(machine, jobs)
        if digest(stages.train) == row["train_key"]:
            return stages
        if stages.train.machine_name is None:
            break
    return None


def words(row: dict[str, Any]) -> list[str]:
    """Return the words of the command that makes one row."""
    axes = [f"{name}={row[name]}" for name in AXES if row[name] is not None]
    return axes + (NEXT_WORD.split(row["overrides"]) if row["overrides"] else [])
