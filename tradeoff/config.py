"""From words to experiments: with run.py, all there is of Hydra.

Hydra composes the yaml files of `conf/` and `sweeps/` and enumerates the cells; `realize` turns one composed
configuration into a frozen Experiment. Before Hydra composes anything, `faults` reads every word of the command once
and tells all that is wrong with them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import yaml

from tradeoff.core.errors import ConfigError
from tradeoff.core.machine import check_word
from tradeoff.recipes.base import Recipe, locate, option, unknown
from tradeoff.recipes.experiment import Experiment, Names
from tradeoff.recipes.inference import Inference
from tradeoff.recipes.metric import Metric
from tradeoff.recipes.start import find
from tradeoff.recipes.train import Measuring, Scoring, Training

GROUPS = ("meta_arch", "extractor", "data", "train")
AXES = ("meta_arch", "extractor", "size", "stride", "proposals", "data", "train", "seed", "precision", "batch_size")
PLACES = ("device", "jobs", "results_dir", "table", "again", "sweeps", "pair")
NODES: dict[str, type[Recipe]] = {
    "inference": Inference,
    "evaluate": Scoring,
    "metric": Metric,
    "measure": Measuring,
}


@dataclass(frozen=True, kw_only=True)
class Words(Recipe):
    """The plain words of the command line that are no group."""

    size: int = option(300, "px; two-stage: shorter side; SSD: both sides", low=32, high=4096)
    stride: Literal[8, 16] = option(16, "px, of the two-stage feature map")
    proposals: int = option(300, "regions at test time", low=1, high=5000)
    seed: int = option(0, "of initialisation and of the training stream", low=0, high=2**32 - 1)
    device: str = option("auto", "auto, cpu, cuda or cuda:N")
    precision: Literal["fp32", "tf32", "fp16", "bf16"] = option("fp32", "arithmetic of inference")
    batch_size: int = option(1, "images at a time when timing", low=1, high=4096)
    jobs: int = option(1, "trainings beside each other on a CPU, each on its share of the cores", low=1, high=256)
    results_dir: str = option("results", "folder of everything that is written")
    table: str = option("results", "name of the table below results_dir")
    again: bool = option(False, "measure again the cells whose measurement is not trusted")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word(self.device)
        if not self.results_dir.strip():
            raise ConfigError("results_dir='': expected a folder")
        if not self.table.replace("-", "").replace("_", "").isalnum():
            raise ConfigError(f"table={self.table!r}: expected a name of letters, digits, - and _")


def home() -> Path:
    """Return the folder that holds conf/ and sweeps/: the package's where it was installed, else the checkout."""
    package = Path(__file__).parent
    return package if (package / "conf").is_dir() else package.parent


@cache
def choices(group: str) -> tuple[str, ...]:
    """Return the names of a group's yaml files; studies are also looked for below the current folder."""
    folders = [home() / "sweeps", Path.cwd() / "sweeps"] if group == "sweeps" else [home() / "conf" / group]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.yaml")}))


def load(group: str, name: str) -> dict[str, Any]:
    """Read one yaml file of conf/ as plain values."""
    return dict(yaml.safe_load((home() / "conf" / group / f"{name}.yaml").read_text()) or {})


def pair(meta_arch: str, extractor: str) -> str:
    """Return the name of a pair, or that of any extractor where it has none of its own.

    A preset may take the pairs of another meta-architecture, its `_pairs_`.
    """
    own = load("meta_arch", meta_arch) if meta_arch in choices("meta_arch") else {}
    kind = own.get("_pairs_", meta_arch)
    return f"{kind}_{extractor if f'{kind}_{extractor}' in choices('pair') else 'any'}"


def recipe(values: Mapping[str, Any], prefix: str) -> Recipe:
    """Make the recipe that a node's `_target_`, a name inside tradeoff.recipes, stands for.

    Raises:
        ConfigError: with every fault of the node.
    """
    rest = {name: value for name, value in values.items() if name != "_pairs_"}
    module, _, name = str(rest.pop("_target_", "")).rpartition(".")
    if not module.isidentifier():
        raise ConfigError(f"{prefix}_target_={values.get('_target_')!r}: expected a class of tradeoff.recipes")
    try:
        kind = locate(f"tradeoff.recipes.{module}:{name}")
    except (ImportError, AttributeError):
        raise ConfigError(f"{prefix}_target_={values['_target_']!r}: no such class in tradeoff.recipes") from None
    made: Recipe = kind.from_mapping(rest, prefix)
    return made


def realize(node: Mapping[str, Any], names: Mapping[str, str], task: list[str]) -> tuple[Experiment, Words]:
    """Turn one composed configuration into an experiment.

    Args:
        node: the composed configuration as plain values.
        names: the choice of each group.
        task: the words of the command that made this cell.

    Raises:
        ConfigError: with every fault of the cell.
    """
    gathered = Gathered()
    words = gathered(Words.from_mapping, {spec.name: node[spec.name] for spec in fields(Words)}, "")
    parts = {group: gathered(recipe, node[group], f"{group}.") for group in ("meta_arch", "extractor", "data")}
    training = gathered(Training.from_mapping, node["train"], "train.")
    scoring = gathered(Scoring.from_mapping, node["evaluate"], "evaluate.")
    if training:
        gathered(training.check_schedule)
    measuring = gathered(Measuring.from_mapping, node["measure"], "measure.")
    metric = gathered(Metric.from_mapping, node["metric"], "metric.")
    given = training.weights if training and words else None
    start = gathered(find, given, Path(words.results_dir)) if given else None
    if gathered.faults:
        raise ConfigError(gathered.faults)
    two_stage = parts["meta_arch"].TWO_STAGE
    chosen = {"proposals": words.proposals if two_stage else None, "precision": words.precision}
    experiment = Experiment(
        extractor=parts["extractor"],
        meta_arch=parts["meta_arch"],
        data=parts["data"],
        training=training,
        inference=Inference.from_mapping({**node["inference"], **chosen}, "inference."),
        scoring=scoring,
        measuring=measuring,
        metric=metric,
        size=words.size,
        stride=words.stride if two_stage else None,
        seed=words.seed,
        batch_size=words.batch_size,
        names=Names(**{group: names[group] for group in GROUPS}),
        start=start,
        overrides=overrides(task),
    )
    return experiment, words


def overrides(task: list[str]) -> tuple[str, ...]:
    """Return the words of a cell that are no axis and no place, sorted; of one given twice, the last."""
    last = {word.partition("=")[0]: unescaped(word) for word in task}
    return tuple(sorted(word for name, word in last.items() if name not in AXES + PLACES))


def unescaped(word: str) -> str:
    """Return a word as it was typed: in a sweep Hydra puts a backslash before the colon of `run:ID`."""
    return re.sub(r"\\(.)", r"\1", word)


class Gathered:
    """Calls makers and keeps the faults that they raise."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def __call__(self, make: Any, *args: Any) -> Any:
        """Call a maker; on a ConfigError keep its faults and return None."""
        try:
            return make(*args)
        except ConfigError as error:
            self.faults += [fault for fault in error.faults if fault not in self.faults]
            return None


def faults(words: Mapping[str, list[Any]]) -> list[str]:
    """Tell everything that is wrong with the words of a command, each value on its own.

    Args:
        words: each word with the values that it takes in the sweep, as plain values.
    """
    found = [
        fault for group in (*GROUPS, "sweeps") for value in words.get(group, []) for fault in misnamed(group, value)
    ]
    gathered = Gathered()
    for name, values in words.items():
        head, dot, rest = name.partition(".")
        if name in GROUPS or name == "sweeps":
            continue
        if not dot:
            for value in values:
                gathered(word, name, value)
        else:
            for value in values:
                gathered(suboption, head, rest, value, words)
    for name in words.get("data", ["shapes"]):
        if not any(misnamed("data", name)):
            gathered(recipe, {**load("data", name), **below("data", words)}, "data.")
    for given in words.get("train.weights", []):
        if isinstance(given, str) and "sweeps" not in words:  # a study may have a results_dir of its own
            gathered(find, given, Path(str(words.get("results_dir", ["results"])[-1])))
    return list(dict.fromkeys(found + gathered.faults))


def misnamed(group: str, value: Any) -> Iterator[str]:
    """Yield the fault of a choice that its group does not have."""
    if str(value) not in choices(group):
        yield unknown(f"{group}={value}", list(choices(group))).replace("no such option", f"no such {group}")


def word(name: str, value: Any) -> None:
    """Check one plain word.

    Raises:
        ConfigError: when there is no such word, or it cannot have this value.
    """
    known = {spec.name for spec in fields(Words)}
    if name not in known:
        raise ConfigError(unknown(f"{name}={value}", [*known, *GROUPS, "sweeps"]).replace("option", "word"))
    Words.from_mapping({name: value})


def suboption(head: str, name: str, value: Any, words: Mapping[str, list[Any]]) -> None:
    """Check one option below a word, such as extractor.width, for every choice of that word in the command.

    Raises:
        ConfigError: when a choice has no such option, or it cannot have this value.
    """
    if head == "hydra":
        raise ConfigError(f"hydra.{name}: the settings of Hydra are not words of a command")
    if head == "inference" and name in AXES:
        raise ConfigError(f"inference.{name}={value}: this is a word of its own; give {name}={value}")
    if head in NODES:
        NODES[head].from_mapping({name: value}, f"{head}.")
    elif head == "train":
        Training.from_mapping({name: value}, "train.")
    elif head == "data":
        return  # `faults` checks a data set as a whole
    elif head in GROUPS:
        for composed in compositions(head, words):
            recipe({**composed, **below(head, words), name: value}, f"{head}.")
    else:
        raise ConfigError(unknown(f"{head}.{name}={value}", [*GROUPS, *NODES]))


def chosen(group: str, words: Mapping[str, list[Any]]) -> list[str]:
    """Return the choices of a group in a command, the default where it names none."""
    defaults = yaml.safe_load((home() / "conf" / "config.yaml").read_text())["defaults"]
    standard = next(entry[group] for entry in defaults if isinstance(entry, dict) and group in entry)
    return [str(choice) for choice in words.get(group, [standard])]


def compositions(group: str, words: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield the options of meta_arch or extractor for each pair of them in a command; a pair changes defaults."""
    for meta_arch, extractor in product(chosen("meta_arch", words), chosen("extractor", words)):
        choice = meta_arch if group == "meta_arch" else extractor
        name = pair(meta_arch, extractor)
        if choice in choices(group):
            paired = load("pair", name).get(group, {}) if name in choices("pair") else {}
            yield {**load(group, choice), **paired}


def below(head: str, words: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return the first value of each option below a word."""
    return {name.partition(".")[2]: values[0] for name, values in words.items() if name.startswith(f"{head}.")}
