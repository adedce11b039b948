"""How the map moves: frames of the page in Chromium while a map of many panels is dragged and zoomed.

    python benchmarks/map_frames.py FOLDER [--seconds 5]

FOLDER is a library made by `benchmarks/page_speed.py FOLDER --panels 50000 --parts 0`. Where it has no map yet, it gets
one of scattered clumps: how dots are drawn does not depend on where they lie. Printed: frames a second and the longest
wait for a frame, while dragging in circles and zooming in and out.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from page_speed import served
from playwright.sync_api import sync_playwright

from retrieval import PanelIndex
from retrieval.overview.panel_map import PanelMap, read_map, write_map
from retrieval.records import View

RECORD = """() => {
    window.frames_seen = [performance.now()];
    const next = (now) => { window.frames_seen.push(now); window.recording = requestAnimationFrame(next); };
    window.recording = requestAnimationFrame(next);
}"""
STOP = "() => { cancelAnimationFrame(window.recording); return window.frames_seen; }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    panels = scatter(given.folder)
    with served(given.folder) as (url, _), sync_playwright() as driver:
        quiet = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}?view=map")
        page.locator(".map-said", has_text="panels").wait_for()
        box = page.locator(".map canvas").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        found = {"panels": panels, "drag": drag(page, x, y, given.seconds), "zoom": zoom(page, x, y, given.seconds)}
        browser.close()
    print(json.dumps(found, indent=1))


def scatter(folder: Path) -> int:
    """A map of clumps where there is none; the number of panels."""
    with PanelIndex.open(folder) as index:
        number, view = index.generation.number, index.generation.views[View.PICTURE]
        if read_map(folder, number, view) is None:
            rng = np.random.default_rng(4)
            centres = rng.random((200, 2))
            points = centres[rng.integers(0, 200, len(view))] + 0.03 * rng.standard_normal((len(view), 2))
            groups = np.zeros(len(view), np.uint8)
            write_map(folder, number, PanelMap(np.asarray(view.ids), np.clip(points, 0, 1).astype(np.float32), groups))
        return len(view)


def drag(page: Any, x: float, y: float, seconds: float) -> dict[str, float]:
    """In circles, with the button down."""
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(RECORD)
    steps = round(60 * seconds)
    for step in range(steps):
        turn = 2 * np.pi * step / 60
        page.mouse.move(x + 120 * np.sin(turn), y + 120 * (np.cos(turn) - 1))
    times = page.evaluate(STOP)
    page.mouse.up()
    return frames(times)


def zoom(page: Any, x: float, y: float, seconds: float) -> dict[str, float]:
    """In and out again with the wheel."""
    page.mouse.move(x, y)
    page.evaluate(RECORD)
    for step in range(round(30 * seconds)):
        page.mouse.wheel(0, -60 if step % 30 < 15 else 60)
        page.wait_for_timeout(16)
    return frames(page.evaluate(STOP))


def frames(times: list[float]) -> dict[str, float]:
    waits = np.diff(np.array(times))
    return {
        "frames a second": round(1000 * len(waits) / (times[-1] - times[0]), 1),
        "median wait ms": round(float(np.median(waits)), 1),
        "95 of 100 within ms": round(float(np.quantile(waits, 0.95)), 1),
        "longest wait ms": round(float(waits.max()), 1),
    }


if __name__ == "__main__":
    main()
