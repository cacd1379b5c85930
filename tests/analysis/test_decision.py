"""What fits, what binds and what just misses, against a search by hand of small and random tables."""

import itertools
import random

import pytest

from tests.analysis.synthetic import failed, framed, made, published
from tradeoff.analysis import answer
from tradeoff.analysis.decision import decisions
from tradeoff.analysis.limits import budget
from tradeoff.core.errors import ConfigError, TableError

#: AP, time, memory
ROWS = [
    made("fast", ap=0.20, latency_ms_p50=10.0, peak_memory_mb=500.0),
    made("good", ap=0.30, latency_ms_p50=33.0, peak_memory_mb=900.0),
    made("better", ap=0.34, latency_ms_p50=45.0, peak_memory_mb=950.0),
    made("large", ap=0.33, latency_ms_p50=25.0, peak_memory_mb=1200.0),
    made("huge", ap=0.40, latency_ms_p50=90.0, peak_memory_mb=4000.0),
    made("worse", ap=0.10, latency_ms_p50=31.0, peak_memory_mb=400.0),
    failed(),
]


def decided(tmp_path, rows, **bounds):
    (decision,) = decisions(framed(tmp_path, rows), budget(bounds))
    return decision


def test_each_limit_tells_the_next_better_model_that_it_alone_keeps_away(tmp_path):
    decision = decided(tmp_path, ROWS, max_latency_ms=30, max_memory_mb=1000)
    assert decision.picked["run_id"] == "fast"
    steps = {step.limit.word: (step.row["run_id"], step.needed) for step in decision.steps}
    # 3 ms more buy "good", not "worse" that needs 1 ms; 200 MB more buy "large"; "huge" breaks both
    assert steps == {"max_latency_ms": ("good", 33.0), "max_memory_mb": ("large", 1200.0)}
    assert decision.nearest.row["run_id"] == "good"  # 33 / 30 is 10 % too much, 1200 / 1000 is 20 %
    assert [(limit.word, value) for limit, value in decision.nearest.broken.items()] == [("max_latency_ms", 33.0)]


def test_where_only_several_limits_together_keep_better_models_away_the_nearest_breaks_them_all(tmp_path):
    decision = decided(tmp_path, ROWS, max_latency_ms=50, max_memory_mb=1000)
    assert (decision.picked["run_id"], decision.steps) == ("better", [])
    assert {limit.word: value for limit, value in decision.nearest.broken.items()} == {
        "max_latency_ms": 90.0,
        "max_memory_mb": 4000.0,
    }


def test_without_a_better_model_no_limit_binds(tmp_path):
    decision = decided(tmp_path, ROWS, max_latency_ms=90, max_memory_mb=4000)
    assert (decision.picked["run_id"], decision.steps, decision.nearest) == ("huge", [], None)


def test_a_least_ap_binds_when_nothing_fits_and_the_closest_miss_is_told(tmp_path):
    decision = decided(tmp_path, ROWS, max_latency_ms=20, min_ap=0.25)
    assert (decision.picked, decision.steps) == (None, [])
    # fast has 0.20 of 0.25: a quarter too little; large takes 25 of 20 ms: a quarter too much; the better goes first
    assert decision.nearest.row["run_id"] == "large"


def test_what_was_not_measured_does_not_fit_and_is_counted(tmp_path):
    decision = decided(tmp_path, [*ROWS, made("told", ap=0.1, energy_j=0.5)], max_energy_j=1)
    assert decision.fits["run_id"].tolist() == ["told"]
    assert {limit.word: count for limit, count in decision.unknown.items()} == {"max_energy_j": 6}
    assert decision.nearest is None


def binds(decision):
    """What the answer says after the models that fit, on one line."""
    return " ".join(answer.text(decision, 3).split())


NONE_BINDS = "No limit binds: no better model is kept away."


def test_no_limit_binds_only_where_no_better_model_is_left_out(tmp_path):
    bounds = {"max_memory_mb": 5000}
    assert NONE_BINDS in binds(decided(tmp_path / "a", ROWS, **bounds))
    lacks = [made(f"lacks{index}", ap=0.5 + index / 10) for index in range(2)]
    decision = decided(tmp_path / "b", [*ROWS, *lacks, made("lesser", ap=0.1)], **bounds)
    assert "2 better models have no number for peak memory." in binds(decision)
    assert NONE_BINDS not in binds(decision)
    told = answer.plain(decision)
    assert (told["unknown"], told["unknown_better"]) == ({"max_memory_mb": 3}, {"max_memory_mb": 2})
    doubtful = made("doubtful", ap=0.5, peak_memory_mb=900.0, trusted=False)
    decision = decided(tmp_path / "c", [*ROWS, doubtful], **bounds)
    assert "1 untrusted model has more AP than the pick." in binds(decision)
    assert NONE_BINDS not in binds(decision)
    assert answer.plain(decision)["doubted"] == 1


def test_an_untrusted_row_is_picked_only_where_no_trusted_one_fits(tmp_path):
    rows = [*ROWS, made("doubtful", ap=0.5, latency_ms_p50=5.0, trusted=False, reasons="throttled")]
    assert decided(tmp_path / "a", rows, max_latency_ms=20).picked["run_id"] == "fast"
    decision = decided(tmp_path / "b", rows, max_latency_ms=8)
    assert decision.picked["run_id"] == "doubtful"
    assert [step.row["run_id"] for step in decision.steps] == ["fast"]  # trusted, so better in spite of its AP


def test_rows_that_cannot_be_compared_are_answered_apart(tmp_path):
    rows = [*ROWS, made("edge", device_name="Raspberry Pi", ap=0.2, latency_ms_p50=900.0)]
    both = decisions(framed(tmp_path, rows), budget({"max_latency_ms": 30}))
    assert [(d.title, len(d.rows), d.picked is None) for d in both] == [
        ("NVIDIA H200", 6, False),
        ("Raspberry Pi", 1, True),
    ]
    many = [made(f"d{index}", device_name=f"device {index}") for index in range(9)]
    with pytest.raises(TableError, match=r"9 sets of rows .*--where device_name=NAME(.|\n)*device 8"):
        decisions(framed(tmp_path / "many", many), {})


def test_sets_without_any_ap_are_left_out_where_others_have_some(tmp_path):
    rows = [*ROWS, made("profile", device_name="Raspberry Pi", ap=None)]
    assert len(decisions(framed(tmp_path / "a", rows), {})) == 1
    assert len(decisions(framed(tmp_path / "b", [made("profile", ap=None)]), {})) == 1


def test_what_the_intervals_do_not_tell_apart_from_the_pick_is_told(tmp_path):
    rows = [
        made("best", ap=0.30, ap_low=0.27, ap_high=0.33, latency_ms_p50=30.0),
        made("near", ap=0.26, ap_low=0.22, ap_high=0.29, latency_ms_p50=10.0),  # 0.04 < √(0.03² + 0.03²) = 0.0424
        made("far", ap=0.25, ap_low=0.22, ap_high=0.28, latency_ms_p50=5.0),  # 0.05
        made("untold", ap=0.29, latency_ms_p50=20.0),
    ]
    decision = decided(tmp_path, rows, max_latency_ms=30)
    assert decision.alike["run_id"].tolist() == ["near"]
    told = answer.text(decision, 3)
    assert "the fastest of them: model near, AP 0.260 (-0.040), 10 ms." in " ".join(told.split())
    assert decided(tmp_path / "b", ROWS, max_latency_ms=30).alike.empty


def test_a_table_without_a_finished_row_has_nothing_to_choose_from(tmp_path):
    with pytest.raises(TableError, match="none of 1 rows is finished"):
        decisions(framed(tmp_path, [failed()]), {})


def test_a_mean_stands_for_a_median_that_is_not_there(tmp_path):
    rows = [
        made("a", latency_ms_p50=None, latency_ms_mean=20.0),
        made("b", latency_ms_p50=None, latency_ms_mean=40.0),
    ]
    frame = published(framed(tmp_path, rows))
    (decision,) = decisions(frame, budget({"max_latency_ms": 30}))
    assert decision.fits["run_id"].tolist() == ["a"]
    assert "mean time" in decision.conditions


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"max_latency": 30}, "max_latency: no such limit; there are max_latency_ms"),
        ({"max_latency_ms": 0}, "--max-latency-ms 0: expected a number above 0"),
        ({"max_memory_mb": float("nan")}, "--max-memory-mb nan"),
        ({"min_ap": 30}, "for 30 % give 0.3"),
        ({"min_ap_small": -0.1}, "--min-ap-small -0.1: expected a number of 0..1"),
    ],
)
def test_a_budget_that_nothing_can_keep_is_refused(bounds, told):
    with pytest.raises(ConfigError) as caught:
        budget(bounds)
    assert told in str(caught.value)


def test_every_fault_of_a_budget_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        budget({"max_latency_ms": -1, "min_ap": 2, "min_apx": None})
    assert len(caught.value.faults) == 3


def keeps(row, bounds):
    """Tell whether a row keeps limits, by plain comparisons."""
    return all(row[name] is not None and row[name] <= bound for name, bound in bounds.items())


def searched(rows, bounds):
    """Return the pick and, for each limit, the next better value, by trying every value that the table has."""

    def best(limits):
        fits = [row for row in rows if keeps(row, limits)]
        return min(fits, key=lambda row: (-row["ap"], row["latency_ms_p50"], row["run_id"]), default=None)

    picked, bought = best(bounds), {}
    for name in bounds:
        for value in sorted({row[name] for row in rows if row[name] is not None and row[name] > bounds[name]}):
            found = best({**bounds, name: value})
            if picked and found["ap"] > picked["ap"]:
                bought[name] = (value, found["run_id"])
                break
    return picked and picked["run_id"], bought


@pytest.mark.parametrize("seed", range(12))
def test_pick_and_steps_are_those_of_a_search(tmp_path, seed):
    choose = random.Random(seed).choice
    numbers = [(a, t, m) for a, t, m in itertools.product((0.1, 0.2, 0.3), (10.0, 20.0, 40.0), (100.0, 200.0, None))]
    rows = [
        made(f"r{index}", ap=ap, latency_ms_p50=time, peak_memory_mb=memory)
        for index, (ap, time, memory) in enumerate(choose(numbers) for _ in range(8))
    ]
    bounds = {"latency_ms_p50": choose((10.0, 20.0)), "peak_memory_mb": choose((100.0, 150.0))}
    picked, bought = searched(rows, bounds)
    decision = decided(
        tmp_path, rows, max_latency_ms=bounds["latency_ms_p50"], max_memory_mb=bounds["peak_memory_mb"]
    )
    assert picked == (None if decision.picked is None else decision.picked["run_id"])
    columns = {"max_latency_ms": "latency_ms_p50", "max_memory_mb": "peak_memory_mb"}
    steps = {columns[step.limit.word]: (step.needed, step.row["run_id"]) for step in decision.steps}
    assert steps == bought
