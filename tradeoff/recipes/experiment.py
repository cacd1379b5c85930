"""One cell of a study: what is asked for, and the stages that answer it."""

from dataclasses import dataclass, field, replace
from typing import Any

from tradeoff.core.digest import digest, file_sha256
from tradeoff.core.errors import CombinationError
from tradeoff.core.machine import Machine
from tradeoff.recipes.data import Data
from tradeoff.recipes.extractors import Extractor
from tradeoff.recipes.inference import Inference
from tradeoff.recipes.meta_arch import MetaArch
from tradeoff.recipes.metric import Metric
from tradeoff.recipes.stages import Evaluate, Measure, Predict, Train
from tradeoff.recipes.start import Start
from tradeoff.recipes.train import Measuring, Scoring, Training


@dataclass(frozen=True, kw_only=True)
class Names:
    """The words by which the parts of a cell were chosen."""

    meta_arch: str
    extractor: str
    data: str
    train: str


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The stages of a cell on a machine; a cell that is not trained is not scored."""

    train: Train
    predict: Predict | None
    evaluate: Evaluate | None
    measure: Measure

    def keys(self) -> dict[str, str | None]:
        """Return the key of each stage, by the name of its column."""
        stages = {"train": self.train, "predict": self.predict, "evaluate": self.evaluate, "measure": self.measure}
        return {f"{name}_key": digest(stage) if stage else None for name, stage in stages.items()}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One cell: its parts, its words, and the overrides that are no axis."""

    extractor: Extractor
    meta_arch: MetaArch
    data: Data
    training: Training
    inference: Inference
    scoring: Scoring
    measuring: Measuring
    size: int
    stride: int | None
    seed: int
    batch_size: int
    names: Names
    overrides: tuple[str, ...] = ()
    metric: Metric = field(default_factory=Metric)
    start: Start | None = None

    @property
    def trained(self) -> bool:
        """Whether there is a training, and so a score."""
        return self.training.steps > 0

    def check_combination(self) -> None:
        """Refuse parts that do not go together.

        Raises:
            CombinationError: with the reason.
        """
        if self.stride is not None:
            self.extractor.check_stride(self.stride)
        self.extractor.check_meta_arch(self.meta_arch)
        self.extractor.check_origin()
        self.meta_arch.check_parts(
            size=self.size,
            level_strides=self.extractor.ssd_strides,
            batch_size=self.training.batch_size if self.trained else None,
        )
        if self.training.freeze_extractor and self.extractor.origin() == "scratch" and self.start is None:
            raise CombinationError(
                "train.freeze_extractor=true: there are no weights to keep; give extractor.weights"
            )
        self.check_resizer()
        self.check_words()

    def check_words(self) -> None:
        """Refuse an option of training or timing that was given by hand and has no meaning beside the others.

        Raises:
            CombinationError: with the reason.
        """
        given = [word.partition("=")[0].lstrip("+") for word in self.overrides]
        for head, recipe in (("train.", self.training), ("measure.", self.measuring)):
            own = [name.removeprefix(head) for name in given if name.startswith(head)]
            for fault in filter(None, map(recipe.meaningless, own)):
                raise CombinationError(f"{head}{fault}")

    def check_resizer(self) -> None:
        """Refuse images that the detector cannot take.

        Raises:
            CombinationError: with the reason.
        """
        resizer, longer_px = self.training.resizer, self.training.longer_side_px
        if resizer == "keep_aspect" and not self.meta_arch.TWO_STAGE:
            raise CombinationError("train.resizer=keep_aspect: the anchors of SSD are laid out for size × size")
        if longer_px is not None and longer_px < self.size:
            raise CombinationError(f"train.longer_side_px={longer_px}: less than the shorter side, size={self.size}")

    def stages(self, machine: Machine, jobs: int = 1) -> Stages:
        """Return what has to be computed for this cell on a machine, where `jobs` trainings share it."""
        timed = self.training.minutes is not None and self.trained
        train = Train(
            extractor=self.extractor.meaningful_for(self.meta_arch),
            meta_arch=self.meta_arch,
            split=self.data.train_split(self.seed),
            size=self.size,
            stride=self.stride,
            training=self.effective_training(),
            seed=self.seed,
            machine_name=(machine.device_name + (f", 1 of {jobs} jobs" if jobs > 1 else "")) if timed else None,
            start=self.start,
        )
        inference = self.inference.meaningful_on(machine.device.partition(":")[0])
        scored = self.data.val_split(self.scoring.images)
        predict = Predict(train=train, inference=inference, split=scored) if self.trained else None
        return Stages(
            train=train,
            predict=predict,
            evaluate=Evaluate(predict=predict, metric=self.metric) if predict else None,
            measure=Measure(
                train=train,
                inference=inference,
                split=self.data.val_split(self.measuring.images),
                batch_size=self.batch_size,
                measuring=self.measuring.meaningful(),
                machine=replace(machine, device=machine.device.partition(":")[0]),
                predict=predict,
            ),
        )

    def effective_training(self) -> Training:
        """Return the recipe with what it has no use for at its default, so that such words make no other training."""
        recipe, default = self.training.meaningful(), Training()
        if self.meta_arch.RESIZER == "fixed" and recipe.resizer == "auto":
            recipe = replace(recipe, longer_side_px=None)
        if not self.trained:
            return Training(steps=0, resizer=recipe.resizer, longer_side_px=recipe.longer_side_px)
        if not self.meta_arch.TWO_STAGE:
            recipe = replace(recipe, proposals=default.proposals, append_ground_truth=default.append_ground_truth)
        return recipe

    def label(self) -> str:
        """Return what a plot prints, such as "Faster R-CNN ResNet-101 600 px, 100 proposals"."""
        meta_arch = self.meta_arch.title or self.names.meta_arch
        parts = [meta_arch, *self.given("meta_arch.")]
        parts += [self.extractor.title or self.names.extractor, *self.given("extractor."), f"{self.size} px"]
        if self.stride not in (None, 16):
            parts.append(f"stride {self.stride}")
        if self.inference.proposals is not None:
            parts.append(f"{self.inference.proposals} prop.")
        if self.batch_size > 1:
            parts.append(f"batch {self.batch_size}")
        return " ".join(parts)

    def given(self, head: str) -> list[str]:
        """Return the options below a word that were given by hand and make a detector look other in a figure."""
        own = [word.removeprefix(head) for word in self.overrides if word.startswith(head)]
        return [option for option in own if option.partition("=")[0] not in ("weights", "pretrained", "title")]

    def words(self) -> dict[str, Any]:
        """Return the columns of a row that tell what was asked for."""
        return {
            "label": self.label(),
            "meta_arch": self.names.meta_arch,
            "extractor": self.names.extractor,
            "size": self.size,
            "stride": self.stride,
            "proposals": self.inference.proposals,
            "data": self.names.data,
            "train": self.names.train,
            "seed": self.seed,
            "precision": self.inference.precision,
            "batch_size": self.batch_size,
            "overrides": " ".join(self.overrides),
            "weights": self.weights(),
        }

    def weights(self) -> str:
        """Name the origin of the weights; untrained ones from scratch are random."""
        if self.start is not None:
            return self.start.origin
        origin, path = self.extractor.origin(), self.extractor.weights_path()
        if origin == "file" and path is not None:
            return f"file:{file_sha256(path)[:12]}"
        return "random" if origin == "scratch" and not self.trained else origin
