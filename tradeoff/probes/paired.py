"""Which of two callables takes longer, told by turns in random order.

A machine that others use, that heats up or that changes its clock makes two medians taken one after the other differ
by far more than what is asked for. So the callables take turns. In every round each has one turn, in an order that is
drawn anew, and what is compared are the turns of a round: the logarithm of the ratio of their times. Whatever the
machine does in a round, drift, a burst, a slow phase of many rounds, the draw gives to one or to the other alike. The
signs of what it does are thus independent even where its sizes are not, and this is all that the interval of
`signed_rank` asks for: no blocks of rounds, no model of the noise.

What runs first in a round finds the caches as the other has left them. That counts for all alike, and is what a
program meets that uses both; a callable alone in a loop can be faster.
"""

import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch

from tradeoff.probes.chain import collector_off, shape_of
from tradeoff.probes.paired_doubts import WRONG, doubts
from tradeoff.probes.signed_rank import FEWEST, centre
from tradeoff.probes.warm_up import first_of_each_shape

Verdict = Literal["FAST", "SLOW", "SAME", "CANNOT TELL"]
Progress = Callable[[float, float], None]

LOOK_AGAIN = 1.2  # times as many rounds as at the last look
LONGEST_TURN = 100  # times the shortest that is wanted: where the callables are of very different lengths
MOST_CALLS = 1 << 20
PROGRESS_S = 0.2


@dataclass(frozen=True)
class Demands:
    """What is asked, and how long it may take.

    zone: ratios between 1 / (1 + zone) and 1 + zone count as the same; 0.01 is 1 %. Timing ends once the interval
    reaches no further than half of it to each side, for then there is a verdict wherever the ratio is.
    max_s: seconds of timing, though ten rounds are taken in any case; warm-up comes on top. min_rounds, max_rounds:
    of timing. warmup_s: shortest warm-up.
    turn_ms: shortest turn; what takes less is called as often as it needs, all callables alike.

    Raises: ValueError: a value is not above 0, or not finite; fewer than 10 rounds.
    """

    zone: float = 0.01
    max_s: float = 60.0
    min_rounds: int = 30
    max_rounds: int = 4000
    warmup_s: float = 0.5
    turn_ms: float = 1.0

    def __post_init__(self) -> None:
        for spec in fields(self):
            value, least = getattr(self, spec.name), FEWEST if spec.name.endswith("rounds") else 0
            if not math.isfinite(value) or value < least or (value == 0 and spec.name != "warmup_s"):
                wanted = f"at least {least}" if least else "more than 0"
                raise ValueError(f"Demands.{spec.name}: got {value}, expected a finite number, {wanted}")

    @property
    def precision(self) -> float:
        """How far the interval of the logarithm may reach to each side when timing ends."""
        return math.log1p(self.zone) / 2


@dataclass(frozen=True)
class Ratio:
    """How long a callable takes in relation to the first one: 1.05 is 5 % longer.

    estimate: the centre of the rounds' ratios. low, high: its 95 % interval. verdict: see `judge`.
    """

    estimate: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """What was measured; every turn is kept.

    rounds_ms: of each round the times of the callables per call, in the order in which they were given; round i took
    input i modulo their number. orders: in which they ran. calls: of a callable in a turn. ratios: of every callable
    but the first, to the first. reasons: why not to trust it; empty when all is well.
    """

    rounds_ms: list[list[float]]
    orders: list[list[int]]
    calls: int
    ratios: list[Ratio]
    reasons: list[str]

    def medians_ms(self) -> list[float]:
        """Return the median of each callable."""
        return [statistics.median(times) for times in zip(*self.rounds_ms, strict=True)]


def compare(
    functions: Sequence[Callable[[Any], object]],
    inputs: Sequence[Any] = (None,),
    *,
    device: torch.device | str = "cpu",
    demands: Demands = Demands(),
    draw: random.Random | None = None,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    progress: Progress | None = None,
) -> Comparison:
    """Time callables in turns until their ratios are known well enough, or time is over.

    When to end depends on the width of the intervals, never on the verdicts, so that nobody looks until a difference
    turns up. Inference mode is the caller's business.

    Args:
        functions: at least two; each takes an input. In a round all take the same one.
        inputs: at least one, taken round after round; their shapes are warmed up one by one. Timing ends after whole
            passes over them, but for a first pass that time does not suffice for.
        device: where the callables leave their work, cpu or cuda; a turn ends when it is done.
        demands: what is asked, and how long it may take.
        draw: draws the orders; None is a generator of its own, differently seeded every time.
        clock_ns: a clock that never runs backwards, nanoseconds.
        progress: called now and then, between turns, with the seconds gone and the most there can be.

    Raises: ValueError: fewer than two functions, no inputs, a device that is neither cpu nor cuda, or callables that
        take no time on this clock.
    """
    device = torch.device(device)
    if len(functions) < 2 or len(inputs) == 0 or device.type not in ("cpu", "cuda"):
        got = f"{len(functions)} functions, {len(inputs)} inputs, device {device}"
        raise ValueError(f"compare: got {got}; expected at least two functions and one input, cpu or cuda")
    turns = _Turns(functions, inputs, device, draw or random.Random(), clock_ns)
    with collector_off():
        turns.warm_up(demands)
        turns.take_rounds(demands, progress)
    logs = [differences(turns.rounds_ms, index) for index in range(1, len(functions))]
    return Comparison(
        rounds_ms=turns.rounds_ms,
        orders=turns.orders,
        calls=turns.calls,
        ratios=[ratio(log, demands.zone) for log in logs],
        reasons=[reason for log in logs for reason in doubts(log, len(inputs), demands.zone)],
    )


def differences(rounds_ms: Sequence[Sequence[float]], index: int) -> list[float]:
    """Return the logarithm of the ratio of one callable to the first, round by round."""
    return [math.log(times[index] / times[0]) for times in rounds_ms]


def ratio(logs: Sequence[float], zone: float) -> Ratio:
    """Return the ratio that rounds tell, with its interval and the verdict."""
    estimate, low, high = (math.exp(value) for value in centre(logs, WRONG))
    return Ratio(estimate, low, high, judge(low, high, zone))


def judge(low: float, high: float, zone: float) -> Verdict:
    """Return the verdict that an interval of the ratio allows.

    SAME: the whole interval lies in the zone; what difference there is does not matter, even if it is sure. FAST or
    SLOW: not so, and the whole interval lies on one side of 1. CANNOT TELL: neither. Of two callables that take the
    same time, FAST or SLOW is thus said at most as often as an interval misses the truth, one time in twenty.
    """
    if low >= 1 / (1 + zone) and high <= 1 + zone:
        return "SAME"
    if high < 1:
        return "FAST"
    return "SLOW" if low > 1 else "CANNOT TELL"


class _Turns:
    """Callables that take turns, and the times they took."""

    def __init__(
        self,
        functions: Sequence[Callable[[Any], object]],
        inputs: Sequence[Any],
        device: torch.device,
        draw: random.Random,
        clock_ns: Callable[[], int],
    ) -> None:
        self.functions, self.inputs, self.device = functions, inputs, device
        self.draw, self.clock_ns = draw, clock_ns
        self.calls = 1
        self.rounds_ms: list[list[float]] = []
        self.orders: list[list[int]] = []

    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def turn_ms(self, index: int, value: Any) -> float:
        """Call one callable as often as a turn has calls; return the milliseconds until all is done."""
        function = self.functions[index]
        begin_ns = self.clock_ns()
        for _ in range(self.calls):
            function(value)
        self.synchronize()
        return (self.clock_ns() - begin_ns) / 1e6

    def round(self, value: Any) -> tuple[list[int], list[float]]:
        """Give each callable a turn; return the order, and the milliseconds of a turn of each."""
        order = self.draw.sample(range(len(self.functions)), len(self.functions))
        times = {index: self.turn_ms(index, value) for index in order}
        return order, [times[index] for index in range(len(self.functions))]

    def warm_up(self, demands: Demands) -> None:
        """Run every shape, find how many calls a turn needs, and go on until the shortest warm-up is over.

        Raises:
            ValueError: when the callables take no time.
        """
        begin_ns = self.clock_ns()
        self.synchronize()
        for value in first_of_each_shape(self.inputs, shape_of):
            self.round(value)
        while True:
            _, times = self.round(self.inputs[0])
            if min(times) >= demands.turn_ms or max(times) >= LONGEST_TURN * demands.turn_ms:
                break
            if self.calls >= MOST_CALLS:
                raise ValueError(f"compare: {self.calls} calls take {min(times)} ms; time more work at once")
            self.calls *= 2
        while self.clock_ns() - begin_ns < 1e9 * demands.warmup_s:
            self.round(self.inputs[0])

    def take_rounds(self, demands: Demands, progress: Progress | None) -> None:
        """Take rounds until the ratios are known well enough or a limit is met; whole passes where time allows."""
        begin_ns, told_s, look_at = self.clock_ns(), -math.inf, demands.min_rounds
        inputs, most = len(self.inputs), self.most_rounds(demands)
        while len(self.rounds_ms) < most:
            count, seconds = len(self.rounds_ms), (self.clock_ns() - begin_ns) / 1e9
            if self.is_over(seconds, demands):
                break
            if progress is not None and seconds - told_s >= PROGRESS_S:
                told_s = seconds
                progress(seconds, demands.max_s)
            if count >= look_at and count % inputs == 0:
                if self.narrow(demands):
                    break
                look_at = math.ceil(LOOK_AGAIN * count)
            order, times = self.round(self.inputs[count % inputs])
            self.orders.append(order)
            self.rounds_ms.append([taken / self.calls for taken in times])

    def most_rounds(self, demands: Demands) -> int:
        """Return how many rounds there may be: whole passes over the inputs, where these are not too few."""
        whole = demands.max_rounds // len(self.inputs) * len(self.inputs)
        return whole if whole >= FEWEST else demands.max_rounds

    def is_over(self, seconds: float, demands: Demands) -> bool:
        """Tell whether time is over, or too short for one more pass over the inputs when one has ended.

        A first pass is cut off where time ends; a later one is not begun if, by those before, it would be.
        """
        count, inputs = len(self.rounds_ms), len(self.inputs)
        if count < FEWEST:
            return False
        if count % inputs == 0 and inputs > 1:
            return seconds * (count + inputs) / count > demands.max_s
        return seconds >= demands.max_s

    def narrow(self, demands: Demands) -> bool:
        """Tell whether every interval reaches no further than it may."""
        spans = [centre(differences(self.rounds_ms, index), WRONG) for index in range(1, len(self.functions))]
        return all(high - low <= 2 * demands.precision for _, low, high in spans)
