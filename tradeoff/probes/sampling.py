"""Take samples of a chain, whole and split, until they suffice or time is over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tradeoff.probes.chain import Chain, Run
from tradeoff.probes.limits import Limits, Watch
from tradeoff.probes.stopping import Stopping

STAGED_TURN = 5  # every fifth run is timed step by step
MAX_SAMPLES = 100_000  # bounds the memory of a callable that takes microseconds
BLOCK_NS = 10_000_000  # runs of about so long together are taken between two looks at limits and progress
OUTPUTS = 16  # inputs whose outputs are kept


@dataclass
class Samples:
    """What was taken.

    whole: end to end, sample i of input i modulo their number. staged: ms of each step, per run. outputs: what the
    last whole run of each of the first inputs put out. spent_s: seconds in all. stopped_by: "precision" or "noise"
    (see `Stopping`), "time", or "samples" where there are as many as are kept. is_steady: whether noise has settled.
    """

    whole: list[Run] = field(default_factory=list)
    staged: list[list[float]] = field(default_factory=list)
    outputs: dict[int, Any] = field(default_factory=dict)
    spent_s: float = 0.0
    stopped_by: str = "time"
    is_steady: bool = False


class Sampler:
    """Takes end-to-end samples of inputs in their order, again and again, and staged runs in between.

    Runs of microseconds are taken in blocks, so that looking at limits costs none of them much.

    Args:
        chain: what is timed; it is warm.
        inputs: at least one.
        limits: when to stop.
        watch: shows how much of the time has gone.
        pause: is called before every run, outside of what is timed; None runs back to back.
    """

    def __init__(
        self,
        chain: Chain,
        inputs: Sequence[Any],
        limits: Limits,
        watch: Watch,
        pause: Callable[[], None] | None = None,
    ) -> None:
        self.chain, self.inputs, self.watch, self.pause = chain, inputs, watch, pause
        self.taken = Samples()
        self.stopping = Stopping(limits, len(inputs))
        self.begin_s = watch.elapsed_s()
        self.end_s = min(self.begin_s + limits.max_s, limits.budget_s)
        self.end_ns = watch.moment_ns(self.end_s)
        self.block = 1

    def run(self) -> Samples:
        """Take samples until there is a reason to stop."""
        taken = self.taken
        while not (reason := self.reason_to_stop()):
            if (STAGED_TURN - 1) * len(taken.staged) < len(taken.whole):
                self.take_staged()
            else:
                self.take_block()
        if not taken.staged:  # a split of one run is better than none
            self.take_staged()
        taken.stopped_by, taken.is_steady = reason, self.stopping.is_steady()
        taken.spent_s = self.watch.elapsed_s() - self.begin_s
        return taken

    def reason_to_stop(self) -> str | None:
        """Say why there shall be no more samples, None to go on."""
        now_s, count = self.watch.elapsed_s(), len(self.taken.whole)
        if now_s >= self.end_s:
            return "time"
        if count >= MAX_SAMPLES:
            return "samples"
        if count < self.stopping.look_at:
            return None
        samples_ms = [host_ms for host_ms, _ in self.taken.whole]
        return self.stopping.look(samples_ms, now_s - self.begin_s, self.end_s - now_s)

    def take_block(self) -> None:
        """Take the next end-to-end samples, none that begins after the end; choose how many the next block has."""
        taken, chain, inputs, pause, end_ns = self.taken, self.chain, self.inputs, self.pause, self.end_ns
        run, keep, outputs, count = chain.end_to_end, taken.whole.append, taken.outputs, len(inputs)
        begin, began_ns = len(taken.whole), self.watch.clock_ns()
        for index in range(begin, begin + min(self.block, self.stopping.look_at - begin)):
            which = index % count
            if pause:
                pause()
            keep(run(inputs[which]))
            if which < OUTPUTS:
                outputs[which] = chain.last
            if chain.ended_ns >= end_ns:
                break
        took_ns = chain.ended_ns - began_ns
        if took_ns > BLOCK_NS:
            self.block = max(1, self.block // 2)
        elif 2 * took_ns < BLOCK_NS:
            self.block *= 2

    def take_staged(self) -> None:
        """Take runs step by step until there are enough of them, none that begins after the end."""
        staged, inputs, pause = self.taken.staged, self.inputs, self.pause
        for index in range(len(staged), max(len(staged) + 1, len(self.taken.whole) // (STAGED_TURN - 1))):
            if pause:
                pause()
            staged.append(self.chain.staged(inputs[index % len(inputs)]))
            if self.chain.ended_ns >= self.end_ns:
                break
