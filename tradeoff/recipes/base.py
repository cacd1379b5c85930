"""Recipes: frozen, flat dataclasses that say what is asked for and build it on demand.

A recipe checks its own types and ranges when it is made, so a typo costs nothing. `build` imports the module that
does the work; until then nothing heavy is loaded.
"""

import importlib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

from tradeoff.core.errors import ConfigError


def option(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    least: int = 0,
    required: bool = False,
    where: bool = False,
    content: bool = False,
) -> Any:
    """Declare one option of a recipe.

    Args:
        default: the value when nothing is said; a tuple for lists.
        doc: meaning, unit and source, one line.
        low: the smallest value allowed, inclusive.
        high: the largest value allowed, inclusive.
        least: the fewest items of a list.
        required: whether None, the default, is refused when the recipe is made.
        where: whether it only says where something is, or how fast it goes; such an option is no part of a key.
        content: whether it names a file that is known by its content, found by the recipe's `<option>_path()`.
    """
    facts = {"doc": doc, "low": low, "high": high, "least": least, "required": required, "content": content}
    return field(default=default, compare=not where, metadata=facts)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Something that can be asked for, checked when it is made.

    `TARGET` names what `build` calls, "package.module:attribute", inside this package only. `PLANNING` names the
    options that are not for it. `VERSION` is part of every key: raise it when the code behind the recipe changes what
    it computes.
    """

    VERSION: ClassVar[int] = 1
    TARGET: ClassVar[str] = ""
    PLANNING: ClassVar[tuple[str, ...]] = ()
    #: option -> the option that gives it a meaning, and the values under which it has one
    MEANT_FOR: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {}

    def __post_init__(self) -> None:
        faults = [fault for spec in fields(self) if (fault := check(spec, getattr(self, spec.name)))]
        if faults:
            raise ConfigError(faults)

    def options(self) -> dict[str, Any]:
        """Return the options as keyword arguments."""
        return {spec.name: getattr(self, spec.name) for spec in fields(self)}

    def build(self, **parts: Any) -> Any:
        """Import the target and call it with `parts` and all options but those of planning as keyword arguments."""
        given = {name: value for name, value in self.options().items() if name not in self.PLANNING}
        return locate(self.TARGET)(**given | parts)

    def meaningless(self, name: str) -> str | None:
        """Return the fault of an option that is given though another one takes its meaning, else None."""
        if name not in self.MEANT_FOR:
            return None
        governor, values = self.MEANT_FOR[name]
        value, default = getattr(self, name), type(self).__dataclass_fields__[name].default
        if value == default or getattr(self, governor) in values:
            return None
        wanted = " or ".join(spelled(value) for value in values)
        return (
            f"{name}={spelled(value)}: has no meaning with {governor}={spelled(getattr(self, governor))}; "
            f"it is for {governor}={wanted}"
        )

    def meaningful(self) -> Self:
        """Return the recipe with its options that have no meaning at their defaults."""
        idle = [spec for spec in fields(self) if self.meaningless(spec.name)]
        defaults: dict[str, Any] = {spec.name: spec.default for spec in idle}
        return replace(self, **defaults)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], prefix: str = "") -> Self:
        """Make the recipe from plain values, such as those of a yaml file.

        Args:
            values: option name to value; lists become tuples, whole numbers become floats where a float is meant.
            prefix: what stands before the names in error messages, such as "train.".

        Raises:
            ConfigError: with every fault, when a name is unknown or a value has the wrong type or range.
        """
        hints = typing.get_type_hints(cls)
        known = [spec.name for spec in fields(cls) if spec.init]
        faults = [unknown(f"{prefix}{name}", known) for name in values if name not in known]
        given = {name: convert(value, hints[name]) for name, value in values.items() if name in known}
        try:
            recipe = cls(**given)
        except ConfigError as error:
            raise ConfigError(faults + [f"{prefix}{fault}" for fault in error.faults]) from None
        if faults:
            raise ConfigError(faults)
        return recipe


def locate(target: str) -> Any:
    """Import what `target` names, "module:attribute" inside this package.

    Raises:
        ConfigError: if the target is outside the package.
    """
    module, _, attribute = target.partition(":")
    if not module.startswith("tradeoff."):
        raise ConfigError(f"target {target!r} is not part of tradeoff; a configuration cannot run foreign code")
    return getattr(importlib.import_module(module), attribute)


def unknown(name: str, accepted: list[str]) -> str:
    """Word the fault of an unknown option."""
    near = get_close_matches(name.rpartition(".")[2], accepted, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{name}: no such option{hint} Accepted: {', '.join(sorted(accepted)) or 'none'}"


def convert(value: Any, hint: Any) -> Any:
    """Normalise a yaml value to the type of an option, leaving what does not fit for `check` to name."""
    inner = alternatives(hint)
    if isinstance(value, (list, tuple)):
        return tuple(
            convert(item, get_args(next((h for h in inner if get_origin(h) is tuple), tuple[Any, ...]))[0])
            for item in value
        )
    if isinstance(value, int) and not isinstance(value, bool) and float in inner and int not in inner:
        return float(value)
    return value


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Split `A | B` into its parts."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def fits(value: Any, hint: Any) -> bool:
    """Tell whether a value is of a type that an option may have."""
    origin = get_origin(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin is Literal:
        return value in get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(item, get_args(hint)[0]) for item in value)
    if hint in (int, float):
        return isinstance(value, hint) and not isinstance(value, bool)
    return isinstance(value, hint)


def wording(hint: Any) -> str:
    """Name what an option accepts, for a message."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(wording(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return f"a list of {wording(get_args(hint)[0])}"
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a word",
        type(None): "null",
    }
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def check(spec: Any, value: Any) -> str | None:
    """Return the fault of one option's value, or None when it is good."""
    hint = spec.type if not isinstance(spec.type, str) else Any
    if not any(fits(value, part) for part in alternatives(hint)):
        return f"{spec.name}={value!r}: expected {wording(hint)}"
    if spec.metadata.get("required") and value is None:
        return f"{spec.name}: required and not given; {spec.metadata['doc']}"
    if isinstance(value, tuple) and len(value) < spec.metadata.get("least", 0):
        return f"{spec.name}=[]: expected a list of at least {spec.metadata['least']}"
    low, high = spec.metadata.get("low"), spec.metadata.get("high")
    numbers = [
        v
        for v in (value if isinstance(value, tuple) else (value,))
        if isinstance(v, (int, float)) and not isinstance(v, bool)
    ]
    if any(not math.isfinite(v) or (low is not None and v < low) or (high is not None and v > high) for v in numbers):
        return f"{spec.name}={value!r}: expected {wording(hint)} {span(low, high)}"
    return None


def span(low: float | None, high: float | None) -> str:
    """Word a range."""
    if low is None and high is None:
        return "that is finite"
    if high is None:
        return f"of at least {low:g}"
    if low is None:
        return f"of at most {high:g}"
    return f"from {low:g} to {high:g}"


def spelled(value: object) -> str:
    """Return a value as yaml has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(spelled, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
