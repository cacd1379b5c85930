"""The kernel's account of the CPUs, from files that are written by hand: one tick is 10 ms."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.probes.fakes import FakeClock
from tradeoff.core.machine import cpu_name
from tradeoff.probes.cpu_state import CpuState, CpuWatch

TICKS = os.sysconf("SC_CLK_TCK")


class Machine:
    """Two CPUs of three, and a process, whose counters are put forward by hand."""

    def __init__(self, root: Path) -> None:
        self.root, self.clock = root, FakeClock()
        self.busy_s, self.steal_s, self.own_s, self.switches = 100.0, 1.0, 50.0, 7
        self.write()

    def write(self) -> None:
        """Write /proc/stat: all busy time is the user's, of the first CPU; the third CPU is not ours."""
        busy, steal = round(self.busy_s * TICKS), round(self.steal_s * TICKS)
        lines = [
            f"cpu {busy} 0 0 0 0 0 0 0 0 0",
            f"cpu0 {busy} 0 0 900 5 0 0 0 0 0",
            f"cpu1 0 0 0 900 5 0 0 {steal} 0 0",
            "cpu2 999999 9 9 9 9 9 9 9 0 0",
            "intr 1 2 3",
        ]
        self.put("proc/stat", "\n".join(lines))

    def put(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def watch(self) -> CpuWatch:
        return CpuWatch(
            root=self.root,
            cpus=(0, 1),
            clock_ns=self.clock,
            own_cpu_s=lambda: self.own_s,
            switches=lambda: self.switches,
        )

    def go(self, seconds: float, busy_s: float = 0.0, own_s: float = 0.0, steal_s: float = 0.0) -> None:
        """Let time pass."""
        self.clock.advance(1000 * seconds)
        self.busy_s, self.own_s, self.steal_s = self.busy_s + busy_s, self.own_s + own_s, self.steal_s + steal_s
        self.write()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def state_of(machine: Machine, **passed: float) -> CpuState:
    with machine.watch() as watch:
        machine.go(**passed)
    assert watch.state is not None
    return watch.state


def test_time_of_others_is_what_is_busy_and_not_our_own(machine):
    # 10 s of two CPUs are 20 s; busy 12 s, of which 9 s are ours: 3 of 20
    state = state_of(machine, seconds=10, busy_s=12, own_s=9)
    assert state.others_pct == pytest.approx(15)
    assert state.steal_pct == 0
    assert state.doubts() == ["other programs took 15 % of 2 CPUs meanwhile; close them, run again"]
    assert state.name == cpu_name()


def test_a_quiet_machine_raises_no_doubt(machine):
    state = state_of(machine, seconds=10, busy_s=10, own_s=9)
    assert (state.others_pct, state.cpus, state.seconds) == (pytest.approx(5), 2, 10)
    assert state.doubts() == []


def test_the_kernel_may_be_a_little_behind(machine):
    state = state_of(machine, seconds=10, busy_s=9.5, own_s=10)
    assert state.others_pct == 0
    assert state.doubts() == []


def test_stolen_time_is_told(machine):
    state = state_of(machine, seconds=10, busy_s=10, own_s=10, steal_s=2)
    assert state.steal_pct == pytest.approx(10)
    (reason,) = state.doubts()
    assert reason.startswith("the hypervisor took 10 % of the CPU meanwhile")


def test_a_quota_that_stops_the_process_is_told(machine):
    machine.put("proc/self/cgroup", "0::/job\n")
    machine.put("sys/fs/cgroup/job/cpu.stat", "usage_usec 5\nthrottled_usec 1000000")
    with machine.watch() as watch:
        machine.go(10)
        machine.put("sys/fs/cgroup/job/cpu.stat", "usage_usec 9\nthrottled_usec 1500000")
    assert watch.state.stopped_pct == pytest.approx(5)
    assert any("quota stopped this process for 5 % of the time" in reason for reason in watch.state.doubts())


def test_switches_load_and_governor_are_read(machine):
    machine.put("proc/loadavg", "3.25 2.00 1.00 1/99 4242")
    machine.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    machine.put("sys/devices/system/cpu/cpufreq/boost", "1\n")
    with machine.watch() as watch:
        machine.go(10)
        machine.switches = 27
    state = watch.state
    assert (state.involuntary_per_s, state.load_1m, state.governor, state.boost) == (2.0, 3.25, "powersave", "1")


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [
        (lambda m: (m.root / "proc/stat").unlink(), "/proc/stat: No such file or directory"),
        (lambda m: m.put("proc/stat", "cpu0 1 2 3 4 5 6 7 8 9 10"), "/proc/stat has 1 of 2 CPUs"),
        (lambda m: m.put("proc/stat", "cpu0 1 2 x\ncpu1 1 2 3"), "invalid literal"),
        (lambda m: m.put("proc/stat", "cpu0 1 2\ncpu1 1 2"), "list index out of range"),
    ],
)
def test_an_account_that_cannot_be_read_certifies_nothing(machine, break_it, fault):
    with machine.watch() as watch:
        machine.go(10, busy_s=10, own_s=10)
        break_it(machine)
    state = watch.state
    assert (state.others_pct, state.steal_pct) == (None, None)
    (reason,) = state.doubts()
    assert reason.startswith(f"whether other programs used the CPU is not known ({fault}")


def test_a_counter_that_runs_backwards_is_not_known(machine):
    state = state_of(machine, seconds=10, busy_s=-1, own_s=0, steal_s=-0.5)
    assert (state.others_pct, state.steal_pct) == (None, None)
    assert [state.faults[name] for name in ("others_pct", "steal_pct")] == ["its counter ran backwards"] * 2


def test_an_account_that_stands_still_while_we_work_is_not_believed(machine):
    state = state_of(machine, seconds=10, busy_s=0, own_s=10)
    assert state.others_pct is None
    assert "does not count what this process did" in state.doubts()[0]


def test_this_machine_is_read_without_a_fault():
    with CpuWatch() as watch:
        ends = time.monotonic() + 0.5  # the kernel counts in ticks of 10 ms
        while time.monotonic() < ends:
            sum(range(20_000))
    assert set(watch.state.faults) <= {"stopped_pct"}  # no quota may be told of here
    assert 0 <= watch.state.others_pct <= 110


@pytest.mark.parametrize(("others_pct", "doubted"), [(3.0, False), (3.2, True), (9.0, True)])
def test_half_a_cpu_of_many_is_doubted_as_well(machine, others_pct, doubted):
    state = replace(state_of(machine, seconds=10), cpus=16, others_pct=others_pct)  # half a CPU is 3.125 %
    assert bool(state.doubts()) is doubted


@pytest.mark.parametrize("folder", ["cpu,cpuacct/job", "cpu,cpuacct"])
def test_a_quota_of_cgroup_1_is_told_in_nanoseconds(machine, folder):
    machine.put("proc/self/cgroup", "5:memory:/job\n4:cpu,cpuacct:/job\n0::/\n")
    machine.put(f"sys/fs/cgroup/{folder}/cpu.stat", "nr_throttled 1\nthrottled_time 1000000000")
    with machine.watch() as watch:
        machine.go(10)
        machine.put(f"sys/fs/cgroup/{folder}/cpu.stat", "nr_throttled 9\nthrottled_time 1500000000")
    assert watch.state.stopped_pct == pytest.approx(5)


def test_no_account_of_a_quota_is_a_fault_and_no_doubt(machine):
    state = state_of(machine, seconds=10)
    assert state.stopped_pct is None
    assert "tells of a quota" in state.faults["stopped_pct"]
    assert state.doubts() == []
