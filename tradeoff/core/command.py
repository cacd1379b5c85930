"""How the commands end: the answer as the last line of JSON, a refusal in words, and an exit code for each."""

import json
import sys
from collections.abc import Callable
from typing import Any

from tradeoff.core.errors import TradeoffError

#: of a command that is wrong, or asks for what cannot be
REFUSED = 2


def ended(work: Callable[[], dict[str, Any]], code: Callable[[dict[str, Any]], int] = lambda _: 0) -> int:
    """Do the work of a command, print what it tells as one line of JSON, and return the exit code.

    What a terminal cannot show is escaped. A refusal goes to the standard error, with the exit code 2.

    Args:
        work: returns plain values.
        code: of the command, from these values.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        told = work()
    except TradeoffError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return REFUSED
    print(json.dumps(told))
    return code(told)
