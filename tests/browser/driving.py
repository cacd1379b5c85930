"""A headless Chromium that opens files and tells what its console says."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 800), (390, 844)


def missing() -> str | None:
    """Return what is needed and not there."""
    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    absent = [name for name, path in found.items() if path is None]
    return (
        f"{' and '.join(absent)} not found; on Debian: apt-get install chromium chromium-driver" if absent else None
    )


@contextmanager
def browser(folder: Path) -> Iterator[webdriver.Chrome]:
    """Open a browser without a network, with an empty profile and a folder for what is downloaded."""
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        yield driver
    finally:
        driver.quit()


def visit(driver: webdriver.Chrome, page: Path, size: tuple[int, int] = DESKTOP, anchor: str = "") -> None:
    """Open a page at a window's size and wait until it is drawn."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(page.as_uri() + anchor)
    drawn(driver)


def drawn(driver: webdriver.Chrome, after: int = 0) -> int:
    """Wait until the page was drawn more often than `after` times; return how often."""
    count = "return Number(document.body.dataset.drawn || 0)"
    WebDriverWait(driver, 60, poll_frequency=0.05).until(lambda page: page.execute_script(count) > after)
    return int(driver.execute_script(count))


def complaints(driver: webdriver.Chrome) -> list[str]:
    """Return what the console has said since the last call."""
    return [f"{entry['level']}: {entry['message']}" for entry in driver.get_log("browser")]


def find(page, selector):
    return page.find_element(By.CSS_SELECTOR, selector)


def find_all(page, selector):
    return page.find_elements(By.CSS_SELECTOR, selector)


def picked(page):
    return find(page, "#answer").get_attribute("data-picked")


def limit(page, column, bound):
    """Type a limit; None takes it away. Return what the page has picked then."""
    count = drawn(page)
    field = find(page, f"#limit-{column}")
    page.execute_script("arguments[0].closest('details')?.setAttribute('open', '')", field)
    field.clear()
    if bound is not None:
        field.send_keys(repr(bound))
    drawn(page, count)
    return picked(page)
