"""Does this machine measure right? Known work is measured with the project's own probes: `python -m tradeoff.doctor`.

Exit code: 0 it does (a sensor that is missing is a warning), 1 it does not, 2 a wrong word. The last line is JSON.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tradeoff.core.errors import ConfigError, DeviceLost
from tradeoff.core.machine import Machine, detect

if TYPE_CHECKING:
    from tradeoff.checkup.result import Result

#: modules of `tradeoff.checkup` whose `check(device)` yields results, in the order in which they run
CHECKS = ("work", "clock", "cuda", "turns", "energy")
WIDTH = 120  # where there is no terminal
COLOURS = {"right": "green", "warning": "yellow", "wrong": "red"}


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    told = parser().parse_args(arguments)
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as NVML counts, see core.machine
    try:
        machine = detect(told.device)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    begin_s = time.monotonic()
    results = examined(machine.device)
    show(machine, results)
    right = all(result.state != "wrong" for result in results)
    content = {
        "right": right,
        "device": machine.device,
        "device_name": machine.device_name,
        "seconds": round(time.monotonic() - begin_s, 1),
        "checks": [asdict(result) for result in results],
    }
    print(json.dumps(content))
    return 0 if right else 1


def parser() -> argparse.ArgumentParser:
    """Return the words of the command."""
    command = argparse.ArgumentParser(
        "python -m tradeoff.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    return command


def examined(device: str) -> list["Result"]:
    """Run every check, and watch what else the machine does meanwhile."""
    import torch
    from rich.console import Console

    from tradeoff.checkup import surroundings
    from tradeoff.checkup.result import Result
    from tradeoff.probes.gpu_processes import find_own
    from tradeoff.probes.state import StateWatch

    where, results = torch.device(device), list[Result]()
    find_own(where)  # before anything works there
    try:
        with Console(stderr=True).status("measuring known work") as status, StateWatch(where) as watch:
            results += surroundings.software(where)
            for name in CHECKS:
                status.update(f"measuring known work: {name}")
                results += safely(name, where)
    except DeviceLost as error:
        return [*results, Result("GPU", "wrong", str(error))]
    return [*results, *surroundings.told(watch.state)]


def safely(name: str, device: Any) -> Iterator["Result"]:
    """Run the checks of one module; an error is a result as well, and not a right one."""
    from importlib import import_module

    from tradeoff.checkup.result import Result

    try:
        yield from import_module(f"tradeoff.checkup.{name}").check(device)
    except Exception as error:
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        yield Result(name, "wrong", words, "no error", "the check could not be done; what it checks is not known")


def show(machine: Machine, results: list["Result"]) -> None:
    """Print a table for people, what to do, and the verdict."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else WIDTH
    table = Table("check", "", "found", "expected", box=None, pad_edge=False)
    for result in results:
        state = f"[{COLOURS[result.state]}]{result.state}[/]"
        table.add_row(result.name, state, escape(result.found), escape(result.expected))
    console.print(f"{machine.device_name} ({machine.device})", markup=False)
    console.print(table)
    for advice in dict.fromkeys(result.advice for result in results if result.advice):
        names = ", ".join(result.name for result in results if result.advice == advice)
        console.print(f"- {names}: {advice}", markup=False)
    console.print(verdict(results), markup=False)


def verdict(results: list["Result"]) -> str:
    """Say in a sentence or two whether this machine measures right."""
    wrong = [result.name for result in results if result.state == "wrong"]
    busy = any(result.name == "busy" and result.state != "right" for result in results)
    told = f"This machine does not measure right: {', '.join(wrong)}." if wrong else "This machine measures right."
    return told + (" It is busy or disturbed: see above, then run this again." if busy else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
