"""Correlations against their definitions."""

import numpy as np
import pytest

from tests.analysis.synthetic import framed, made
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.correlation import kendall, r_squared, worded
from tradeoff.analysis.points import Panel, View


@pytest.mark.parametrize("seed", range(4))
def test_kendall_counts_pairs_with_ties(seed):
    x, y = np.random.default_rng(seed).integers(0, 6, (2, 25)).astype(float)
    pairs = [(i, j) for i in range(25) for j in range(i)]
    agree = sum((x[i] - x[j]) * (y[i] - y[j]) > 0 for i, j in pairs)
    differ = sum((x[i] - x[j]) * (y[i] - y[j]) < 0 for i, j in pairs)
    untied = [sum(v[i] != v[j] for i, j in pairs) for v in (x, y)]
    assert kendall(x, y) == pytest.approx((agree - differ) / np.sqrt(untied[0] * untied[1]))


def test_kendall_of_the_same_order_is_one_and_of_ties_alone_nothing():
    assert kendall(np.array([1.0, 2, 3]), np.array([1.0, 10, 100])) == 1
    assert kendall(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == -1
    assert np.isnan(kendall(np.ones(3), np.arange(3.0)))


def test_r_squared_is_what_a_fitted_line_leaves():
    x, noise = np.random.default_rng(0).random((2, 40))
    y = 3 * x + noise
    rest = y - np.polyval(np.polyfit(x, y, 1), x)
    assert r_squared(x, y) == pytest.approx(1 - rest.var() / y.var())
    assert np.isnan(r_squared(np.ones(3), np.arange(3.0)))


def test_rows_that_are_not_trusted_are_no_part_of_a_correlation(tmp_path):
    rows = [made(f"r{i}", ap=0.1 * i, ap50=0.2 * i) for i in (1, 2, 3)]
    frame = framed(tmp_path, [*rows, made("a", ap=0.4, ap50=0.0, trusted=False)])
    view = View(Axis("ap"), Axis("ap50"))
    assert worded([Panel("", frame, view)], kendall, "τ") == "τ: 1.000 (ap50, of the 3 rows to be trusted most)."
    assert worded([Panel("", frame[:3], view)], kendall, "τ") == "Too few rows for τ."
    assert worded([Panel("", frame[1:], view)], kendall, "τ") == "τ: 1.000."
