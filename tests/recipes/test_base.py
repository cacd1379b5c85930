"""Recipes refuse what they cannot be, with every fault and how to mend it."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest

from tradeoff.core.errors import ConfigError
from tradeoff.recipes.base import Recipe, locate, option


@dataclass(frozen=True, kw_only=True)
class Kettle(Recipe):
    TARGET: ClassVar[str] = "builtins:dict"

    litres: float = option(1.0, "volume, l", low=0.1, high=5)
    cups: int = option(4, "how many", low=1)
    colour: Literal["red", "blue"] = option("red", "paint")
    holes: tuple[int, ...] = option((), "widths", low=0)
    brand: str | None = option(None, "maker")
    lid: bool = option(True, "closed")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"litres": 9.0}, "litres=9.0: expected a number from 0.1 to 5"),
        ({"litres": float("nan")}, "litres=nan: expected a number from 0.1 to 5"),
        ({"litres": "much"}, "litres='much': expected a number"),
        ({"cups": 0}, "cups=0: expected a whole number of at least 1"),
        ({"cups": 1.5}, "cups=1.5: expected a whole number"),
        ({"cups": True}, "cups=True: expected a whole number"),
        ({"colour": "green"}, "colour='green': expected one of red, blue"),
        ({"holes": [1, -1]}, "holes=(1, -1): expected a list of a whole number of at least 0"),
        ({"holes": 3}, "holes=3: expected a list of a whole number"),
        ({"brand": 5}, "brand=5: expected a word or null"),
        ({"lid": "yes"}, "lid='yes': expected true or false"),
        ({"cupz": 3}, "cupz: no such option; did you mean 'cups'? Accepted: brand, colour, cups, holes, lid, litres"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(values, message):
    with pytest.raises(ConfigError) as caught:
        Kettle.from_mapping(values, "kettle.")
    assert [fault for fault in caught.value.faults if fault.startswith(f"kettle.{message}")]


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        Kettle.from_mapping({"litres": -1.0, "cups": 0, "nonsense": 1, "colour": "grey"})
    assert len(caught.value.faults) == 4


def test_yaml_values_are_normalised():
    kettle = Kettle.from_mapping({"litres": 2, "holes": [1, 2], "brand": "B"})
    assert kettle == Kettle(litres=2.0, holes=(1, 2), brand="B")
    assert isinstance(kettle.litres, float)


def test_code_outside_the_package_is_never_run():
    with pytest.raises(ConfigError, match="foreign code"):
        locate("os:system")
    with pytest.raises(ConfigError, match="foreign code"):
        Kettle().build()
