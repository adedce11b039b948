"""Times of queries in Chromium."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from web_app.library import WORDS, drawing

FIRST_RESULT = """() => {
    const image = document.querySelector("#answer > ol > li > .card img");
    return window.query && document.querySelector(".summary h2")?.textContent.includes(window.query)
        && image?.complete && image.naturalWidth > 0;
}"""


def measure_browser(url: str, repeat: int) -> dict[str, Any]:
    """Measure the times in Chromium: `repeat` queries by text and by image each."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        usable = [_usable(browser, url) for _ in range(3)]
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.locator(".welcome .card").first.wait_for()
        by_text = []
        for n in range(repeat):
            by_text.append(_time_query(page, _type, f"{WORDS[n]} {WORDS[3 * n + 5]} {WORDS[7 * n % 120]}"))
        with tempfile.TemporaryDirectory() as temporary:
            by_image = []
            for n in range(repeat):
                path = Path(temporary) / f"{n}.jpg"
                drawing(1000 + n).resize((1200, 800)).save(path)
                page.locator("#clear").click()
                page.locator(".welcome .card").first.wait_for()
                by_image.append(_time_query(page, lambda p, path=path: _upload(p, path), "your image"))
        browser.close()
    return {"usable after s": usable, "text": _summary(by_text), "image": _summary(by_image)}


def _usable(browser: Any, url: str) -> float:
    """Return the seconds from the request for the web app until its search field takes text."""
    context = browser.new_context()
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("[name=q]").fill("a")
    seconds = time.perf_counter() - started
    context.close()
    return round(seconds, 2)


def _time_query(page: Any, submit: Any, title: str) -> dict[str, float]:
    """Return milliseconds since the query was submitted, by the browser's clock; title: part of the heading."""
    page.evaluate("(title) => { window.query = title; performance.clearResourceTimings(); }", title)
    page.evaluate("() => { document.querySelector('#answer')?.replaceChildren(); }")
    page.evaluate("() => { window.began = performance.now(); }")
    submit(page)
    page.wait_for_function(FIRST_RESULT, polling="raf")
    ended = page.evaluate("performance.now() - window.began")
    calls = page.evaluate(
        """() => performance.getEntriesByType("resource").filter((r) => r.name.includes("component_server"))
            .map((r) => [r.startTime - window.began, r.responseEnd - window.began, r.responseEnd - r.requestStart])"""
    )
    search = float(page.locator(".summary p[data-seconds]").get_attribute("data-seconds"))
    last = max((call for call in calls if call[0] >= 0), key=lambda call: call[2], default=[0, 0, 0])
    return {
        "request leaves": last[0],
        "response arrives": last[1],
        "response took": last[2],
        "search": 1000 * search,
        "first result": ended,
    }


def _type(page: Any) -> None:
    page.locator("[name=q]").fill(page.evaluate("window.query"))
    page.evaluate("() => { window.began = performance.now(); }")
    page.keyboard.press("Enter")


def _upload(page: Any, path: Path) -> None:
    page.locator("#file").set_input_files(path)


def _summary(times: list[dict[str, float]]) -> dict[str, Any]:
    """Return median and worst times in milliseconds, without the first query, which warms up."""
    later = times[1:] or times
    medians = {name: round(float(np.median([each[name] for each in later]))) for name in later[0]}
    worst = round(max(each["first result"] for each in later))
    return {"median ms": medians, "worst first result ms": worst, "first query ms": round(times[0]["first result"])}
