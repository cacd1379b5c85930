"""Correlations against their definitions."""

import numpy as np
import pytest

from tradeoff.analysis.correlation import kendall, r_squared


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
