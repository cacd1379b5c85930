"""The store: every stage computes into a folder of its own, named by its key, once.

A folder counts as finished when `done.json`, written last, is there and the files that it lists have the sizes and
checksums that it tells. Whatever else is found is the unfinished work of a killed process: the stage goes on from it.
A lock that dies with its holder keeps two processes from computing one stage at the same time.
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tradeoff.core.digest import describe, digest, file_sha256
from tradeoff.core.errors import StoreError
from tradeoff.core.files import read_json, write_atomic

DONE = "done.json"
#: what looking through a damaged one can raise
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)


class Stage(Protocol):
    """One cached computation: a frozen dataclass whose fields are its key."""

    NAME: ClassVar[str]

    def run(self, folder: Path, context: "Context") -> dict[str, Any]:
        """Compute into `folder`; return a small result that JSON can hold."""


@dataclass(frozen=True)
class Store:
    """The cache below a results folder."""

    root: Path

    def folder(self, stage: Stage) -> Path:
        """Return where a stage keeps its files."""
        return self.root / "cache" / stage.NAME / digest(stage)

    def result(self, stage: Stage) -> dict[str, Any] | None:
        """Return the result of a finished stage, or None when it has to be computed."""
        path = self.folder(stage) / DONE
        try:
            done = read_json(path)
            whole = all(intact(path.parent / name, **facts) for name, facts in done["files"].items())
            return done["result"] if whole else None
        except (*DAMAGED, StoreError):
            return None


def silent(done: float, total: float, unit: str) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Context:
    """What a stage is told when it runs: nothing of it changes the result.

    device: "cpu" or "cuda:N". threads: cores that it may use; None is all.
    report: takes (done, total, unit) of the work in hand; the parent draws it.
    """

    store: Store
    device: str = "cpu"
    threads: int | None = None
    report: Callable[[float, float, str], None] = silent


def intact(path: Path, size: int, sha256: str) -> bool:
    """Tell whether a file is what it was when its stage ended."""
    return path.is_file() and path.stat().st_size == size and file_sha256(path) == sha256


def refuse_damaged(path: Path) -> None:
    """Refuse a file of a finished stage that is not what it was when its stage ended.

    Raises:
        StoreError: naming the file, when it or what `done.json` tells of it is gone or damaged.
    """
    done = read_json(path.parent / DONE)
    try:
        whole = intact(path, **done["files"][path.name])
    except DAMAGED:
        whole = False
    if not whole:
        raise StoreError(f"{path}: is gone, damaged or of an earlier version; give the command of that row again")


def fetch(stage: Stage, context: Context, *, again: bool = False) -> dict[str, Any]:
    """Return the result of a stage, computing it only when it is missing, or anew `again`.

    What is computed again takes the place of the result that is there once it is whole, and not before.

    Raises:
        StoreError: when the folder cannot be written.
    """
    folder = context.store.folder(stage)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); choose another results_dir") from error
    with locked(folder.with_suffix(".lock")):
        result = context.store.result(stage)
        if result is None:
            result = completed(stage, folder, context)
        elif again:
            result = replaced(stage, folder, context)
    return result


def completed(stage: Stage, folder: Path, context: Context) -> dict[str, Any]:
    """Compute a stage into its folder."""
    result = stage.run(folder, context)
    finish(folder, stage, result)
    for scratch in folder.glob(".*"):  # checkpoints, and what killed writers have left
        scratch.unlink()
    return result


def replaced(stage: Stage, folder: Path, context: Context) -> dict[str, Any]:
    """Compute a stage beside its folder, then change one for the other; the old one stays until all is written."""
    anew, old = folder.with_suffix(".again"), folder.with_suffix(".old")
    for left in (anew, old):  # by a killed process
        shutil.rmtree(left, ignore_errors=True)
    anew.mkdir()
    result = completed(stage, anew, context)
    folder.rename(old)
    anew.rename(folder)
    shutil.rmtree(old)
    return result


def finish(folder: Path, stage: Stage, result: dict[str, Any]) -> None:
    """Mark a folder as finished, with the checksums of its files."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != DONE and not p.name.startswith("."))
    files = {str(p.relative_to(folder)): {"size": p.stat().st_size, "sha256": file_sha256(p)} for p in paths}
    done = {"stage": describe(stage), "files": files, "result": result}
    write_atomic(folder / DONE, json.dumps(done, indent=1, allow_nan=False))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; it is freed when the process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def compute(
    stage: Stage, context: Context, report: Callable[[float, float, str], None], *, again: bool = False
) -> dict[str, Any]:
    """Fetch a stage; the entry of a child process."""
    return fetch(stage, replace(context, report=report), again=again)
