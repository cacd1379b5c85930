"""The published tables: what they are made of, that they can be read, and what follows from them."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pandas as pd
import pytest

from tradeoff.analysis import figures, mapping, table
from tradeoff.analysis.comparable import groups
from tradeoff.analysis.critical import critical_points
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.imported import imported

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "results" / "published"
TABLES = sorted(PUBLISHED.glob("*.csv"))
FACTS = next((folder for parent in ROOT.parents if (folder := parent / "shared" / "facts").is_dir()), None)
ACCURACIES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_100", "voc_ap50", "oi_ap50")


def test_each_table_has_a_mapping_beside_it():
    assert [path.stem for path in TABLES] == sorted(path.stem for path in PUBLISHED.glob("*.yaml"))
    assert len(TABLES) >= 13


@pytest.mark.skipif(FACTS is None, reason="the tables that these are made of are not beside the checkout")
@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_is_what_its_mapping_makes_of_the_source(path):
    made = imported(FACTS / path.name, mapping.read(path.with_suffix(".yaml")))
    assert made.text() == path.read_text()
    assert made.unmapped == {}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_can_be_read_and_each_row_says_where_it_is_from(path):
    frame = table.read(path)
    assert frame["run_id"].is_unique
    for name in ("label", "model", "source", "protocol", "data", "evidence"):
        assert frame[name].notna().all(), name
    for name in ACCURACIES:
        values = frame[name].dropna()
        assert ((values > 0.04) & (values < 0.96)).all(), name  # in parts of one, not divided twice
    assert frame[[*ACCURACIES, "latency_ms_mean"]].notna().any(axis=1).all()


def test_numbers_of_the_sources_stand_where_they_should():
    """A few, read off the sources by eye."""
    tf1 = table.read(PUBLISHED / "tf1_detection_zoo.csv").set_index("model")
    row = tf1.loc["faster_rcnn_resnet101_coco"]
    assert (row["ap"], row["latency_ms_mean"], row["extractor"]) == (0.32, 106.0, "resnet101")
    assert pd.isna(tf1.loc["faster_rcnn_resnet101_kitti", "ap"])  # Pascal's metric is none of COCO's
    assert tf1.loc["faster_rcnn_resnet101_kitti", "voc_ap50"] == 0.87
    assert tf1.loc["ssd_mobiledet_edgetpu_coco", "ap"] == 0.256  # of 25.9/25.6 that of uint8
    detectron2 = table.read(PUBLISHED / "detectron2_model_zoo.csv").set_index("model")
    assert not detectron2.index.str.startswith("fast_rcnn").any()  # timed without its proposals
    assert (tf1[tf1.index.str.contains("quantized")]["precision"] == "uint8").all()
    row = detectron2.loc["faster_rcnn_R_101_FPN_3x"]
    assert (row["ap"], row["latency_ms_mean"], row["train"]) == (0.42, 51.0, "3x")
    assert detectron2["latency_ms_mean"].max() == 151.0  # the X101 on LVIS; none of 47 s
    challenge = table.read(PUBLISHED / "paper_table4_coco2016_challenge.csv").set_index("model")
    assert challenge.loc["Huang et al. ensemble", ["ap", "ap_small", "ar_large"]].tolist() == [0.413, 0.231, 0.748]
    rtdetr = table.read(PUBLISHED / "rtdetr.csv")
    assert rtdetr.loc[0, "latency_ms_mean"] == pytest.approx(1000 / 217, rel=1e-5)
    vision = table.read(PUBLISHED / "torchvision_detection.csv").set_index("label")
    assert vision.loc["SSD300_VGG16, COCO_V1", ["params", "gmacs", "gflops"]].tolist() == [35641826, 34.858, 69.716]


def beaten(row, others):
    """Tell whether another row is as fast and as accurate, and better in one of the two."""
    return any(
        other.latency_ms_mean <= row.latency_ms_mean
        and other.ap >= row.ap
        and (other.latency_ms_mean < row.latency_ms_mean or other.ap > row.ap)
        for other in others
    )


@pytest.mark.parametrize("name", ["tf1_detection_zoo", "tf2_detection_zoo", "detectron2_model_zoo"])
def test_the_frontier_of_a_zoo_is_that_of_brute_force(name):
    frame = table.read(PUBLISHED / f"{name}.csv")
    found = set(frame.loc[on_frontier(frame), "run_id"])
    expected = set()
    for _, group in groups(frame.dropna(subset=["ap", "latency_ms_mean"])):
        rows = list(group.itertuples())
        expected |= {row.run_id for row in rows if not beaten(row, rows)}
    assert found == expected
    assert len(found) >= 5


def test_the_five_critical_points_of_table_3_are_marked_on_the_times_of_the_zoo():
    points = table.read(PUBLISHED / "paper_table3_critical_points.csv")
    roles = ["fastest", "fastest", "sweet spot", "sweet spot", "most accurate"]
    assert points["critical_point"].tolist() == roles
    zoo = table.read(PUBLISHED / "tf1_detection_zoo.csv")
    zoo = zoo[(zoo["device_name"] == "NVIDIA GeForce GTX TITAN X") & zoo["precision"].isna()]
    marked = zoo[zoo["critical_point"].notna()]
    same = ["meta_arch", "extractor", "critical_point"]
    assert sorted(map(tuple, marked[same].to_numpy())) == sorted(map(tuple, points[same].to_numpy()))
    found = critical_points(zoo)
    assert sorted(found["model"]) == sorted(marked["model"])
    (drawing,) = figures.drawings(zoo, names=["scatter"])
    texts = [text.get_text().replace("\n", " ") for axes in drawing.figure.axes for text in axes.texts]
    for row in marked.itertuples():
        assert f"{row.label}: {row.critical_point}" in texts


#: what an environment for reading tables need not have
HEAVY = ("torch", "timm", "fvcore", "functorch", "nvidia", "triton", "pycocotools", "hotcoco")
FIGURE = """
import sys
from pathlib import Path
from tradeoff.analysis import figures, table
(drawing,) = figures.drawings(table.read(Path(sys.argv[1])), names=["scatter"])
Path(sys.argv[2]).write_bytes(figures.encoded(drawing, "png"))
"""


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Return an environment whose site folder has links to every installed package but the heavy ones."""
    site = tmp_path_factory.mktemp("light") / "site"
    site.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(HEAVY) and entry.suffix != ".pth":
            (site / entry.name).symlink_to(entry)
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}


def light_run(environment, *words):
    command = [sys.executable, "-S", *map(str, words)]  # without site, the installed packages are out of sight
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_light_environment_has_no_torch(light):
    for name in ("torch", "torchvision", "timm", "fvcore"):
        assert f"No module named '{name}'" in light_run(light, "-c", f"import {name}").stderr


def test_without_torch_a_model_is_picked_a_table_imported_and_compared(light, tmp_path):
    zoo = PUBLISHED / "tf1_detection_zoo.csv"
    told = light_run(light, "-m", "tradeoff.pick", zoo, "--max-latency-ms", "60")
    assert told.returncode == 0, told.stderr
    assert "ssd_mobilenet_v1_fpn_coco" in told.stdout
    (tmp_path / "mine.csv").write_text("net,ap\na,40\n")
    (tmp_path / "mine.yaml").write_text(
        "columns: {model: net, ap: {from: ap, factor: 0.01}}\nconstants: {source: mine, data: coco}\n"
    )
    words = ("import", tmp_path / "mine.csv", "--map", tmp_path / "mine.yaml", tmp_path / "out.csv")
    told = light_run(light, "-m", "tradeoff.table", *words)
    assert told.returncode == 0, told.stderr
    told = light_run(light, "-m", "tradeoff.compare", zoo, zoo)
    assert told.returncode == 0, told.stderr


def test_without_torch_a_figure_is_drawn(light, tmp_path):
    told = light_run(light, "-c", FIGURE, PUBLISHED / "dfine.csv", tmp_path / "scatter.png")
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "scatter.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.skipif(not (ROOT / "tradeoff" / "report.py").is_file(), reason="there is no report yet")
def test_without_torch_a_report_is_written(light, tmp_path):
    page = tmp_path / "zoo.html"
    told = light_run(light, "-m", "tradeoff.report", PUBLISHED / "tf1_detection_zoo.csv", "--out", page)
    assert told.returncode == 0, told.stderr
    assert "ssd_mobilenet_v1_fpn_coco" in page.read_text()
