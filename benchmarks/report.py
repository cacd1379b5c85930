"""The report of a table of 500 rows, page and figures, by the command itself, beside one of 50.

The rows are synthetic: costs and accuracy at random, on one device. Prints the seconds of each run, start of the
interpreter included; the last line, JSON, has them and their ratio.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tradeoff.core.rows import checked
from tradeoff.core.tables import to_csv

FEW, MANY = 50, 500


def main() -> None:
    """Report both tables and print."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (seconds(write(Path(folder) / f"{count}.csv", count)) for count in (FEW, MANY))
    print(f"{FEW} rows: {few:.1f} s; {MANY} rows: {many:.1f} s")
    print(json.dumps({"few_s": round(few, 1), "many_s": round(many, 1), "times_of_few": round(many / few, 2)}))


def write(path: Path, count: int) -> Path:
    """Write a table of so many finished rows."""
    random = np.random.default_rng(0)
    path.write_text(to_csv([row(place, random) for place in range(count)]), encoding="utf-8")
    return path


def row(place: int, random: np.random.Generator) -> dict[str, object]:
    """Return a finished row."""
    quality = float(random.random())
    words = {"run_id": f"r{place}", "label": f"model {place}", "status": "ok", "data": "coco", "seed": place}
    words |= {"meta_arch": ("ssd", "rfcn", "faster_rcnn")[place % 3], "extractor": f"resnet{50 + place % 5}"}
    words |= {"size": 300 + 100 * (place % 4), "device_name": "a device", "precision": "fp32", "batch_size": 1}
    costs = {"latency_ms_p50": 10 + 90 * quality + 9 * float(random.random()), "peak_memory_mb": 100 + 900 * quality}
    return checked({**words, **costs, "ap": 0.1 + 0.4 * quality * float(random.random()), "trusted": True})


def seconds(table: Path) -> float:
    """Return how long the command takes."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tradeoff.report", str(table)], check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
