"""Keys: equal meaning gives equal keys, and only what changes a result changes a key."""

from dataclasses import dataclass

import pytest

from tradeoff.core.digest import digest
from tradeoff.recipes.base import Recipe, option
from tradeoff.recipes.extractors import Timm
from tradeoff.recipes.train import Training


def test_a_key_is_twelve_hexadecimal_digits():
    key = digest(Training())
    assert len(key) == 12
    int(key, 16)


def test_a_default_spelled_out_does_not_change_the_key():
    assert digest(Training(momentum=0.9)) == digest(Training())


def test_a_new_option_with_a_default_leaves_old_keys_as_they_were():
    def made(**extra):
        body = {"__annotations__": {"a": int, **dict.fromkeys(extra, int)}, "a": option(1, "x")} | extra
        return dataclass(frozen=True, kw_only=True)(type("Thing", (Recipe,), body))

    assert digest(made()(a=5)) == digest(made(b=option(7, "y"))(a=5))


@pytest.mark.parametrize("change", [{"steps": 3}, {"minutes": 1.0}, {"drop_steps": (1,)}, {"flip": False}])
def test_what_changes_the_training_changes_its_key(change):
    assert digest(Training(**change)) != digest(Training())


@pytest.mark.parametrize("change", [{"workers": 7}, {"checkpoint_s": 1.0}])
def test_what_changes_no_result_changes_no_key(change):
    assert digest(Training(**change)) == digest(Training())


def test_the_class_is_part_of_the_key():
    @dataclass(frozen=True)
    class One:
        a: int = 1

    @dataclass(frozen=True)
    class Two:
        a: int = 1

    assert digest(One()) != digest(Two())


def test_a_version_invalidates_the_key(monkeypatch):
    before = digest(Training())
    monkeypatch.setattr(Training, "VERSION", 2)
    assert digest(Training()) != before


def test_weights_are_known_by_their_content_not_by_their_name(tmp_path):
    one, two, three = (tmp_path / name for name in ("a.pt", "b.pt", "c.pt"))
    one.write_bytes(b"same")
    two.write_bytes(b"same")
    three.write_bytes(b"other")
    keys = [digest(Timm(weights=str(path))) for path in (one, two, three)]
    assert keys[0] == keys[1] != keys[2]


def test_what_has_no_canonical_form_is_refused():
    with pytest.raises(TypeError, match="set"):
        digest({"a": {1, 2}})
