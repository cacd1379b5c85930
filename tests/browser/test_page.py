"""The page as a person uses it: budgets, filters, cards, keys, downloads, on a desk and on a phone."""

import csv
import random

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.analysis.synthetic import made, small_study, written
from tests.browser.driving import (
    DESKTOP,
    PHONE,
    browser,
    complaints,
    drawn,
    find,
    find_all,
    limit,
    missing,
    picked,
    visit,
)
from tradeoff import report
from tradeoff.analysis import table
from tradeoff.analysis.comparable import complete, groups, timed
from tradeoff.analysis.decision import decide
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.limits import budget as limits_of
from tradeoff.analysis.pick import pick

pytestmark = [pytest.mark.browser, pytest.mark.skipif(missing() is not None, reason=str(missing()))]

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
LIMITS = {"max_latency_ms": "time_ms", "max_memory_mb": "peak_memory_mb", "max_energy_j": "energy_j"}
LIMITS |= {"max_params": "params", "min_ap": "ap"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table of two groups, some of whose words are hostile, and its page."""
    folder = tmp_path_factory.mktemp("page")
    rows = small_study()
    rows[2]["label"] = f"=1+1 {HOSTILE}"
    rows[3] |= {"energy_j": None, "reasons": HOSTILE}
    path = written(folder, [*rows, made("other", device_name="a CPU", ap=0.25, latency_ms_p50=300.0)])
    assert report.main([str(path)]) == 0
    return folder


@pytest.fixture(scope="module")
def frame(place):
    """The group of rows that the page opens with."""
    return max((group for _, group in groups(timed(complete(table.read(place / "results.csv"))))), key=len)


@pytest.fixture(scope="module")
def driver(place):
    with browser(place) as opened:
        yield opened


@pytest.fixture
def page(driver, place):
    visit(driver, place / "results.html")
    yield driver
    assert complaints(driver) == []
    assert driver.title != "taken"


def dots(page):
    """The run_ids of the points drawn, and of those that the page has on the frontier."""
    script = """return [...document.querySelectorAll("#scatter .dots path")].map((dot) => dot.__data__.datum)
        .map(({words, best, fits}) => ({words, best, fits}))"""
    return page.execute_script(script)


def test_the_first_screen_answers(page, frame):
    assert picked(page) == pick(frame).iloc[0]["run_id"]
    answer = find(page, "#answer h2")
    assert answer.text == pick(frame).iloc[0]["label"]
    assert answer.rect["y"] + answer.rect["height"] < DESKTOP[1]
    assert find(page, "#scatter svg").rect["y"] < DESKTOP[1] / 3


@pytest.mark.parametrize("seed", range(12))
def test_budgets_pick_what_python_picks(page, frame, seed):
    choose = random.Random(seed)
    budget = {}
    for word, column in choose.sample(sorted(LIMITS.items()), choose.randint(1, 3)):
        value = float(choose.choice(frame[column].dropna().tolist()))
        budget[word] = float(f"{value * choose.choice([0.8, 1.0, 1.2]):.6g}")
        last = limit(page, column, budget[word])
    fits = pick(frame, **budget)
    assert last == ("" if fits.empty else fits.iloc[0]["run_id"])
    told = find(page, "#answer .lead").text
    assert told.startswith("None of 24 models" if fits.empty else f"{len(fits)} of 24 models fit")
    assert sum(dot["fits"] for dot in dots(page)) == len(fits)
    decided = decide(frame, limits_of(budget))
    told = [
        line.text
        for line in find_all(page, "#answer p")
        if " binds: " in line.text and not line.text.startswith("No")
    ]
    assert len(told) == len(decided.steps)
    assert all(step.row["label"] in line for step, line in zip(decided.steps, told, strict=True))
    if fits.empty:
        assert find(page, "#answer h2").text == decided.nearest.row["label"]
    elif decided.nearest is not None:
        assert decided.nearest.row["label"] in find(page, "#answer").text


def test_sliders_move_the_pick(page, frame):
    slider, before = find(page, "#limit-time_ms-slider"), picked(page)
    slider.send_keys(Keys.HOME)
    fastest = frame["latency_ms_p50"].min()
    bound = float(find(page, "#limit-time_ms").get_attribute("value"))
    assert fastest <= bound <= 1.001 * fastest
    assert picked(page) == pick(frame, max_latency_ms=bound).iloc[0]["run_id"] != before
    assert "Time of a call binds" in find(page, "#answer").text
    for steps in (3, 5):
        slider.send_keys(*[Keys.ARROW_RIGHT] * steps)
        bound = float(find(page, "#limit-time_ms").get_attribute("value"))
        assert picked(page) == pick(frame, max_latency_ms=bound).iloc[0]["run_id"]
    slider.send_keys(Keys.END)
    assert picked(page) == before
    assert find(page, "#limit-time_ms").get_attribute("value") == ""


def test_what_a_limit_costs_is_the_nearest_better_model(page, frame):
    bound = float(frame["latency_ms_p50"].median())
    limit(page, "time_ms", bound)
    best = pick(frame, max_latency_ms=bound).iloc[0]
    sound = frame[frame["trusted"].fillna(True).astype(bool)]
    better = sound[(sound["ap"] > best["ap"])].sort_values("latency_ms_p50").iloc[0]
    told = next(line.text for line in find_all(page, "#answer p") if "binds" in line.text)
    assert better["label"] in told
    assert f"+{better['ap'] - best['ap']:.3f}" in told


def test_an_impossible_budget_shows_the_closest(page, frame):
    assert limit(page, "time_ms", 0.001) == ""
    assert frame.loc[frame["latency_ms_p50"].idxmin(), "label"] == find(page, "#answer h2").text
    assert "wanted at most 0.001 ms" in find(page, "#answer").text


@pytest.mark.parametrize(("x", "y"), [("time_ms", "ap"), ("gmacs", "ap_small"), ("ap", "peak_memory_mb")])
def test_the_frontier_is_that_of_python(page, frame, x, y):
    options = {option.get_attribute("value") for option in find_all(page, "#x option")}
    assert {"time_ms", "latency_ms_p50", "ap", "size"} <= options
    count = drawn(page)
    Select(find(page, "#x")).select_by_value(x)
    count = drawn(page, count) if x != "time_ms" else count
    Select(find(page, "#y")).select_by_value(y)
    if y != "ap":
        drawn(page, count)
    best = frame[on_frontier(frame, (x, y))]["label"]
    assert len(best) > 0
    assert sorted(dot["words"].split(": ")[0] for dot in dots(page) if dot["best"]) == sorted(best)


def test_filters_change_the_points_and_the_pick(page, frame):
    assert len(dots(page)) == 24
    before = frame.set_index("run_id").loc[picked(page), "meta_arch"]
    count = drawn(page)
    find(page, f"[data-axis=meta_arch] input[value={before}]").click()
    drawn(page, count)
    left = frame[frame["meta_arch"] != before]
    assert len(dots(page)) == len(left) == 16
    assert picked(page) == pick(left).iloc[0]["run_id"]
    assert len(find_all(page, "#rows tbody tr")) == 16 + 2
    assert "16 of 24 models shown" in find(page, "#count").text


def test_a_click_on_a_point_opens_its_card(page, frame):
    dot = find_all(page, "#scatter .dots path")[3]
    number = page.execute_script("return arguments[0].__data__.datum.number", dot)
    ActionChains(page).move_to_element(dot).click().perform()
    card = find(page, "#card")
    WebDriverWait(page, 10).until(lambda _: card.is_displayed())
    assert card.get_attribute("data-row") == str(number)
    for part in ("Configuration", "Accuracy", "Time", "How to make it again"):
        assert part in card.text
    assert "python -m tradeoff.run meta_arch=" in card.text
    assert "without the cache" in card.text
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert not card.is_displayed()


def test_hovering_tells_the_numbers_and_reads_no_html(page):
    hostile = next(dot for dot in find_all(page, "#scatter .dots path") if "=1+1" in dot.get_attribute("aria-label"))
    ActionChains(page).move_to_element(hostile).perform()
    tip = WebDriverWait(page, 10).until(lambda _: find(page, "#vg-tooltip-element.visible"))
    assert "<img src=x" in tip.text
    assert tip.find_elements(By.CSS_SELECTOR, "img") == []
    assert "ms" in tip.text


def test_keys_reach_points_cards_and_the_table(page):
    focus = "const dot = document.querySelector(arguments[0]); dot.focus(); return dot.__data__.datum.x"
    first = page.execute_script(focus, "#scatter [tabindex='0']")
    ActionChains(page).send_keys(Keys.ARROW_RIGHT).perform()
    second = page.execute_script("return document.activeElement.__data__.datum.x")
    assert second > first
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert find(page, "#card").is_displayed()
    assert page.execute_script("return document.activeElement.closest('dialog') !== null")
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    head = find(page, "[data-column=ap] button")
    page.execute_script("arguments[0].focus()", head)
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert find(page, "[data-column=ap]").get_attribute("aria-sort") == "ascending"
    assert page.execute_script("return document.activeElement.textContent").startswith("ap")


def test_the_table_sorts_numbers_as_numbers_and_empty_ones_last(page, frame):
    count = drawn(page)
    find(page, "[data-column=energy_j] button").click()
    drawn(page, count)
    cells = [row.find_elements(By.CSS_SELECTOR, "td, th") for row in find_all(page, "#rows tbody tr")]
    place = [head.get_attribute("data-column") for head in find_all(page, "#rows thead th")].index("energy_j")
    told = [cell[place].text for cell in cells]
    known = [float(text) for text in told if text != "–"]
    assert known == sorted(known)
    assert len(known) == 23
    assert told[23:] == ["–"] * 3  # one row without, and the two that did not finish


def test_the_download_is_what_is_shown_with_formulas_quoted(page, place, frame):
    count = drawn(page)
    find(page, "[data-axis=meta_arch] input[value=ssd]").click()
    drawn(page, count)
    find(page, "#download").click()
    path = place / "downloads" / "results.csv"
    WebDriverWait(page, 20).until(lambda _: path.is_file())
    shown = table.read(path)
    assert sorted(shown["run_id"]) == sorted([*frame[frame["meta_arch"] != "ssd"]["run_id"], "failed", "skipped"])
    path.unlink()
    find(page, "[data-axis=meta_arch] input[value=ssd]").click()
    drawn(page, count + 1)
    find(page, "#download").click()
    WebDriverWait(page, 20).until(lambda _: path.is_file())
    with path.open(encoding="utf-8") as lines:
        assert [line["label"] for line in csv.DictReader(lines) if "1+1" in line["label"]] == [f"'=1+1 {HOSTILE}"]
    path.unlink()


def test_other_groups_are_shown_apart(page):
    count = drawn(page)
    Select(find(page, "#group")).select_by_index(1)
    drawn(page, count)
    assert picked(page) == "other"
    assert len(dots(page)) == 1


def test_a_phone_shows_all_without_scrolling_sideways(driver, place):
    visit(driver, place / "results.html", PHONE)
    assert driver.execute_script("return document.documentElement.scrollWidth") == PHONE[0]
    find(driver, "#answer h2 button").click()
    card = find(driver, "#card")
    assert card.rect["width"] == PHONE[0]
    assert driver.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", card)
    assert complaints(driver) == []


def test_everything_that_takes_input_has_a_name(page):
    script = """
        return [...document.querySelectorAll("input, select, button")].filter((field) =>
            !(field.labels?.length || field.getAttribute("aria-label") || field.textContent.trim())
        ).map((field) => field.outerHTML)"""
    assert page.execute_script(script) == []
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map((found) => found.id)")
    assert len(ids) == len(set(ids))
