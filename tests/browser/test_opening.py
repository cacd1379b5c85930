"""What a page opens with: limits given to the command, the group that fits, published numbers."""

import shutil
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.analysis.synthetic import made, small_study, written
from tests.browser.driving import PHONE, browser, complaints, drawn, find, find_all, limit, missing, picked, visit
from tradeoff import report

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
pytestmark = [pytest.mark.browser, pytest.mark.skipif(missing() is not None, reason=str(missing()))]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("page")) as opened:
        yield opened


def test_a_limit_given_at_the_start_stays_whatever_was_measured(driver, tmp_path):
    path = written(tmp_path, [made("a"), made("b", size=600, ap=0.3)])
    assert report.main([str(path), "--max-energy-j", "1"]) == 1
    visit(driver, tmp_path / "results.html")
    assert picked(driver) == ""
    assert "None of 2 models fits this budget" in find(driver, "#answer").text
    assert find(driver, "#limit-energy_j").get_attribute("value") == "1"
    count = drawn(driver)
    find(driver, "#limit-energy_j").send_keys(Keys.BACKSPACE)
    drawn(driver, count)
    assert picked(driver) == "b"
    assert complaints(driver) == []


def test_the_page_opens_with_the_group_that_fits(driver, tmp_path):
    rows = [*small_study(), made("other", device_name="a CPU", latency_ms_p50=0.3444444)]
    assert report.main([str(written(tmp_path, rows)), "--max-latency-ms", "0.35"]) == 0
    visit(driver, tmp_path / "results.html")
    assert picked(driver) == "other"
    assert Select(find(driver, "#group")).first_selected_option.text == "a CPU"


def test_what_is_bought_can_be_given_as_the_limit(driver, tmp_path):
    rows = [made("a", latency_ms_p50=10.0), made("b", ap=0.3, latency_ms_p50=12.3441, size=600)]
    assert report.main([str(written(tmp_path, rows))]) == 0
    visit(driver, tmp_path / "results.html")
    assert limit(driver, "time_ms", 12.0) == "a"
    assert "0.35 ms more (12.35 ms) buys model b" in find(driver, "#answer").text
    assert limit(driver, "time_ms", 12.35) == "b"
    assert limit(driver, "ap", 0.4) == ""
    assert "has 0.3 of AP, wanted at least 0.4" in find(driver, "#answer").text


def test_better_models_without_a_number_or_trust_are_counted(driver, tmp_path):
    rows = [made("a", peak_memory_mb=900.0), made("b", size=600, ap=0.3)]
    rows += [made("c", size=900, ap=0.4, peak_memory_mb=100.0, trusted=False)]
    assert report.main([str(written(tmp_path, rows)), "--max-memory-mb", "1000"]) == 0
    visit(driver, tmp_path / "results.html")
    told = find(driver, "#answer").text
    assert picked(driver) == "a"
    assert "1 better model has no number for peak memory." in told
    assert "1 untrusted model has more AP than the pick." in told
    assert "No limit binds" not in told


def test_the_pick_is_named_in_the_scatter_wherever_it_lies(driver, tmp_path):
    rows = [made(f"r{i}", size=100 + i, ap=0.3 + i / 100, latency_ms_p50=10.0 + i) for i in range(12)]
    assert report.main([str(written(tmp_path, rows))]) == 0
    visit(driver, tmp_path / "results.html")
    for bound in (30.0, 15.0, 10.0):
        number = limit(driver, "time_ms", bound)
        (name,) = [text for text in find_all(driver, "#scatter .pick text") if text.text]
        assert name.text == f"model {number}"
        inside, whole = name.rect, find(driver, "#scatter").rect
        assert whole["x"] <= inside["x"]
        assert inside["x"] + inside["width"] <= whole["x"] + whole["width"]


@pytest.mark.parametrize("zoo", ["tf1_detection_zoo", "detectron2_model_zoo"])
def test_a_zoo_with_long_names_does_not_scroll_sideways_on_a_phone(driver, tmp_path, zoo):
    shutil.copy(PUBLISHED / f"{zoo}.csv", tmp_path)
    assert report.main([str(tmp_path / f"{zoo}.csv")]) == 0
    visit(driver, tmp_path / f"{zoo}.html", PHONE)
    assert driver.execute_script("return document.documentElement.scrollWidth") == PHONE[0]
    find(driver, "#answer h2 button").click()
    assert driver.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", find(driver, "#card"))
    assert complaints(driver) == []


def test_published_numbers_bear_it_behind_their_name(driver, tmp_path):
    rows = [made("a"), made("b", size=600, ap=0.3)]
    path = written(tmp_path, rows)
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line},{end}\n" for line, end in zip(lines, ("source", "a zoo", "a zoo"), strict=True)))
    assert report.main([str(path)]) == 0
    visit(driver, tmp_path / "results.html")
    assert find(driver, "#answer h2").text == "model b (published)"
    assert "Grey: published" in find(driver, "#key").text
    assert "of published numbers, not measured here" in find(driver, "#caveats").text
