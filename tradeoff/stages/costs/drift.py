"""Drift: whether the machine was as fast while a cell was measured as it was when the first one was.

The reference work (`probes/reference.py`) runs just before the cell is timed, `begin`, and just after, `end`: three
takes of a tenth of a second each, of which the least counts. Its usual time is the median of five such readings; the
best of all their takes would be lower than what a row finds, and every row would seem slow. It is found once for each
machine and results folder, just before the first measurement there, and kept in the store as `cache/reference/<key>`.
So all rows of a folder are told from one and the same time, whatever command made them, and a row that is there
already keeps its own drift. Where most of these readings were disturbed, every later row seems fast, which is told
(`drift_pct` below 0) and no doubt; `reference_ms` has what the work took around each row, so that rows can be set
beside each other without it.

The drift of a row is the mean of before and after, not the further of the two, which is far off whenever either is.
What changes between them, while the detector is timed, is found in its own samples (`probes.doubts`).
"""

import math
from collections.abc import Mapping
from typing import Any

from tradeoff.core.store import fetch
from tradeoff.probes import reference
from tradeoff.recipes.stages import Reference
from tradeoff.stages.costs.subject import Findings, Subject

#: as much as `probes.doubts` allows within a cell
MOST_PCT = 10.0
BEGIN, END = "drift_begin.json", "drift_end.json"


def begin(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Time the reference work before the detector is timed."""
    usual_ms(subject)  # taken now, if this is the first cell of its machine
    takes = reference.takes_ms(subject.device)
    return Findings({"reference_ms": reference.least_ms(takes)}, kept={BEGIN: {"takes_ms": takes}})


def end(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Time it again, and tell how far the machine was from its usual speed."""
    usual, takes = usual_ms(subject), reference.takes_ms(subject.device)
    around_ms = math.sqrt(before["reference_ms"] * reference.least_ms(takes))
    drift_pct = 100 * (around_ms / usual - 1)
    columns = {"reference_ms": around_ms, "drift_pct": drift_pct}
    return Findings(columns, reasons(drift_pct), {END: {"usual_ms": usual, "takes_ms": takes}})


def usual_ms(subject: Subject) -> float:
    """Return what the reference work takes on this machine, timed now where it never was in this results folder."""
    told: float = fetch(Reference(machine=subject.stage.machine), subject.context)["reference_ms"]
    return told


def reasons(drift_pct: float) -> list[str]:
    """Say why a row is not to be trusted: the machine was slower than usual.

    Faster is no doubt of the row. What disturbs a machine makes it slower, so its usual time was the disturbed one.
    """
    if drift_pct <= MOST_PCT:
        return []
    return [
        f"the machine was {drift_pct:.0f} % slower around this cell than when its reference was taken; "
        "close other programs or let it cool, and measure again"
    ]
