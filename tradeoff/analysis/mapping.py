r"""A mapping file: how somebody's CSV becomes a table of ours.

    title: what the table is, in one line
    separator: ";"                          # of cells; where it is not given: a comma, or what the first line has
    decimal: ","                            # of numbers; a point where it is not given
    empty: ["-", N/A]                       # cells that say nothing, besides empty ones
    columns:                                # ours: theirs
      model: name
      ap: {from: box_ap_pct, factor: 0.01, when: {metric: [COCO mAP]}}
      latency_ms_mean: {from: fps, over: 1000}
      precision: {from: dtype, words: {FP32: fp32, FP16: fp16}}
      size: {from: model, pattern: '(\d+)x\1', others: empty}
      label: {text: '{name}, {schedule}'}
    constants: {data: coco, device_name: NVIDIA V100, source: where the numbers are from}
    kept: {mask_ap: segm}                   # columns that have no place in ours, kept as text under a name
    left_out: {tpu: says nothing of speed or accuracy}
    rows_left_out: [{when: {section: [RPN]}, why: proposes, does not detect}]

A value comes `from` a column or a `text` of several; then, in this order: the first group of `pattern`; `words`;
`factor` times it, or `over` divided by it. What pattern or words do not have is a fault, or kept or left empty where
`others` says so. `when` limits a rule to rows whose columns have one of some values; other rows are left empty.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tradeoff.analysis import mapping_faults
from tradeoff.analysis.rules import Rule, When
from tradeoff.core.errors import ConfigError


@dataclass(frozen=True)
class Mapping:
    """A whole mapping file."""

    path: Path
    rules: dict[str, Rule]
    constants: dict[str, Any]
    kept: dict[str, str]
    left_out: dict[str, str]
    rows_left_out: list[tuple[When, str]]
    empty: set[str]
    separator: str | None = None
    decimal: str = "."

    @property
    def read(self) -> set[str]:
        """The columns of theirs that it accounts for."""
        used = {name for rule in self.rules.values() for name in rule.read}
        dropped = {name for when, _ in self.rows_left_out for name in when}
        return used | dropped | set(self.kept.values()) | set(self.left_out)


def read(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ConfigError: with file and key of every fault.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(f"{path}: no mapping can be read ({reason})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys {', '.join(mapping_faults.KEYS)}, of which columns is needed")
    faults = list(mapping_faults.found(content))
    if faults:
        raise ConfigError([f"{path}: {fault}" for fault in faults])
    return made(path, content)


def made(path: Path, content: dict[str, Any]) -> Mapping:
    """Return a mapping whose content has no fault."""
    return Mapping(
        path=path,
        rules={name: rule(spec) for name, spec in content["columns"].items()},
        constants=content.get("constants") or {},
        kept={name: str(theirs) for name, theirs in (content.get("kept") or {}).items()},
        left_out=content.get("left_out") or {},
        rows_left_out=[(strings(entry["when"]), str(entry["why"])) for entry in content.get("rows_left_out") or []],
        empty={"", *map(str, content.get("empty") or [])},
        separator=content.get("separator"),
        decimal=content.get("decimal", "."),
    )


def rule(spec: str | dict[str, Any]) -> Rule:
    """Return the rule of a column."""
    told: dict[str, Any] = {"from": spec} if isinstance(spec, str) else spec
    numbers = {key: Decimal(str(told[key])) for key in ("factor", "over") if key in told}
    return Rule(
        text=told["text"] if "text" in told else "{" + told["from"] + "}",
        pattern=re.compile(told["pattern"]) if "pattern" in told else None,
        words={str(theirs): str(ours) for theirs, ours in told["words"].items()} if "words" in told else None,
        others=told.get("others", ""),
        when=strings(told.get("when", {})),
        **numbers,
    )


def strings(when: dict[str, Any]) -> When:
    """Return a condition whose values are lists of text."""
    return {name: list(map(str, value if isinstance(value, list) else [value])) for name, value in when.items()}
