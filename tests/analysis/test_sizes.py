"""AP is weighed by the sizes of one's own objects."""

import pandas as pd
import pytest

from tests.analysis.synthetic import framed, made
from tradeoff.analysis import sizes
from tradeoff.analysis.pick import pick
from tradeoff.core.errors import TableError


@pytest.mark.parametrize(
    "text",
    [
        # areas: 100, 1023, 1024 (32²), 9215, 9216 (96²): small, small, medium, medium, large
        "area\n100\n1023\n1024\n9215\n9216\n",
        "label,width,height\ncat,10,10\ncat,1,1023\ndog,32,32\ndog,5,1843\ndog,96,96\n",
        "x1,y1,x2,y2,label\n5,5,15,15,a\n0,0,1,1023,a\n0,0,32,32,a\n1,1,6,1844,a\n4,4,100,100,a\n",
    ],
)
def test_boxes_are_counted_by_area(tmp_path, text):
    (tmp_path / "boxes.csv").write_text(text)
    assert sizes.read(tmp_path / "boxes.csv") == pytest.approx({"small": 0.4, "medium": 0.4, "large": 0.2})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: got nothing"),
        ("name,w\na,1\n", "line 1: got name, w; expected the columns width,height"),
        ("width,height\n", "has no box"),
        ("width,height\n10,10\n10,0\n", "line 3: got width=10, height=0; expected a box with an area"),
        ("width,height\n-3,-3\n", "line 2: got width=-3"),
        ("x1,y1,x2,y2\n5,5,1,1\n", "line 2: got x1=5"),
        ("area\nlarge\n", "line 2, column 'area': got 'large'"),
        ("area\nnan\n", "got 'nan', expected a number of px"),
        ("width,height\n10\n", "line 2, column 'height': got 'nothing'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line(tmp_path, text, told):
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(TableError) as caught:
        sizes.read(tmp_path / "boxes.csv")
    assert told in str(caught.value)
    assert "boxes.csv" in str(caught.value)


def test_small_objects_turn_the_order(tmp_path):
    rows = [
        made("near", ap=0.40, ap_small=0.10, ap_medium=0.40, ap_large=0.70),
        made("far", ap=0.35, ap_small=0.20, ap_medium=0.35, ap_large=0.50),
        made("unsaid", ap=0.50, ap_large=0.90),
    ]
    frame = framed(tmp_path, rows)
    assert pick(frame)["run_id"].tolist() == ["unsaid", "near", "far"]
    weighed = sizes.reweighted(frame, {"small": 0.75, "medium": 0.25, "large": 0.0})
    chosen = pick(weighed)
    # far: 0.75 · 0.20 + 0.25 · 0.35 = 0.2375; near: 0.75 · 0.10 + 0.25 · 0.40 = 0.175; unsaid lacks both
    assert chosen["run_id"].tolist() == ["far", "near", "unsaid"]
    assert chosen["ap"].tolist()[:2] == pytest.approx([0.2375, 0.175])
    assert pd.isna(chosen["ap"].iloc[2])
    assert chosen["ap_table"].tolist() == [0.35, 0.40, 0.50]
    assert pick(weighed, min_ap=0.2)["run_id"].tolist() == ["far"]
    # a size without objects does not matter
    only_large = sizes.reweighted(frame, {"small": 0.0, "medium": 0.0, "large": 1.0})
    assert pick(only_large)["run_id"].tolist() == ["unsaid", "near", "far"]


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"small": 0.5, "medium": 0.5, "large": 0.0}, "finished and has ap_medium;"),
        ({"small": 0.5, "medium": 0.0, "large": 0.5}, "finished and has ap_small and ap_large;"),
    ],
)
def test_a_table_without_the_ap_of_a_size_is_refused_with_what_it_lacks(tmp_path, shares, told):
    frame = framed(tmp_path, [made("a", ap_small=0.1), made("b", ap_large=0.2)])
    with pytest.raises(TableError) as caught:
        sizes.reweighted(frame, shares)
    assert told in str(caught.value)
