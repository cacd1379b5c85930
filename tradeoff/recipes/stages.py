"""The four cached computations of a cell, and one of the machine: what each depends on is its key.

`Inference` is a slot of its own, so a sweep over proposals cannot retrain; the batch size and the machine enter the
key of Measure only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from tradeoff.core.machine import Machine
from tradeoff.core.store import Context
from tradeoff.recipes.base import locate
from tradeoff.recipes.data import Split
from tradeoff.recipes.extractors import Extractor
from tradeoff.recipes.inference import Inference
from tradeoff.recipes.meta_arch import MetaArch
from tradeoff.recipes.metric import Metric
from tradeoff.recipes.start import Start
from tradeoff.recipes.train import Measuring, Training

UNTRAINED = "the weights were not trained, so post-processing meets scores that no trained detector gives"


@dataclass(frozen=True, kw_only=True)
class Computation:
    """A stage whose work is done by the module of the same name in `tradeoff.stages`."""

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1

    def run(self, folder: Path, context: Context) -> dict[str, Any]:
        """Do the work in this process, which then has torch imported."""
        result: dict[str, Any] = locate(f"tradeoff.stages.{self.NAME}:run")(self, folder, context)
        return result


@dataclass(frozen=True, kw_only=True)
class Train(Computation):
    """Weights and the history of their training.

    machine_name: the device's name when the training has a limit in minutes, for it then is a fact of its machine.
    start: the detector that it starts from, if any.
    """

    NAME: ClassVar[str] = "train"

    extractor: Extractor
    meta_arch: MetaArch
    split: Split
    size: int
    stride: int | None
    training: Training
    seed: int
    machine_name: str | None = None
    start: Start | None = None

    @property
    def resizer(self) -> Literal["fixed", "keep_aspect"]:
        """How images are resized, in training and after it."""
        return self.meta_arch.RESIZER if self.training.resizer == "auto" else self.training.resizer


@dataclass(frozen=True, kw_only=True)
class Predict(Computation):
    """Detections on the validation images."""

    NAME: ClassVar[str] = "predict"
    VERSION: ClassVar[int] = 3  # 2: batch norm is folded; 3: convolutions by Winograd on a CPU

    train: Train
    inference: Inference
    split: Split


@dataclass(frozen=True, kw_only=True)
class Evaluate(Computation):
    """Accuracy of saved detections."""

    NAME: ClassVar[str] = "evaluate"
    #: 2: VOC, Open Images, at a score, curves; 3: what errors cost; 4: intervals, matches; 5: both of own sizes
    VERSION: ClassVar[int] = 5

    predict: Predict
    metric: Metric = field(default_factory=Metric)


@dataclass(frozen=True, kw_only=True)
class Measure(Computation):
    """Time, memory and arithmetic of the trained detector on one machine.

    predict: what was scored, with which outputs of the timed run are compared; None where nothing is scored.
    """

    NAME: ClassVar[str] = "measure"
    #: 2: torch's own memory is not the detector's; 3: batch norm is folded; 4: Winograd on a CPU, each cost by itself
    #: 5: criteria that were not met, percentiles of calls that are alike, the state of a GPU judged anew
    VERSION: ClassVar[int] = 5

    train: Train
    inference: Inference
    split: Split
    batch_size: int
    measuring: Measuring
    machine: Machine
    predict: Predict | None = None


def is_doubtful(told: Mapping[str, Any]) -> bool:
    """Tell of a row, or of what Measure returned, that measuring again may mend it: more than training is missing."""
    return told.get("trusted") is False and told.get("reasons") != UNTRAINED


@dataclass(frozen=True, kw_only=True)
class Peak(Computation):
    """The rates of arithmetic and of memory that a machine reaches at its best, for the bound of every time on it."""

    NAME: ClassVar[str] = "peak"

    machine: Machine
    precision: str


@dataclass(frozen=True, kw_only=True)
class Reference(Computation):
    """The time that a machine takes for a fixed piece of work, which the drift of its rows is told from."""

    NAME: ClassVar[str] = "reference"
    VERSION: ClassVar[int] = 2  # 2: the median of readings as a row takes them, not the best of all takes

    machine: Machine
