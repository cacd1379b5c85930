"""A bar is drawn for people only."""

import pytest

from tradeoff.core.progress import watched


def test_watched_items_are_all_there_and_nothing_is_drawn_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(watched(iter("abc"), 3, "letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
