"""Files that are whole or not there: every file of the store, every row, table and figure is written here."""

import errno
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from tradeoff.core.errors import StoreError


def opened(path: str, mode: str = "rb", **options: Any) -> IO[Any]:
    """Open a file to read, as `open` does, but nothing other than a regular one: a pipe would be waited for for ever.

    Raises:
        OSError: if it is missing, may not be read, or is a folder, a pipe or a device.
    """
    file = open(path, mode, opener=without_waiting, **options)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "is no regular file", path)
    return file


def without_waiting(path: str, flags: int) -> int:
    """Open a file; of a pipe that nothing writes to, not waiting for that."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a file so that readers and crashes see the old one or the new one, never a part.

    The bytes go to a hidden file of its own name in the same folder, reach the disk, and take the place of `path` in
    one step. A killed process may leave the hidden file, `.<name>.<process>-<unique>.tmp`, and nothing else.

    Args:
        path: the file; its folder exists.
        data: what it holds; text is written as UTF-8, without translating line ends.

    Raises:
        StoreError: when the file cannot be written, or what has its name is a folder, a pipe or a device; what was
            there is as it was.
    """
    content = data.encode("utf-8", errors="backslashreplace") if isinstance(data, str) else data
    draft = path.with_name(f".{path.name}.{os.getpid()}-{uuid4().hex}.tmp")
    if os.path.exists(path) and not os.path.isfile(path):
        raise StoreError(f"{path}: cannot be written (is no regular file); choose another name")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException as error:
        with suppress(OSError):  # a name too long for the disk can be neither made nor deleted
            draft.unlink()
        if isinstance(error, OSError):
            reason = f"{path}: cannot be written ({error.strerror}); free space there or choose another folder"
            raise StoreError(reason) from error
        raise


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        StoreError: naming the file, when it is missing, cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # the latter: nested without end
        raise StoreError(f"{path}: is no JSON ({error}); delete it, and the same command writes it anew") from error
