"""Train: from initial weights to the weights of a cell."""

import math
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.errors import TrainingDiverged
from tradeoff.core.store import Context
from tradeoff.data.augment import Augmentation
from tradeoff.data.loader import train_batches
from tradeoff.extractors.state import listed, not_finite
from tradeoff.ops.structures import Batch
from tradeoff.probes.memory import PeakMemory
from tradeoff.recipes.stages import Train
from tradeoff.recipes.train import Training
from tradeoff.stages.averaging import RunningMean
from tradeoff.stages.network import WEIGHTS, arithmetic, build, decay_batch_norm, freeze_batch_norm, load, save
from tradeoff.stages.optimizers import optimizer
from tradeoff.stages.schedule import rate
from tradeoff.stages.start import begin

CHECKPOINT = ".checkpoint.pt"  # hidden: the store removes it once the stage has finished


def run(stage: Train, folder: Path, context: Context) -> dict[str, Any]:
    """Train from the last checkpoint, or from the start; return the training columns.

    Raises:
        TrainingDiverged: when a loss, or a weight at the end, becomes infinite or NaN.
    """
    if context.threads is not None:
        torch.set_num_threads(context.threads)
    memory = PeakMemory(torch.device(context.device))
    with memory:
        trainer = Trainer(stage, folder, context)
        stopped_by = trainer.train() if stage.training.steps else None
    save(folder / WEIGHTS, {"classes": trainer.classes, "detector": trainer.weights()})
    taken = {"weights_taken": str(trainer.taken)} if trainer.taken else {}
    return taken | (trainer.columns(memory.peak_mb) | {"train_stopped_by": stopped_by} if stopped_by else {})


class Trainer:
    """A training in progress: network, optimiser, the step and the seconds spent."""

    def __init__(self, stage: Train, folder: Path, context: Context) -> None:
        self.stage, self.training, self.context = stage, stage.training, context
        self.checkpoint = folder / CHECKPOINT
        self.classes = len(stage.split.build().classes)
        detector = build(stage, self.classes)
        self.taken = begin(detector, stage.start, folder) if stage.start else None
        self.detector = detector.to(context.device, memory_format=torch.channels_last).train()
        for part in (self.detector.extractor, *([self.detector.head.tail] if stage.meta_arch.TWO_STAGE else [])):
            part.requires_grad_(not self.training.freeze_extractor)
            if frozen(stage):
                freeze_batch_norm(part)
        if self.training.batch_norm_decay is not None:
            decay_batch_norm(self.detector, self.training.batch_norm_decay)
        self.optimizer = optimizer(self.detector, self.training)
        self.precision = precision(self.training, context.device)
        self.scaler = torch.amp.GradScaler(context.device.partition(":")[0], enabled=self.precision == "fp16")
        decay = self.training.ema_decay
        self.mean = None if decay is None else RunningMean(self.detector, decay)
        self.step, self.spent_s, self.losses = 0, 0.0, list[float]()
        if self.checkpoint.exists():
            self.resume()

    def train(self) -> str:
        """Step until the steps or the minutes are over; return which of them ended it."""
        began, saved = time.monotonic() - self.spent_s, time.monotonic()
        batches = self.batches()
        stopped_by = self.stopped_by()
        while not stopped_by:
            self.update(next(batches).to(self.context.device))
            self.spent_s = time.monotonic() - began
            self.context.report(*self.done())
            stopped_by = self.stopped_by()
            if time.monotonic() - saved > self.training.checkpoint_s and not stopped_by:
                self.keep()
                saved = time.monotonic()
        return stopped_by

    def batches(self) -> Iterator[Batch]:
        """Return the stream of batches from the current step on."""
        return train_batches(
            self.stage.split,
            size=self.stage.size,
            resizer=self.stage.resizer,
            longer_px=self.training.longer_side_px,
            batch_size=self.training.batch_size,
            first_step=self.step,
            seed=self.stage.seed,
            flip=self.training.flip,
            augmentation=augmentation(self.training),
            workers=self.training.workers,
        )

    def update(self, batch: Batch) -> None:
        """Take one optimiser step; its randomness depends on the seed and the step alone."""
        torch.manual_seed(self.stage.seed * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.training.learning_rate * rate(self.training, self.step, self.fraction())
        self.optimizer.zero_grad(set_to_none=True)
        with arithmetic(self.precision, self.context.device):
            parts = self.detector.losses(batch)
        loss = torch.stack(list(parts.values())).sum()
        self.watch(loss, parts)
        self.scaler.scale(loss).backward()
        if self.training.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.detector.parameters(), self.training.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        if self.mean:
            self.mean.update(self.detector, self.step)

    def watch(self, loss: Tensor, parts: dict[str, Tensor]) -> None:
        """Keep the loss, and stop a training that has diverged."""
        value = float(loss.detach())
        if not math.isfinite(value):
            told = ", ".join(f"{name}={float(part.detach()):.3g}" for name, part in parts.items())
            raise TrainingDiverged(
                f"step {self.step}: {told}; lower train.learning_rate={self.training.learning_rate}, "
                "or raise train.warmup_steps"
            )
        self.losses = [*self.losses[-49:], value]

    def fraction(self) -> float:
        """Return how far the training is, 0..1: by steps or by minutes, whichever is further."""
        by_steps = self.step / self.training.steps
        by_minutes = self.spent_s / (60 * self.training.minutes) if self.training.minutes else 0.0
        return min(max(by_steps, by_minutes), 1.0)

    def stopped_by(self) -> str:
        """Return what ends the training now: steps, minutes, or nothing."""
        if self.step >= self.training.steps:
            return "steps"
        return "minutes" if self.fraction() >= 1.0 else ""

    def done(self) -> tuple[float, float, str]:
        """Return (done, total, unit) for the progress display."""
        return self.fraction() * self.training.steps, self.training.steps, f"steps, loss {self.losses[-1]:.3f}"

    def keep(self) -> None:
        """Write a checkpoint."""
        state = {
            "step": self.step,
            "spent_s": self.spent_s,
            "losses": self.losses,
            "detector": self.detector.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "mean": self.mean.state if self.mean else None,
        }
        save(self.checkpoint, state)

    def resume(self) -> None:
        """Go on from the checkpoint."""
        state = load(self.checkpoint)
        self.step, self.spent_s, self.losses = state["step"], state["spent_s"], state["losses"]
        self.detector.load_state_dict(state["detector"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.mean:
            self.mean.load(state["mean"])

    def weights(self) -> dict[str, Tensor]:
        """Return the weights that predict: the running mean if there is one, else the last.

        Raises:
            TrainingDiverged: when one is infinite or NaN, as after a last step whose loss nobody computes.
        """
        last: dict[str, Tensor] = self.detector.state_dict()
        chosen = self.mean.state if self.mean else last
        if broken := not_finite(chosen):
            raise TrainingDiverged(
                f"step {self.step}: the weights are not finite, {listed(broken)}; lower "
                f"train.learning_rate={self.training.learning_rate}, or raise train.warmup_steps"
            )
        return chosen

    def columns(self, peak_mb: float | None) -> dict[str, Any]:
        """Return the training columns of a row."""
        images = self.step * self.training.batch_size
        return {
            "train_steps": self.step,
            "train_images": images,
            "train_s": self.spent_s,
            "train_images_per_s": images / self.spent_s,
            "train_peak_memory_mb": peak_mb,
            "final_loss": sum(self.losses) / len(self.losses),
        }


def frozen(stage: Train) -> bool:
    """Tell whether the extractor's batch norm is frozen.

    "auto" freezes it with the extractor, and in two-stage detectors with loaded weights.
    """
    if stage.training.batch_norm != "auto":
        return stage.training.batch_norm == "frozen"
    loaded = stage.start is not None or stage.extractor.origin() != "scratch"
    return stage.training.freeze_extractor or (stage.meta_arch.TWO_STAGE and loaded)


def precision(training: Training, device: str) -> str:
    """Return the arithmetic of training; auto: mixed on a GPU, in bf16 where it has that, and fp32 on a CPU."""
    if training.precision != "auto":
        return training.precision
    if not device.startswith("cuda"):
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def augmentation(training: Training) -> Augmentation:
    """Return what is done to the training images before they are resized."""
    return Augmentation(**{spec.name: getattr(training, spec.name) for spec in fields(Augmentation)})
