"""The smallest cap and the largest batch, on memory that is a number."""

import pytest
import torch

from tests.probes.fake_memory import FakeMemory
from tradeoff.core.errors import NotMeasured
from tradeoff.probes.fit import fits, largest_batch, smallest_cap


@pytest.mark.parametrize("needs", [101, 340, 555, 899, 900])
@pytest.mark.parametrize("step", [1, 20])
def test_the_smallest_cap_is_what_the_work_needs(needs: int, step: int):
    device = FakeMemory()
    found = smallest_cap(device.work(needs), device, step)
    assert needs <= found < needs + step
    assert device.tries <= 2 + 10  # the peak, its cap, and 800 halved down to 1
    assert device.capped == device.total()


@pytest.mark.parametrize("words", ["CUBLAS_STATUS_ALLOC_FAILED when", "cuDNN: unable to find an engine to execute"])
def test_a_library_that_gets_no_memory_does_not_fit(words: str):
    device = FakeMemory(error=words)
    assert smallest_cap(device.work(340), device, 1) == 340


def test_another_error_is_no_lack_of_memory_and_the_cap_is_lifted():
    device = FakeMemory(error="device-side assert triggered")
    with pytest.raises(RuntimeError, match="assert"):
        smallest_cap(device.work(340), device, 1)
    assert device.capped == device.total()


def test_work_that_does_not_run_under_its_own_peak_has_no_cap():
    device = FakeMemory()
    with pytest.raises(NotMeasured, match="cap of its own peak"):
        smallest_cap(device.work(901), device, 1)
    assert device.capped == device.total()


def test_what_a_failed_try_held_is_let_go():
    held = []

    class Held:
        def __del__(self) -> None:
            held.append("gone")

    def work() -> None:
        mine = Held()
        raise torch.OutOfMemoryError(f"CUDA out of memory {mine is None}")

    assert not fits(work)
    assert held == ["gone"]


@pytest.mark.parametrize("capacity", [*range(70), 1000, 1023, 1024])
def test_the_largest_batch_is_found_to_within_a_sixteenth(capacity: int):
    device = FakeMemory()
    tried = []

    def call(batch: int) -> None:
        tried.append(batch)
        device.work(0 if batch <= capacity else device.total() + 1)()

    found, why = largest_batch(call, device, most=4096, patience_s=1.0, clock=lambda: 0.0)
    assert found <= capacity <= found + found // 16
    assert why == ""
    assert found in tried or found == 0
    assert len(tried) <= 18


def test_no_more_than_the_most_is_tried():
    device = FakeMemory()
    found, why = largest_batch(lambda batch: None, device, most=64, patience_s=1.0, clock=lambda: 0.0)
    assert (found, why) == (64, "larger batches than 64 were not tried")


def test_a_slow_call_ends_the_search():
    device, now = FakeMemory(), [0.0]

    def call(batch: int) -> None:
        now[0] += 0.1 * batch

    found, why = largest_batch(call, device, most=4096, patience_s=1.0, clock=lambda: now[0])
    assert found == 16  # 0.8 s for 8 images, 1.6 s for 16
    assert why == "larger batches were not tried, a call of 16 took 2 s"


@pytest.mark.parametrize("limit", [16, 24, 100])
def test_an_error_that_only_larger_batches_meet_ends_the_search_with_its_words(limit: int):
    def call(batch: int) -> None:
        if batch > limit:
            raise RuntimeError("integer out of range\nlong story")

    found, why = largest_batch(call, FakeMemory(), most=4096, patience_s=1.0, clock=lambda: 0.0)
    assert found == 2 ** (limit.bit_length() - 1)  # the last that was doubled to
    assert why == "larger batches end in another error: integer out of range"


def test_an_error_of_a_single_image_goes_on_its_way():
    def call(batch: int) -> None:
        raise RuntimeError("device-side assert triggered")

    with pytest.raises(RuntimeError, match="assert"):
        largest_batch(call, FakeMemory(), most=4096, patience_s=1.0)


def test_a_full_host_is_no_full_gpu():
    def call(batch: int) -> None:
        if batch > 16:
            raise MemoryError

    found, why = largest_batch(call, FakeMemory(), most=4096, patience_s=1.0, clock=lambda: 0.0)
    assert (found, why) == (16, "larger batches end in another error: the memory of the host is full")
    with pytest.raises(MemoryError):
        smallest_cap(lambda: call(17), FakeMemory(), 1)
