"""What a page opens with: limits given to the command, the group that fits, published numbers."""

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.analysis.synthetic import made, small_study, written
from tests.browser.driving import browser, complaints, drawn, find, limit, missing, picked, visit
from tradeoff import report

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
