"""A budget picks the models that keep it."""

import pytest

from tests.analysis.synthetic import failed, framed, made
from tradeoff.analysis.pick import pick
from tradeoff.core.errors import TableError

ROWS = [
    made("fast", ap=0.20, latency_ms_p50=10.0, peak_memory_mb=500.0, energy_j=1.0, params=4_000_000),
    made("good", ap=0.30, latency_ms_p50=30.0, peak_memory_mb=900.0, energy_j=3.0, params=20_000_000),
    made("slow", ap=0.30, latency_ms_p50=90.0, peak_memory_mb=700.0, params=60_000_000),
    made("doubtful", ap=0.40, latency_ms_p50=5.0, peak_memory_mb=100.0, trusted=False),
    made("untrained", ap=None, latency_ms_p50=8.0),
    failed(),
]


@pytest.mark.parametrize(
    ("limits", "picked"),
    [
        ({}, ["good", "slow", "fast", "untrained", "doubtful"]),
        ({"max_latency_ms": 30}, ["good", "fast", "untrained", "doubtful"]),
        ({"max_latency_ms": 29.9}, ["fast", "untrained", "doubtful"]),
        ({"max_memory_mb": 700}, ["slow", "fast", "doubtful"]),
        ({"max_energy_j": 2}, ["fast"]),  # what was not measured does not fit
        ({"max_params": 20e6}, ["good", "fast"]),
        ({"min_ap": 0.25}, ["good", "slow", "doubtful"]),
        ({"max_latency_ms": 20, "min_ap": 0.3}, ["doubtful"]),
        ({"max_latency_ms": 1}, []),
    ],
)
def test_what_fits_is_ranked_by_trust_then_ap_then_latency(tmp_path, limits, picked):
    frame = framed(tmp_path, ROWS)
    chosen = pick(frame, **limits)
    assert chosen["run_id"].tolist() == picked
    assert list(chosen.columns) == list(frame.columns)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"data": "shapes"}, "'data'"),
        ({"device_name": "a CPU"}, "'device_name'"),
        ({"precision": "fp16"}, "'precision'"),
        ({"batch_size": 8}, "'batch_size'"),
        ({"overrides": "data.root=elsewhere"}, "'data'.*data.root=elsewhere.*'overrides'"),
        ({"eval_images": 100}, r"'data'.*\(100 images\).*'eval_images'"),
    ],
)
def test_rows_that_cannot_be_compared_are_not_ranked(tmp_path, other, told):
    frame = framed(tmp_path, [*ROWS, made("other", **other)])
    with pytest.raises(TableError, match=told):
        pick(frame)
