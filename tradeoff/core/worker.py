"""Child processes: fresh, supervised, and never left behind.

Children are forked from a server that has torch imported and has never touched a device: the first costs the import,
each further one a fraction of a second, and a crash in one takes nothing else down. A child ends when the pipe to its
parent closes, so a killed parent leaves no orphan that holds a lock or a device.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from tradeoff.core.errors import StageFailed, TradeoffError, WorkerDied

PRELOAD = ["torch", "torchvision", "timm"]
Report = Callable[[float, float, str], None]


def call(target: str, *args: Any, report: Report) -> Any:
    """Call a function in a fresh child process and return what it returns.

    Args:
        target: "module:function"; it is called with `args` and a function that reports (done, total, unit).
        args: picklable arguments.
        report: is called in this process with what the child reports.

    Raises:
        StageFailed: when the function raised; the message is the error in one line.
        WorkerDied: when the child ended without an answer.
    """
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as NVML counts, see core.machine
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    parent_end, child_end = context.Pipe()
    process = context.Process(target=serve, args=(child_end, target, args))
    process.start()
    child_end.close()
    try:
        return listen(parent_end, report)
    except EOFError:
        process.join()
        raise WorkerDied(obituary(process.exitcode)) from None
    finally:
        parent_end.close()
        end(process.pid)
        process.join()


def listen(connection: Connection, report: Report) -> Any:
    """Read a child's messages until its answer comes; a closed pipe is an EOFError."""
    while True:
        try:
            kind, *content = connection.recv()
        except ConnectionResetError as error:
            raise EOFError from error
        if kind == "progress":
            report(*content)
        elif kind == "error":
            raise StageFailed(*content)
        else:
            return content[0]


def serve(connection: Connection, target: str, args: tuple[Any, ...]) -> None:
    """Do one call in the child and send its answer."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=die_with_parent, args=(connection,), daemon=True).start()
    module, _, name = target.partition(":")

    def report(done: float, total: float, unit: str) -> None:
        connection.send(("progress", done, total, unit))

    try:
        answer = getattr(import_module(module), name)(*args, report)
        connection.send(("answer", answer))
    except TradeoffError as error:
        connection.send(("error", f"{type(error).__name__}: {error}"))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        connection.send(("error", f"{type(error).__name__}: {error}".splitlines()[0]))


def die_with_parent(connection: Connection) -> None:
    """Wait for the parent's end of the pipe to close, then end this process and all that it started."""
    try:
        connection.recv()
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)


def end(pid: int | None) -> None:
    """Kill a child and all that it started."""
    try:
        os.killpg(pid or 0, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def obituary(exitcode: int | None) -> str:
    """Word the death of a child."""
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        hint = {
            "SIGKILL": "; out of memory, or killed by hand: try a smaller size or train.batch_size",
            "SIGSEGV": "; a crash inside a compiled library",
        }.get(name, "")
        return f"the process was ended by {name}{hint}"
    return f"the process ended with exit code {exitcode} and no answer"
