"""One progress display with the time left, drawn by the parent process; plain lines where there is no terminal."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn, track
from rich.progress import Progress as Bars

Item = TypeVar("Item")

#: about what share of a cell's time each stage takes, for the time left
SHARES = {"train": 0.70, "predict": 0.10, "evaluate": 0.02, "measure": 0.18}


class Progress:
    """Shows the cells that are done, the stages that are worked on, and the time left; silent with nothing to do.

    Args:
        cells: how many cells there are.
    """

    def __init__(self, cells: int) -> None:
        self.cells, self.finished, self.work = cells, 0, 0.0
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
        self.bars = Bars(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console)
        self.overall = self.bars.add_task("study", total=max(cells, 1), detail=f"0/{cells} cells")

    def __enter__(self) -> Self:
        if self.cells and self.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.bars.stop()

    @contextmanager
    def cell(self, label: str) -> Iterator[None]:
        """Work on one cell."""
        start = time.monotonic()
        yield
        self.finished += 1
        self.line(f"[{self.finished}/{self.cells}] {label}: {time.monotonic() - start:.1f} s")
        self.work = max(self.work, float(self.finished))
        self.bars.update(self.overall, completed=self.work, detail=f"{self.finished}/{self.cells} cells")

    @contextmanager
    def stage(self, name: str, label: str) -> Iterator[Callable[[float, float, str], None]]:
        """Work on one stage, beside others or not; yields the function that takes (done, total, unit) from it."""
        task = self.bars.add_task(f"{label}: {name}", total=None, detail="")
        before = 0.0

        def report(done: float, total: float, unit: str) -> None:
            nonlocal before
            share = SHARES.get(name, 0.1) * min(done / total, 1.0)
            self.work += share - before
            before = share
            self.bars.update(task, completed=done, total=total, detail=f"{done:.0f}/{total:.0f} {unit}")
            self.bars.update(self.overall, completed=min(self.work, float(self.cells)))

        try:
            yield report
        finally:
            self.bars.remove_task(task)

    def line(self, text: str) -> None:
        """Write one line, above the bars where there is a terminal."""
        if self.console.is_terminal:
            self.console.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)


def watched(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield the items, with a bar of how many of them there were where there is a terminal."""
    console = Console(stderr=True)
    yield from track(items, what, total, console=console, transient=True, disable=not console.is_terminal)
