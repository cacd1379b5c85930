"""How soon the commands on tables answer, start of the interpreter included: report, pick, and what --help says.

The report is of 500 rows, page and figures, beside one of 50; pick takes the 500. The rows are synthetic: costs and
accuracy at random, on one device. Of what is short the median of five runs is told. Prints a table, writes it to
results/measured/report.csv, and ends in JSON. Exit code 1 where a bar is missed, for 500 rows:
  the report 30 s, on 2 cores, its page 8 MB; pick 1 s; --help 0.7 s.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from bars import MEASURED, Row, ended, judged, write

from tradeoff.core.rows import checked
from tradeoff.core.tables import to_csv

TABLE = MEASURED / "report.csv"
FEW, MANY, ROUNDS = 50, 500, 5
HELPED = ("report", "pick", "compare", "table")


def main() -> int:
    """Run the commands, print and write; return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        few, many = (table_of(count, Path(name)) for count in (FEW, MANY))
        rows = [
            row(f"report of {FEW} rows", "s", seconds("report", str(few))),
            row(f"report of {MANY} rows", "s", seconds("report", str(many)), 30),
            row(f"page of {MANY} rows", "MB", many.with_suffix(".html").stat().st_size / 1e6, 8),
            row(f"pick of {MANY} rows", "s", soon("pick", str(many), "--max-latency-ms", "50"), 1),
            *(row(f"{command} --help", "s", soon(command, "--help"), 0.7) for command in HELPED),
        ]
    write(TABLE, rows)
    return ended(TABLE, rows)


def row(what: str, unit: str, value: float, most: float | None = None) -> Row:
    """Return a row with the most that there may be, if anything is said of it."""
    line = {"what": what, "unit": unit, "value": round(value, 3)}
    return judged(line) if most is None else judged(line, value=("<=", most))


def table_of(count: int, folder: Path) -> Path:
    """Write a table of so many finished rows."""
    random, path = np.random.default_rng(0), folder / f"{count}.csv"
    path.write_text(to_csv([finished(place, random) for place in range(count)]), encoding="utf-8")
    return path


def finished(place: int, random: np.random.Generator) -> dict[str, object]:
    """Return a finished row."""
    quality = float(random.random())
    words = {"run_id": f"r{place}", "label": f"model {place}", "status": "ok", "data": "coco", "seed": place}
    words |= {"meta_arch": ("ssd", "rfcn", "faster_rcnn")[place % 3], "extractor": f"resnet{50 + place % 5}"}
    words |= {"size": 300 + 100 * (place % 4), "device_name": "a device", "precision": "fp32", "batch_size": 1}
    costs = {"latency_ms_p50": 10 + 90 * quality + 9 * float(random.random()), "peak_memory_mb": 100 + 900 * quality}
    return checked({**words, **costs, "ap": 0.1 + 0.4 * quality * float(random.random()), "trusted": True})


def soon(*words: str) -> float:
    """Return the median of a few runs of a command, s."""
    return median(seconds(*words) for _ in range(ROUNDS))


def seconds(command: str, *words: str) -> float:
    """Return how long a command takes."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", f"tradeoff.{command}", *words], check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
