"""What can be asked for as `train=`: how to train, how much to score and how long to time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tradeoff.core.errors import ConfigError
from tradeoff.recipes.base import Recipe, option, spelled


@dataclass(frozen=True, kw_only=True)
class Training(Recipe):
    """A training: optimiser, schedule and limits. With `steps=0` nothing is trained.

    A pair of meta-architecture and extractor may bring options that another word leaves without a meaning, such as
    drops without a schedule of steps. They stay out of the key (`meaningful`); given by hand they are refused
    (`Experiment.check_words`).
    """

    MEANT_FOR: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {
        "momentum": ("optimizer", ("sgd", "rmsprop")),
        "drop_steps": ("schedule", ("steps",)),
        "drop_factor": ("schedule", ("steps",)),
        "decay_steps": ("schedule", ("exponential",)),
        "decay_factor": ("schedule", ("exponential",)),
        "staircase": ("schedule", ("exponential",)),
        "batch_norm_decay": ("batch_norm", ("auto", "train")),
        "longer_side_px": ("resizer", ("auto", "keep_aspect")),
    }

    steps: int = option(2000, "optimiser steps; 0 leaves the weights as they are initialised", low=0)
    minutes: float | None = option(None, "wall clock of training, resumes included; null is no limit", low=0.001)
    batch_size: int = option(8, "images per step", low=1, high=4096)
    optimizer: Literal["sgd", "rmsprop", "adamw"] = option("sgd", "optimiser")
    learning_rate: float = option(1e-3, "peak learning rate", low=0)
    momentum: float = option(0.9, "momentum of sgd and rmsprop", low=0, high=1)
    weight_decay: float = option(0.0, "L2 for sgd and rmsprop, decoupled for adamw", low=0)
    clip_norm: float | None = option(10.0, "largest norm of the gradient; null is no limit", low=1e-6)
    warmup_steps: int = option(0, "steps of warm-up", low=0)
    warmup_factors: tuple[float, ...] = option(
        (), "of the rate, in equal parts of the warm-up; empty is linear", low=0, high=1
    )
    schedule: Literal["constant", "cosine", "steps", "exponential"] = option(
        "constant", "how the learning rate falls"
    )
    drop_steps: tuple[int, ...] = option((), "steps at which the rate falls, for schedule=steps", low=0)
    drop_factor: float = option(0.1, "what the rate is multiplied by at a drop", low=0, high=1)
    decay_steps: int = option(800_000, "steps in which the rate falls once, for schedule=exponential", low=1)
    decay_factor: float = option(0.95, "what the rate is multiplied by every decay_steps", low=0, high=1)
    staircase: bool = option(True, "the rate falls at the end of every decay_steps, not all along")
    ema_decay: float | None = option(
        None, "of the running mean of the weights, which then is what predicts; null is none", low=0, high=0.999999
    )
    proposals: int = option(300, "regions per image in training, for two-stage detectors", low=1, high=5000)
    append_ground_truth: bool = option(False, "add the objects to these regions; the TF OD API does not")
    flip: bool = option(True, "horizontal flips, half of the images")
    random_crop: Literal["none", "ssd", "ssd_api"] = option(
        "none", "crops by overlap with the objects: Liu et al. 2016, section 2.2, or the TF OD API's ssd_random_crop"
    )
    expand: float = option(
        1.0,
        "largest canvas that half of the images are put on, as a multiple of their sides; 1 is none",
        low=1,
        high=10,
    )
    brightness: float = option(0.0, "largest change of half of the images, as a fraction of white", low=0, high=1)
    contrast: float = option(0.0, "largest relative change of half of the images", low=0, high=1)
    saturation: float = option(0.0, "largest relative change of half of the images", low=0, high=1)
    hue: float = option(0.0, "largest change of half of the images, as a fraction of the circle", low=0, high=0.5)
    crop_ratio: float | None = option(
        None, "crop all images to this width / height, somewhere; null is none", low=0.1, high=10
    )
    pad_ratio: float | None = option(None, "pad all images to this width / height; null is none", low=0.1, high=10)
    resizer: Literal["auto", "fixed", "keep_aspect"] = option(
        "auto", "to size × size, or the shorter side to size, also when scored and timed; auto is the detector's own"
    )
    longer_side_px: int | None = option(
        None, "cap on the longer side, for keep_aspect; null is size × 1024/600", low=32, high=16384
    )
    weights: str | None = option(
        None, "start the whole detector from `run:ID` of results_dir or from a file; null is not to", where=True
    )
    batch_norm: Literal["auto", "frozen", "train"] = option("auto", "statistics of the extractor's batch norm")
    batch_norm_decay: float | None = option(
        None, "of the moving mean and variance of every batch norm; null is torch's 0.9", low=0, high=1
    )
    freeze_extractor: bool = option(
        False, "keep the extractor and the second stage's tail as loaded; heads learn alone"
    )
    precision: Literal["auto", "fp32", "tf32", "fp16", "bf16"] = option(
        "fp32", "arithmetic of training, mixed for fp16 and bf16; auto is mixed on a GPU and fp32 on a CPU"
    )
    workers: int = option(1, "processes that load images", low=0, high=64, where=True)
    checkpoint_s: float = option(60.0, "seconds between checkpoints", low=0, where=True)

    @property
    def VERSION(self) -> int:  # type: ignore[override]  # noqa: N802
        """What enters the key. 2: TensorFlow's RMSProp, crops that keep crowds, the API's windows and its canvas."""
        framed = self.random_crop != "none" or self.crop_ratio is not None or self.pad_ratio is not None
        return 2 if framed or self.optimizer == "rmsprop" else 1

    def check_schedule(self) -> None:
        """Refuse a schedule without what it needs, once all words are known: drops may come from another one.

        Raises:
            ConfigError: with the word that is lacking.
        """
        if self.schedule == "steps" and not self.drop_steps:
            raise ConfigError(
                "train.schedule=steps: expected train.drop_steps, such as [1000, 1500]; or take schedule=constant"
            )

    def meaningless(self, name: str) -> str | None:
        """Return the fault of an option that is given though another one takes its meaning, else None."""
        if name == "warmup_factors" and self.warmup_factors and not self.warmup_steps:
            return f"{name}={spelled(self.warmup_factors)}: has no meaning with warmup_steps=0; give warmup_steps"
        return super().meaningless(name)


@dataclass(frozen=True, kw_only=True)
class Scoring(Recipe):
    """How much is scored."""

    images: int | None = option(None, "validation images that are scored; null is all", low=1)


@dataclass(frozen=True, kw_only=True)
class Measuring(Recipe):
    """How a cell is timed.

    Sustained calls follow each other; a burst call meets a machine that has just rested, as a camera's frame does.
    The two are different quantities: clocks fall in a pause and rise under load.
    """

    MEANT_FOR: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {"gap_ms": ("mode", ("burst",))}

    mode: Literal["sustained", "burst"] = option("sustained", "calls back to back, or each after a gap")
    gap_ms: float = option(200.0, "idle time before each call of mode=burst; 200 as rf-detr", low=0.0, high=60_000.0)
    images: int = option(64, "validation images that are timed in turn", low=1)
    max_s: float = option(60.0, "seconds of timing; warm-up may take half as long again", low=0.1)
    min_samples: int = option(64, "fewest timed calls, if time allows", low=1)
    warmup_s: float = option(0.5, "shortest warm-up, seconds", low=0)
    precision_pct: float = option(1.0, "half-width of the median's 95 % interval at which timing stops", low=0.01)
    energy_trials: int = option(0, "windows of energy, where there is a sensor; 0 measures none", low=0, high=100)
    energy_s: float = option(5.0, "shortest window of energy, seconds; two more go to rest", low=1)
    fit: bool = option(False, "find the smallest memory that a call runs in, and the largest batch; on a GPU")

    def meaningless(self, name: str) -> str | None:
        """Return the fault of an option that is given though another one takes its meaning, else None."""
        given = self.energy_s != type(self).energy_s
        if name == "energy_s" and given and not self.energy_trials:
            return f"energy_s={spelled(self.energy_s)}: has no meaning with energy_trials=0; give energy_trials"
        return super().meaningless(name)
