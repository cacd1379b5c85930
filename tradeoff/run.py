"""Run a study: `python -m tradeoff.run -m extractor=resnet101,mobilenet size=300,600`."""

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tradeoff import config, pipeline
from tradeoff.core.errors import ConfigError, TradeoffError
from tradeoff.runner import Places

USAGE = """python -m tradeoff.run [-m] [word=value[,value...]] ...

Trains, evaluates and measures every combination of the values (with -m), and writes one row for each.

  python -m tradeoff.run extractor=mobilenet size=300
  python -m tradeoff.run -m extractor=resnet101,mobilenet size=300,600
  python -m tradeoff.run sweeps=quickstart

Words, their values and [defaults]:
"""


def main() -> int:
    """Run the command; return its exit code: 0 all well, 1 a cell failed, 2 a wrong word or combination."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text())
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cells = enumerate_cells(sys.argv[1:])
        return pipeline.run([cell for cell, _ in cells], places(cells))
    except ConfigError as error:
        count = len(error.faults)
        print(f"{count} fault{'s' if count > 1 else ''} in the command; nothing was run:", file=sys.stderr)
        print("\n".join(f"  {fault}" for fault in error.faults), file=sys.stderr)
        return 2
    except TradeoffError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr, flush=True)
        os._exit(130)  # without waiting for the trainings: the children end when their pipes close


def enumerate_cells(arguments: list[str]) -> list[tuple[Any, config.Words]]:
    """Check the words, then let Hydra compose every cell.

    Raises:
        ConfigError: with every fault of every cell.
    """
    arguments = ordered(arguments)
    found = config.faults(read_words(arguments))
    if found:
        raise ConfigError(found)
    gathered = config.Gathered()
    composed = compose(arguments)
    cells = [gathered(config.realize, *cell) for cell in composed]
    if gathered.faults:
        raise ConfigError(gathered.faults)
    return cells


def ordered(arguments: list[str]) -> list[str]:
    """Return the words of a command with -m, wherever it stood, before them.

    Raises:
        ConfigError: when there is another flag.
    """
    flags = [word for word in arguments if word.startswith("-")]
    strange = [flag for flag in flags if flag not in ("-m", "--multirun")]
    if strange:
        raise ConfigError([f"{flag}: no such flag; there are -m and --help" for flag in strange])
    return [*(["-m"] if flags else []), *(word for word in arguments if not word.startswith("-"))]


def read_words(arguments: list[str]) -> dict[str, list[Any]]:
    """Return each word of a command with the values that it takes, those of its study included."""
    from hydra._internal.utils import get_args_parser
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    options, parser, unread = get_args_parser().parse_args(arguments), OverridesParser.create(), []

    def parse(lines: list[str]) -> list[Any]:
        """Parse each word on its own, so that one that cannot be read is named."""
        read = []
        for line in lines:
            try:
                read += parser.parse_overrides([line])
            except HydraException as error:
                unread.append(f"{line}: cannot be read ({str(error).splitlines()[0]})")
        return read

    given = parse(options.overrides)
    studies = [o.value() for o in given if o.key_or_group == "sweeps"]
    inherited = parse(study_words(str(studies[-1]))) if studies else []
    if unread:
        raise ConfigError(unread)
    if not (options.multirun or studies) and (several := [o.input_line for o in given if o.is_sweep_override()]):
        raise ConfigError([f"{words}: several values; add -m to run all of them" for words in several])
    return {name_of(o): values(o) for o in [*inherited, *given]}


def name_of(override: Any) -> str:
    """Return the word of an override; +word and ~word stay what they are, for no word is called so."""
    line, name = str(override.input_line), str(override.key_or_group)
    return line[: len(line) - len(line.lstrip("+~"))] + name


def values(override: Any) -> list[Any]:
    """Return the plain values that an override stands for, globs and ranges expanded."""
    from hydra.core.override_parser.types import Glob

    if not override.is_sweep_override():
        return [override.value()]
    content = override.value()
    if isinstance(content, Glob) and override.key_or_group not in (*config.GROUPS, "sweeps"):
        raise ConfigError(f"{override.input_line}: glob is for {', '.join(config.GROUPS)}")
    if isinstance(content, Glob):
        return list(content.filter(list(config.choices(override.key_or_group))))
    if not override.is_discrete_sweep():
        raise ConfigError(f"{override.input_line}: give single values, such as {override.key_or_group}=300,600")
    return [plain(item) for item in override.sweep_iterator(transformer=lambda value: value)]


def plain(value: Any) -> Any:
    """Strip the parser's quoting from a value."""
    return value.text if hasattr(value, "text") else value


def study_words(name: str) -> list[str]:
    """Return the words of a study, which all stand under hydra.sweeper.params so that every row can tell them.

    Raises:
        ConfigError: when the study has other keys.
    """
    paths = [folder / "sweeps" / f"{name}.yaml" for folder in (config.home(), Path.cwd())]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return []
    try:
        study = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: cannot be read as yaml ({str(error).splitlines()[0]})") from None
    if not isinstance(study, dict):
        raise ConfigError(f"{path}: expected keys with values, as in sweeps/quickstart.yaml")
    chosen = [entry for entry in study.get("defaults", []) if isinstance(entry, dict)]
    groups = [f"{key.removeprefix('override /')}={name}" for entry in chosen for key, name in entry.items()]
    strange = sorted(set(study) - {"hydra", "table", "results_dir", "jobs", "defaults"})
    if strange:
        raise ConfigError(f"{path}: {', '.join(strange)}: put the words of a study under hydra.sweeper.params")
    params = study.get("hydra", {}).get("sweeper", {}).get("params") or {}
    return [*groups, *(f"{word}={value}" for word, value in params.items())]


def compose(arguments: list[str]) -> list[tuple[dict[str, Any], dict[str, str], list[str]]]:
    """Let Hydra compose the cells: for each its configuration, the choice of each group, and its own words."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    cells: list[tuple[dict[str, Any], dict[str, str], list[str]]] = []

    @hydra.main(version_base="1.3", config_path=str(config.home() / "conf"), config_name="config")
    def collect(node: Any) -> None:
        state = HydraConfig.get()
        words = [word for word in state.overrides.task if not word.startswith("sweeps=")]
        values: Any = OmegaConf.to_container(node, resolve=True)
        cells.append((values, dict(state.runtime.choices), words))

    OmegaConf.register_new_resolver("pair", config.pair, replace=True)
    with tempfile.TemporaryDirectory() as scratch:
        places = ",".join(quoted(f"file://{folder}") for folder in (config.home(), Path.cwd()))
        own = [f"hydra.searchpath=[{places}]", f"hydra.sweep.dir={quoted(scratch)}"]
        given, sys.argv = sys.argv, [sys.argv[0], *late(arguments), *own]
        os.environ["HYDRA_FULL_ERROR"] = "1"
        try:
            collect()
        except (HydraException, OmegaConfBaseException) as error:
            raise ConfigError(str(error).splitlines()[0]) from error
        finally:
            sys.argv = given
    return cells


def late(arguments: list[str]) -> list[str]:
    """Turn options below a word into choices of one value, which Hydra sets in the cells only.

    Without this, `-m extractor=tiny,mobilenet extractor.width=8` would be refused where the default extractor has no
    such option.
    """
    several = {"-m", "--multirun"} & set(arguments) or any(word.startswith("sweeps=") for word in arguments)
    if not several:
        return arguments
    return [choice(word) if is_plain_option(word) else word for word in arguments]


def is_plain_option(word: str) -> bool:
    """Tell whether a word is an option below a word of ours, with one value."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    name, _, value = word.partition("=")
    head, dot, _ = name.partition(".")
    if not dot or value == "null" or head not in (*config.GROUPS, *config.NODES):  # choice() takes no null
        return False
    (read,) = OverridesParser.create().parse_overrides([word])
    return not read.is_sweep_override()


def quoted(text: str) -> str:
    """Quote a text for Hydra, whatever is in it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def choice(word: str) -> str:
    """Write an option as a choice of one value."""
    name, _, value = word.partition("=")
    return f"{name}=choice({value})"


def places(cells: list[tuple[Any, config.Words]]) -> Places:
    """Return where the command runs and writes, which is one for all its cells."""
    if not cells:
        raise ConfigError("no cell to run: a glob that matches nothing, or an empty list of values")
    found = {(words.device, words.jobs, words.results_dir, words.table, words.again) for _, words in cells}
    if len(found) > 1:
        raise ConfigError("device, jobs, results_dir, table and again take one value for the whole command")
    device, jobs, results_dir, table, again = found.pop()
    return Places(device=device, jobs=jobs, results_dir=Path(results_dir), table=table, again=again)


def help_text() -> str:
    """Return the words, their choices and their defaults."""
    node = yaml.safe_load((config.home() / "conf" / "config.yaml").read_text())
    standard = {group: name for entry in node["defaults"] if isinstance(entry, dict) for group, name in entry.items()}
    lines = [f"  {group:12} {' '.join(config.choices(group))} [{standard[group]}]" for group in config.GROUPS]
    lines += [f"  {spec.name:12} {spec.metadata['doc']} [{node[spec.name]}]" for spec in config.fields(config.Words)]
    lines.append(f"  {'sweeps':12} {' '.join(config.choices('sweeps'))}")
    lines.append("\nOptions below a word (extractor.width=0.5, train.steps=100, ...) are listed, with units, in")
    lines.append(f"{config.home() / 'conf'}. Exit code: 0 all well, 1 a cell failed, 2 a wrong word.")
    return USAGE + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
