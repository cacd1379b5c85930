"""A device whose memory is a number."""

from collections.abc import Callable

import torch


class FakeMemory:
    """A device of so many bytes; work keeps some in reserve when it can, and needs some in any case."""

    def __init__(self, total: int = 10_000, in_use: int = 100, reserve: int = 900, error: str = "") -> None:
        self.total_, self.in_use_, self.reserve, self.error = total, in_use, reserve, error
        self.capped = total
        self.tries = 0

    def total(self) -> int:
        return self.total_

    def in_use(self) -> int:
        return self.in_use_

    def cap(self, size: int) -> None:
        self.capped = size

    def peak(self, work: Callable[[], object]) -> int:
        work()
        return self.reserve

    def work(self, needs: int) -> Callable[[], None]:
        def work() -> None:
            self.tries += 1
            if needs > self.capped:
                raise RuntimeError(self.error) if self.error else torch.OutOfMemoryError("CUDA out of memory")

        return work
