"""Probabilities of being on the frontier, against closed forms and integration."""

from statistics import NormalDist

import numpy as np
import pytest

from tests.analysis.synthetic import framed, made, small_study, unsure
from tradeoff.analysis.comparable import timed
from tradeoff.analysis.frontier import OBJECTIVES, on_frontier
from tradeoff.analysis.membership import Z95, band, drawn, intervals, near_ties, probabilities

PHI = NormalDist().cdf


def with_intervals(frame, **ends):
    return frame.assign(**{name: np.array(values, float) for name, values in ends.items()})


def pair(tmp_path, **other):
    rows = [made("a", ap=0.30, latency_ms_p50=30.0), made("b", **({"ap": 0.31, "latency_ms_p50": 32.0} | other))]
    return framed(tmp_path, rows)


def test_two_rows_have_the_probability_of_the_closed_form(tmp_path):
    # standard deviations: AP 0.01 and 0.02, ms 1 and 2; a beats b when it is faster and not worse, independently
    frame = with_intervals(
        pair(tmp_path),
        ap_low=[0.30 - 0.01 * Z95, 0.31 - 0.02 * Z95],
        ap_high=[0.30 + 0.01 * Z95, 0.31 + 0.02 * Z95],
        latency_ms_low=[30 - Z95, 32 - 2 * Z95],
        latency_ms_high=[30 + Z95, 32 + 2 * Z95],
    )
    faster, better = PHI(2 / np.hypot(1, 2)), PHI(-0.01 / np.hypot(0.01, 0.02))
    chances = probabilities(frame, draws=20_000)
    assert chances.tolist() == pytest.approx([1 - (1 - faster) * (1 - better), 1 - faster * better], abs=0.012)


def test_many_rows_have_the_probability_of_an_integral(tmp_path):
    # given its own values, a row is on the frontier when each of the independent others fails to beat it
    rows = [made(f"r{i}", ap=0.2 + 0.02 * i, latency_ms_p50=20.0 + 2 * i + (i % 2)) for i in range(5)]
    frame = unsure(framed(tmp_path, rows), ap=0.03, latency=0.1)
    (x, left, _), (y, low, _) = (intervals(timed(frame), name) for name in OBJECTIVES)
    sx, sy = (x - left) / Z95, (y - low) / Z95
    z = [NormalDist().inv_cdf((i + 0.5) / 60) for i in range(60)]
    for i, got in enumerate(probabilities(frame, draws=8000)):
        expected = np.mean(
            [
                np.prod(
                    [
                        1 - PHI((x[i] + u * sx[i] - x[j]) / sx[j]) * PHI(-(y[i] + v * sy[i] - y[j]) / sy[j])
                        for j in range(5)
                        if j != i
                    ]
                )
                for u in z[::3]
                for v in z[::3]
            ]
        )
        assert got == pytest.approx(expected, abs=0.02)


def test_without_intervals_it_is_the_frontier(tmp_path):
    frame = framed(tmp_path, small_study())
    chances = probabilities(frame)
    assert chances.dropna().astype(bool).equals(on_frontier(frame)[chances.notna()])
    assert chances.isna().sum() == 4  # failed, skipped and two that are not trusted
    assert near_ties(frame).empty


def test_it_is_the_same_each_time_and_near_the_truth_when_intervals_are_narrow(tmp_path):
    frame = unsure(framed(tmp_path, small_study()), ap=1e-6, latency=1e-6)
    chances = probabilities(frame)
    assert chances.equals(probabilities(frame))
    assert chances.dropna().eq(1.0).equals(on_frontier(frame)[chances.notna()])
    assert not probabilities(unsure(frame)).equals(probabilities(unsure(frame), seed=1))


def test_uneven_intervals_have_their_quantiles(tmp_path):
    frame = with_intervals(framed(tmp_path, [made("a", ap=0.3)]), ap_low=[0.28], ap_high=[0.38])
    told = -drawn(timed(frame), ["ap"], 40_000, 0)[:, 0, 0]
    assert np.quantile(told, [0.025, 0.5, 0.975]) == pytest.approx([0.28, 0.3, 0.38], abs=2e-3)


def test_near_ties_name_the_row_that_most_probably_beats_each(tmp_path):
    rows = [
        made("a", label="fast", ap=0.30, latency_ms_p50=30.0),
        made("b", label="tied", ap=0.299, latency_ms_p50=30.1),
        made("c", label="sure", ap=0.50, latency_ms_p50=60.0),
        made("d", label="beaten", ap=0.10, latency_ms_p50=90.0),
    ]
    ties = near_ties(unsure(framed(tmp_path, rows), ap=0.01, latency=0.02))
    assert ties[["label", "rival", "on_frontier"]].values.tolist() == [
        ["fast", "tied", True],
        ["tied", "fast", False],
    ]
    sd_ap, sd_ms = np.hypot(0.01, 0.01) / Z95, np.hypot(0.6, 0.602) / Z95
    expected = PHI(0.001 / sd_ap) * PHI(0.1 / sd_ms)  # that fast beats tied
    assert ties["rival_probability"].tolist()[1] == pytest.approx(expected, abs=0.03)
    assert ties["probability"].tolist()[1] == pytest.approx(1 - expected, abs=0.03)


def test_the_band_of_one_row_is_its_interval(tmp_path):
    frame = timed(with_intervals(framed(tmp_path, [made("a", ap=0.3)]), ap_low=[0.28], ap_high=[0.32]))
    low, high = band(frame, np.array([29.9, 30.0, 99.0]))
    assert np.isneginf([low[0], high[0]]).all()  # nothing is as fast
    assert [low[1], high[1]] == pytest.approx([0.28, 0.32], abs=2e-3)
    assert [low[2], high[2]] == [low[1], high[1]]


def test_the_band_holds_the_frontier_of_sure_rows_and_never_falls(tmp_path):
    frame = timed(framed(tmp_path, small_study()))
    frame = unsure(frame[frame["trusted"].fillna(False).astype(bool)])
    at = np.geomspace(10, 300, 60)
    low, high = band(frame, at)
    best = [frame["ap"][frame["time_ms"] <= x].max() for x in at]
    reached = ~np.isnan(best) & np.isfinite(low)
    assert (low[reached] <= np.array(best)[reached]).all()
    assert (np.array(best)[reached] <= high[reached] + 1e-9).mean() > 0.95
    assert (np.diff(low[np.isfinite(low)]) >= 0).all()
    assert (np.diff(high[np.isfinite(high)]) >= 0).all()
