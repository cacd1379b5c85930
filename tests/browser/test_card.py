"""The card of a row whose evaluation and predictions are in the cache: its curves, and what it finds in pictures."""

import numpy as np
import pytest
from selenium.webdriver.support.ui import WebDriverWait

from tests.analysis.synthetic import made, written
from tests.browser.driving import browser, complaints, find, find_all, missing, visit
from tests.test_evidence import SHAPES, predicted
from tradeoff import report

pytestmark = [pytest.mark.browser, pytest.mark.skipif(missing() is not None, reason=str(missing()))]

#: what each chart is drawn of
MARKS = {"precision": "line", "classes": "rect", "sizes": "rect", "ious": "line"}


def evaluated(cache, key):
    """Write the curves of an evaluation of three classes into a cache."""
    folder = cache / "evaluate" / key
    folder.mkdir(parents=True)
    np.savez(
        folder / "curves.npz",
        iou=np.linspace(0.5, 0.95, 10),
        recall=np.linspace(0, 1, 101),
        curve_precision=np.broadcast_to(np.linspace(1, 0, 101)[None, :, None], (10, 101, 3)),
        category=np.array(["circle", "square", "star"]),
        ap_by_class=np.array([0.1, 0.2, np.nan]),
        objects_by_class=np.array([5, 7, 0]),
        ap_by_iou=np.linspace(0.5, 0.05, 10),
        size_area_px2=np.array([[0, 32**2], [32**2, 96**2], [96**2, 1e10]]),
        ap_by_size=np.array([0.1, 0.2, 0.3]),
    )


def test_a_card_draws_the_curves_and_what_was_found_in_pictures(tmp_path):
    cache = tmp_path / "cache"
    evaluated(cache, "eee")
    predicted(cache, "ppp", [(identity, 2, 0.9, 10, 20, 30, 40) for identity in range(1, 31)])
    rows = [made("a", predict_key="ppp", evaluate_key="eee", **SHAPES)]
    assert report.main([str(written(tmp_path, rows))]) == 0
    with browser(tmp_path / "browser") as page:
        visit(page, tmp_path / "results.html")
        find(page, "#answer h2 button").click()
        for chart, mark in MARKS.items():
            drawn = f"#card .{chart} svg .mark-{mark} path"
            WebDriverWait(page, 20).until(lambda _, drawn=drawn: find_all(page, drawn))
        assert len(find_all(page, "#card .classes svg .mark-rect path")) == 2  # one class has no objects
        assert len(find_all(page, "#card .ious svg .mark-symbol path")) == 10
        shots = find_all(page, "#card .shot")
        assert len(shots) == 4
        for shot in shots:
            (box,) = [found.rect for found in shot.find_elements("css selector", ".found")]
            assert box["width"] > 0
            assert page.execute_script("return arguments[0].querySelector('img').naturalWidth", shot) == 480
            assert shot.find_element("css selector", ".word").text.endswith("0.90")
            assert shot.find_elements("css selector", ".truth")
        assert complaints(page) == []
