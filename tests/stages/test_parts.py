"""Parts of a measurement that can be spared, and what of it costs time only where it was asked for."""

from types import SimpleNamespace

import pytest
import torch

from tests.stages.test_measure import WORDS, stages_of
from tradeoff.core.errors import CombinationError, DeviceLost, ImpossibleTime
from tradeoff.core.store import Context, Store
from tradeoff.run import enumerate_cells
from tradeoff.stages import measure
from tradeoff.stages.costs import energy, fit
from tradeoff.stages.costs.subject import Findings


@pytest.fixture
def context(tmp_path, monkeypatch):
    """Nothing is trained: these parts look at no detector."""
    monkeypatch.setattr(measure, "fetch", lambda stage, context: {})
    return Context(Store(tmp_path))


def parts(monkeypatch, *told):
    """Measure with these parts alone; the last one can be spared."""
    monkeypatch.setattr(measure, "PARTS", told)
    monkeypatch.setattr(measure, "SPARE", {told[-1]: ("fit_mb", "fit_batch")})


def raises(error):
    def part(subject, before):
        raise error

    return part


def test_an_error_of_a_part_that_can_be_spared_leaves_its_columns_empty(context, tmp_path, monkeypatch):
    stage = stages_of("meta_arch=ssd").measure
    full = torch.OutOfMemoryError("CUDA out of memory.\nMore")
    parts(monkeypatch, lambda subject, before: Findings({"latency_ms_p50": 3.0}), raises(full))
    told = measure.run(stage, tmp_path, context)
    assert (told["latency_ms_p50"], told["trusted"]) == (3.0, True)
    words = "OutOfMemoryError: CUDA out of memory."
    assert told["unmeasured"] == f"fit_mb: {words}; fit_batch: {words}"


@pytest.mark.parametrize(
    ("name", "words"), [("arithmetic", "the arithmetic was"), ("bound", "the physical limit was")]
)
def test_a_time_that_was_not_checked_is_not_trusted(context, tmp_path, monkeypatch, name, words):
    part = raises(RuntimeError("no peak\nMore"))
    parts(monkeypatch, part)
    monkeypatch.setattr(measure, "NEEDED", {part: measure.NEEDED[getattr(measure, name).measure]})
    told = measure.run(stages_of("meta_arch=ssd").measure, tmp_path, context)
    assert told["trusted"] is False
    assert told["reasons"].startswith(words)
    assert told["reasons"].endswith("RuntimeError: no peak; run again")
    assert "RuntimeError: no peak" in told["unmeasured"]


def test_energy_and_fit_are_missed_without_a_doubt():
    assert set(measure.NEEDED) == set(measure.SPARE) - {energy.measure, fit.measure}


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA error: unspecified launch failure"), ImpossibleTime("0 ms"), None]
)
def test_a_gpu_that_was_lost_ends_the_row_whatever_that_has_caused(monkeypatch, error):
    part = raises(error) if error else lambda subject, before: Findings({}, missing={"fit_mb": "launch failure"})
    parts(monkeypatch, part)
    on_gpu = SimpleNamespace(device=torch.device("cuda:1"))
    monkeypatch.setattr(measure.nvml, "is_lost", lambda index: index == 1)
    with pytest.raises(DeviceLost, match="GPU is lost") as raised:
        measure.attempted(part, on_gpu, {})
    assert raised.value.__context__ is error
    monkeypatch.setattr(measure.nvml, "is_lost", lambda index: False)
    if not isinstance(error, ImpossibleTime):
        assert set(measure.attempted(part, on_gpu, {}).missing) >= {"fit_mb"}


def test_an_impossible_time_a_lost_device_and_errors_of_the_timing_end_the_row(context, tmp_path, monkeypatch):
    stage = stages_of("meta_arch=ssd").measure
    for error in (ImpossibleTime("0 ms"), DeviceLost("gone")):
        parts(monkeypatch, raises(error))
        with pytest.raises(type(error)):
            measure.run(stage, tmp_path, context)
    parts(monkeypatch, raises(ValueError("timing")), lambda subject, before: Findings({}))
    with pytest.raises(ValueError, match="timing"):
        measure.run(stage, tmp_path, context)


def test_the_parts_that_can_be_spared_are_parts():
    assert set(measure.SPARE) < set(measure.PARTS)


def test_a_length_of_windows_that_are_not_measured_is_refused_by_hand_and_in_no_key():
    ((given, _),) = enumerate_cells([*WORDS, "measure.energy_s=9"])
    with pytest.raises(CombinationError, match=r"measure\.energy_s=9\.0: has no meaning with energy_trials=0"):
        given.check_combination()
    assert stages_of("measure.energy_s=9").measure == stages_of().measure
    windows = [stages_of("measure.energy_trials=2", f"measure.energy_s={s}").measure for s in (3, 9)]
    assert windows[0] != windows[1]


@pytest.mark.parametrize(("train", "trials"), [("quick", 0), ("none", 0), ("smoke", 0), ("paper", 3), ("modern", 3)])
def test_energy_takes_time_only_where_time_is_given(train, trials):
    ((cell, _),) = enumerate_cells(["extractor=tiny", f"train={train}"])
    assert cell.measuring.energy_trials == trials
