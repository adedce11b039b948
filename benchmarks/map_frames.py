"""Measure the frame rate of the map in Chromium while a map of many panels is dragged and zoomed.

    python benchmarks/map_frames.py FOLDER [--panels 50000] [--seconds 5] [--json]

FOLDER gets a synthetic library, kept for the next run. If it has no map, it gets one of random clusters: the time to
draw dots does not depend on their positions. Prints frames per second and the times
between frames while dragging in circles and zooming in and out.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from figures.rows import Figures
from playwright.sync_api import sync_playwright
from web_app.library import make_library
from web_app.server import served

from retrieval import PanelIndex
from retrieval.overview.panel_map import FILE, load_panel_map
from retrieval.records import View
from retrieval.store.derived import save_derived

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
    parser.add_argument("--panels", type=int, default=50_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    figures = Figures("map_frames", arguments.json)
    make_library(arguments.folder, arguments.panels, 0)
    panels = scatter(arguments.folder)
    with served(arguments.folder) as (url, _), sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}?tab=map")
        page.locator(".map-status", has_text="panels").wait_for()
        box = page.locator(".map canvas").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        times = {"drag": drag(page, x, y, arguments.seconds), "zoom": zoom(page, x, y, arguments.seconds)}
        browser.close()
    print(json.dumps({"panels": panels, **times}, indent=1))
    for name, found in times.items():
        figures.add(f"{name}, frames", found["frames per second"], "a second", 60, "the screen")
        figures.add(f"{name}, longest wait for a frame", found["longest ms"], "ms")


def scatter(folder: Path) -> int:
    """Write a map of random clusters if there is none; return the number of panels."""
    with PanelIndex.open(folder) as index:
        view = index.generation.views[View.PICTURE]
        if load_panel_map(index) is None:
            rng = np.random.default_rng(4)
            centres = rng.random((200, 2))
            scattered = centres[rng.integers(0, 200, len(view))] + 0.03 * rng.standard_normal((len(view), 2))
            points, groups = np.clip(scattered, 0, 1).astype(np.float32), np.zeros(len(view), np.uint8)
            save_derived(folder, index.generation.number, FILE, points=points, groups=groups)
        return len(view)


def drag(page: Any, x: float, y: float, seconds: float) -> dict[str, float]:
    """Drag the map in circles; return the frame times."""
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
    """Zoom in and out with the wheel; return the frame times."""
    page.mouse.move(x, y)
    page.evaluate(RECORD)
    for step in range(round(30 * seconds)):
        page.mouse.wheel(0, -60 if step % 30 < 15 else 60)
        page.wait_for_timeout(16)
    return frames(page.evaluate(STOP))


def frames(times: list[float]) -> dict[str, float]:
    """Return frames per second, and the times between frames in milliseconds."""
    intervals = np.diff(np.array(times))
    return {
        "frames per second": round(1000 * len(intervals) / (times[-1] - times[0]), 1),
        "median ms": round(float(np.median(intervals)), 1),
        "95th percentile ms": round(float(np.quantile(intervals, 0.95)), 1),
        "longest ms": round(float(intervals.max()), 1),
    }


if __name__ == "__main__":
    main()
