"""The study on a GPU: how long all its networks take, and how well a second measurement agrees. Nothing is trained.

  networks   all networks of the study at 300 and 600 px with 300 proposals, by one command: `sweeps=costs`
  again      five rows of it, drawn by --seed, measured once more from nothing
  proposals  Faster R-CNN and R-FCN on ResNet-101 at 600 px, with 10 to 300 proposals
  energy     the critical points on the study's own frontier (its table 3), with energy: untrained rows have no AP

Each part runs `python -m tradeoff.run` in a new folder of --results-dir, so nothing is found done, and leaves its
rows as results/measured/PART_DEVICE.csv; what they come to goes to gpu_study_DEVICE.csv beside it, part by part.
Parts can be named, else all run in this order, and words of the command, which take the place of the study's; `again`
needs the table of networks. The last line is JSON. Exit code 2 where there is no such device or a word is wrong, 1
where a bar is missed:
  networks within 600 s; medians measured again within 2 %; no row failed, each row of energy has some.

  python benchmarks/gpu_study.py
  python benchmarks/gpu_study.py again --seed 1
  python benchmarks/gpu_study.py --device cpu --tables /tmp/tables extractor=tiny,mobilenet size=96    tries it
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bars import MEASURED, Row, ended, judged, write

from tradeoff.core.errors import TradeoffError
from tradeoff.core.machine import detect
from tradeoff.core.tables import read_csv, to_csv

AGAIN = 5
Words = dict[str, str]

STUDY: Words = {"sweeps": "costs", "size": "300,600", "proposals": "300"}
PROPOSALS: Words = {
    "meta_arch": "faster_rcnn,rfcn",
    "extractor": "resnet101",
    "stride": "16",
    "size": "600",
    "proposals": "10,20,50,100,300",
}
ENERGY: Words = {"measure.energy_trials": "3"}
CRITICAL: tuple[Words, ...] = (
    {"meta_arch": "ssd", "extractor": "mobilenet", "size": "300"},
    {"meta_arch": "ssd", "extractor": "inception_v2", "size": "300"},
    {"meta_arch": "rfcn", "extractor": "resnet101", "size": "600", "stride": "16"},
    {"meta_arch": "faster_rcnn", "extractor": "resnet101", "size": "600", "stride": "16", "proposals": "100"},
    {"meta_arch": "faster_rcnn", "extractor": "inception_resnet_v2", "size": "600", "stride": "8"},
)


@dataclass(frozen=True)
class Asked:
    """Where the parts run and write, and the words that take the place of their own."""

    device: str
    words: Words
    seed: int
    results_dir: Path
    tables: Path

    def table(self, name: str) -> Path:
        """Return where a table goes."""
        return self.tables / f"{name}_{self.device.partition(':')[0]}.csv"


def main() -> int:
    """Run the parts, print and write; return the exit code."""
    told = parser().parse_intermixed_args()
    words = dict(word.split("=", 1) for word in told.words if "=" in word)
    names = [word for word in told.words if "=" not in word] or list(PARTS)
    try:
        if strange := [name for name in names if name not in PARTS]:
            raise TradeoffError(f"{', '.join(strange)}: no such part; there are {', '.join(PARTS)}")
        detect(told.device)
        asked = Asked(told.device, words, told.seed, told.results_dir, told.tables)
        lines = [line for name in names for line in done(name, asked)]
    except TradeoffError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return ended(asked.table("gpu_study"), lines)


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("words", nargs="*", metavar="PART | WORD=VALUE")
    made.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try it; cuda")
    made.add_argument("--seed", type=int, default=0, help="of the rows that are measured again; 0")
    made.add_argument("--results-dir", type=Path, default=Path("results") / "gpu_study", help="results/gpu_study")
    made.add_argument("--tables", type=Path, default=MEASURED, help="where tables go; results/measured")
    return made


def done(part: str, asked: Asked) -> list[Row]:
    """Run a part, write what it comes to, return that."""
    lines = [{"part": part, **line} for line in PARTS[part](asked)]
    write(asked.table("gpu_study"), lines, device=asked.device, by=("part",))
    return lines


def networks(asked: Asked) -> list[Row]:
    """Measure every network of the study."""
    rows, seconds = run("networks", asked, {**STUDY, **asked.words})
    finished = sum(row["status"] == "ok" for row in rows)
    return [line(f"{finished} networks", seconds, "s", ("<=", 600)), failed(rows)]


def again(asked: Asked) -> list[Row]:
    """Measure some rows of networks once more; tell how far the second median is from the first."""
    rows = [row for row in read_csv(asked.table("networks")) if row["status"] == "ok"]
    first = random.Random(asked.seed).sample(rows, min(AGAIN, len(rows)))
    seconds, _ = run("again", asked, *({**STUDY, **asked.words, **words_of(row)} for row in first))
    second = {row["run_id"]: row for row in seconds if row["status"] == "ok"}
    return [failed(seconds), *(apart(row, second[row["run_id"]]) for row in first if row["run_id"] in second)]


def proposals(asked: Asked) -> list[Row]:
    """Measure two networks along the axis of proposals."""
    rows, _ = run("proposals", asked, {**STUDY, **PROPOSALS, **asked.words})
    return [failed(rows)]


def energy(asked: Asked) -> list[Row]:
    """Measure what is on the study's frontier, energy included."""
    rows, _ = run("energy", asked, *({**STUDY, **ENERGY, **point, **asked.words} for point in CRITICAL))
    without = sum(row["energy_j"] is None for row in rows if row["status"] == "ok")
    return [failed(rows), line("rows without energy", without, "rows", ("<=", 0))]


def run(part: str, asked: Asked, *commands: Words) -> tuple[list[Row], float]:
    """Run commands one after the other in a new folder, keep their table, return its rows and the seconds in all.

    Raises:
        TradeoffError: when a command was refused.
    """
    asked.results_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{part}_", dir=asked.results_dir))
    began = time.perf_counter()
    for words in commands:
        told = {**words, "device": asked.device, "table": part, "results_dir": str(folder)}
        given = [f"{name}={value}" for name, value in told.items()]
        code = subprocess.run([sys.executable, "-m", "tradeoff.run", *given], check=False).returncode
        if code not in (0, 1):
            raise TradeoffError(f"exit code {code} of: python -m tradeoff.run {' '.join(given)}")
    seconds = time.perf_counter() - began
    rows = read_csv(folder / f"{part}.csv")
    asked.tables.mkdir(parents=True, exist_ok=True)
    asked.table(part).write_text(to_csv(rows), encoding="utf-8")
    return rows, seconds


def words_of(row: Row) -> Words:
    """Return the words that name a row of the study."""
    return {name: str(row[name]) for name in ("meta_arch", "extractor", "size", "stride", "proposals") if row[name]}


def apart(first: Row, second: Row) -> Row:
    """Return how far the median of a second measurement is from that of the first, %."""
    before, after = first["latency_ms_p50"], second["latency_ms_p50"]
    return line(first["label"], 100 * (after / before - 1), "%", ("within", 2), before, after)


def failed(rows: list[Row]) -> Row:
    """Return how many rows failed."""
    return line("rows that failed", sum(row["status"] == "failed" for row in rows), "rows", ("<=", 0))


def line(
    what: str,
    value: float,
    unit: str,
    bar: tuple[str, float],
    first: float | None = None,
    second: float | None = None,
) -> Row:
    """Return a figure beside its bar, with the two medians that it is of, ms."""
    row = {"what": what, "value": round(value, 3), "unit": unit, "first_ms": first, "second_ms": second}
    return judged(row, value=bar)


PARTS = {"networks": networks, "again": again, "proposals": proposals, "energy": energy}

if __name__ == "__main__":
    sys.exit(main())
