"""Where a training starts when it is given a whole detector: an earlier run, or a file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradeoff.core.digest import file_sha256
from tradeoff.core.errors import ConfigError
from tradeoff.core.files import read_json
from tradeoff.recipes.base import Recipe, option

#: the file that a finished training keeps its detector in
WEIGHTS = "weights.pt"
RUN = "run:"
SHOWN = 4  # runs in a message


@dataclass(frozen=True, kw_only=True)
class Start(Recipe):
    """The file of a detector's weights, known by its content."""

    sha256: str = option("", "of the file's bytes")
    path: str = option("", "of the file", where=True)
    origin: str = option("", "run:ID or file:SHA, for the row", where=True)


def find(weights: str, results_dir: Path) -> Start:
    """Find what `train.weights` names: `run:` and the beginning of a run_id, or the path of a file.

    Raises:
        ConfigError: when there is no such run or file, the run was not trained, or several are meant.
    """
    if weights.startswith(RUN):
        run_id, path = trained_run(weights.removeprefix(RUN), results_dir)
        return Start(sha256=file_sha256(path), path=str(path.absolute()), origin=RUN + run_id)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise fault(weights, "no such file; give a .pt or .safetensors file, or run:ID of a row in results_dir")
    sha256 = file_sha256(path)
    return Start(sha256=sha256, path=str(path.absolute()), origin=f"file:{sha256[:12]}")


def trained_run(prefix: str, results_dir: Path) -> tuple[str, Path]:
    """Return the run_id and the weights of the one training whose rows begin with a prefix.

    Raises:
        ConfigError: when no training is meant, or several are, or its weights are gone.
    """
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        raise fault(RUN + prefix, "expected the beginning of a run_id, digits and a to f")
    rows = [read_json(path) for path in sorted(results_dir.glob(f"rows/*/{prefix}*.json"))]
    trained = {row["train_key"]: row for row in reversed(rows) if row["status"] == "ok" and row["train_steps"]}
    if not rows:
        raise fault(RUN + prefix, f"no such run in {results_dir}; run_id is a column of its tables")
    if not trained:
        raise fault(RUN + prefix, f"was not trained: {told(rows)}; give a run that has train_steps")
    if len(trained) > 1:
        raise fault(RUN + prefix, f"stands for several trainings: {told(trained.values())}; give more of the run_id")
    ((key, row),) = trained.items()
    path = results_dir / "cache" / "train" / key / WEIGHTS
    if not path.is_file():
        raise fault(RUN + prefix, f"{path} is gone; run the command of that row again")
    return row["run_id"], path


def told(rows: Iterable[dict[str, Any]]) -> str:
    """Word some runs."""
    names = [f"{row['run_id']} ({row['label']}, {row['status']})" for row in rows]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def fault(weights: str, reason: str) -> ConfigError:
    """Word what is wrong with the option."""
    return ConfigError(f"train.weights={weights!r}: {reason}")
