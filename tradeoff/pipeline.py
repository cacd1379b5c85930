"""Plan and run a list of experiments: the one page to read to see what happens.

Each cell becomes one row. Stages are computed in child processes and kept by their content: cells that share a
training share its folder, a finished cell is skipped, and one that fails tells its reason and lets the others go on.
"""

import json
import sys
from typing import Any

from tradeoff.core import machine, rows
from tradeoff.core.errors import CombinationError, ConfigError, DataError, StoreError
from tradeoff.core.progress import Progress
from tradeoff.recipes.experiment import Experiment
from tradeoff.recipes.stages import is_doubtful
from tradeoff.runner import Places, Runner, run_id, trainings


def run(experiments: list[Experiment], places: Places) -> int:
    """Run the experiments, write their rows, their table and its figures; return the exit code.

    Raises:
        ConfigError: when no such device or engine of accuracy is there, or the only cell cannot be combined.
        DataError: with every fault of the data, before any work starts.
        StoreError: when the results folder cannot be written.
    """
    found = machine.detect(places.device)
    check(experiments, places)
    planned = [(cell, cell.stages(found, places.shares(found))) for cell in experiments]
    cells = {run_id(stages): (cell, stages) for cell, stages in planned}
    told = [row for row in rows.load(places.rows) if row["status"] == "ok"]
    done = {row["run_id"] for row in told if not (places.again and is_doubtful(row))}
    missing = {key: cell for key, cell in cells.items() if key not in done}
    with Progress(len(missing)) as progress:
        runner = Runner(places, found, progress)
        if places.shares(found) > 1:
            runner.train_together(trainings(missing.values()))
        for experiment, stages in missing.values():
            with progress.cell(experiment.label()):
                rows.save(places.rows, runner.row(experiment, stages))
                rows.merge(places.rows, places.csv)
    rows.merge(places.rows, places.csv)
    return report(places, set(cells))


def check(experiments: list[Experiment], places: Places) -> None:
    """Refuse before any work starts: a single cell that cannot be, data, engines of accuracy, the results folder."""
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
    for metric in {cell.metric for cell in experiments if cell.trained}:
        metric.check_engine()
    try:
        places.rows.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"results_dir={places.results_dir}: cannot be written ({error.strerror})") from error


def report(places: Places, wanted: set[str]) -> int:
    """Print the table, draw the figures that are older than it, end with one line of JSON; return the exit code."""
    from tradeoff.analysis import figures, table  # pandas and matplotlib: only once there is a table

    mine = [row for row in rows.load(places.rows) if row["run_id"] in wanted]
    frame = table.read(places.csv)
    print(table.text(frame[frame["run_id"].isin(wanted)]))
    print(trust(mine), end="")
    drawn = [path for path in sorted(places.figures.glob("*.*")) if path.suffix in (".png", ".svg")]
    if not drawn or min(path.stat().st_mtime for path in drawn) < places.csv.stat().st_mtime:
        drawn = figures.draw(frame, places.figures, tell=lambda text: print(text, file=sys.stderr))
    count = {status: sum(row["status"] == status for row in mine) for status in ("ok", "failed", "skipped")}
    print(json.dumps({"table": str(places.csv), "figures": [str(path) for path in drawn], **count}))
    if count["skipped"] == len(wanted) == 1:
        print(mine[0]["reason"], file=sys.stderr)
        return 2
    return 1 if count["failed"] else 0


def trust(mine: list[dict[str, Any]]) -> str:
    """Say how many rows are not trusted, and what measures them again; nothing where all are."""
    doubted, mendable = [row for row in mine if row["trusted"] is False], [row for row in mine if is_doubtful(row)]
    if not doubted:
        return ""
    told = f"{len(doubted)} of {len(mine)} rows not trusted, `reasons` says why"
    if not mendable:
        return f"{told}.\n"
    return f"{told}; the same command with again=true measures {len(mendable)} of them again.\n"
