"""Processes that write one table at once lose nothing, and one that is killed leaves nothing half."""

import subprocess
import sys
import time
from threading import Thread

from tradeoff.core import rows
from tradeoff.core.store import locked

ROW = {"run_id": "a1", "label": "SSD", "status": "ok", "size": 300, "ap": 0.25, "trusted": True}

SAVE_AND_MERGE = """
import sys
from pathlib import Path
from tradeoff.core import rows
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    rows.save(folder / "rows", {"run_id": f"{name}-{number}", "status": "ok"})
    rows.merge(folder / "rows", folder / "table.csv")
"""
MERGE_FOREVER = """
import sys
from pathlib import Path
from tradeoff.core import rows
while True:
    rows.merge(Path(sys.argv[1]) / "rows", Path(sys.argv[1]) / "table.csv")
    print("merged", flush=True)
"""


def test_processes_that_save_and_merge_at_once_lose_no_row(tmp_path):
    command = [sys.executable, "-c", SAVE_AND_MERGE, str(tmp_path)]
    writers = [subprocess.Popen([*command, name, "12"]) for name in "abcdef"]
    assert [writer.wait() for writer in writers] == [0] * 6
    found = {row["run_id"] for row in rows.read_csv(tmp_path / "table.csv")}
    assert found == {f"{name}-{number}" for name in "abcdef" for number in range(12)}


def test_a_killed_merge_never_leaves_a_part_of_a_table_nor_a_lock(tmp_path):
    for number in range(40):
        rows.save(tmp_path / "rows", ROW | {"run_id": f"r{number:02d}", "reason": "x" * 2000})
    for turn in range(12):
        with subprocess.Popen([sys.executable, "-c", MERGE_FOREVER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(0.002 * turn)
            writer.kill()
        assert len(rows.read_csv(tmp_path / "table.csv")) == 40
    rows.save(tmp_path / "rows", ROW)
    rows.merge(tmp_path / "rows", tmp_path / "table.csv")
    assert len(rows.read_csv(tmp_path / "table.csv")) == 41


def test_a_merge_waits_for_the_one_before_it(tmp_path):
    rows.save(tmp_path / "rows", ROW)
    merge = Thread(target=rows.merge, args=(tmp_path / "rows", tmp_path / "table.csv"))
    with locked(tmp_path / ".table.csv.lock"):
        merge.start()
        merge.join(0.3)
        assert merge.is_alive()
        assert not (tmp_path / "table.csv").exists()
        rows.save(tmp_path / "rows", ROW | {"run_id": "late"})
    merge.join()
    assert {row["run_id"] for row in rows.read_csv(tmp_path / "table.csv")} == {"a1", "late"}
