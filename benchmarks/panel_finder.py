"""How well the panel finder does on annotated comics: F1 of its boxes, per series.

    python benchmarks/panel_finder.py

The comics are looked for in PANELSEEK_COMICS (default ../shared/data/comics beside the checkout).
A page on which nothing is found counts as one box of the whole page, as in a build.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from index_builder.annotations import read_annotation  # noqa: E402
from index_builder.panels import FINDER, find_panels  # noqa: E402
from index_builder.sources import BookRef, find_books  # noqa: E402
from retrieval.pages import read_page  # noqa: E402
from retrieval.pictures import open_picture  # noqa: E402
from retrieval.records import Box  # noqa: E402

LEVELS = (0.5, 0.75)


@dataclass
class Figures:
    """Sums over the pages of a series."""

    pages: int = 0
    truth: int = 0
    found: int = 0
    matched: tuple[int, int] = (0, 0)
    exact: int = 0
    in_order: int = 0
    seconds: float = 0.0

    def add(self, other: Figures) -> None:
        self.pages += other.pages
        self.truth += other.truth
        self.found += other.found
        self.matched = (self.matched[0] + other.matched[0], self.matched[1] + other.matched[1])
        self.exact += other.exact
        self.in_order += other.in_order
        self.seconds += other.seconds

    def f1(self, level: int) -> float:
        return 2 * self.matched[level] / max(1, self.truth + self.found)


def iou(a: Box, b: Box) -> float:
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    common = max(0.0, w) * max(0.0, h)
    return common / (a.w * a.h + b.w * b.h - common)


def match(truth: list[Box], found: list[Box], level: float) -> dict[int, int]:
    """One to one, best overlap first: truth number -> found number."""
    pairs = sorted(((iou(t, f), i, j) for i, t in enumerate(truth) for j, f in enumerate(found)), reverse=True)
    matched: dict[int, int] = {}
    for score, i, j in pairs:
        if score >= level and i not in matched and j not in matched.values():
            matched[i] = j
    return matched


def measure(page: np.ndarray, truth: list[Box], *, right_to_left: bool) -> Figures:
    start = time.perf_counter()
    found = find_panels(page, right_to_left=right_to_left)
    seconds = time.perf_counter() - start
    found = found or [Box(0, 0, page.shape[1], page.shape[0])]
    matches = [match(truth, found, level) for level in LEVELS]
    exact = len(matches[0]) == len(truth) == len(found)
    order = [matches[0][i] for i in sorted(matches[0])]
    return Figures(
        1,
        len(truth),
        len(found),
        (len(matches[0]), len(matches[1])),
        exact,
        exact and order == sorted(order),
        seconds,
    )


def main() -> None:
    cv2.setNumThreads(1)
    root = Path(os.environ.get("PANELSEEK_COMICS", REPOSITORY.parent / "shared" / "data" / "comics"))
    series: dict[str, Figures] = defaultdict(Figures)
    verbose = "-v" in sys.argv
    for book in find_books(root):
        if not isinstance(book, BookRef):
            continue
        for page in book.pages:
            if page.annotation is None:
                continue
            picture = np.asarray(open_picture(read_page(book.path, page.name)))
            note = read_annotation(read_page(book.path, page.annotation), picture.shape[1], picture.shape[0])
            if not note.panels:
                continue
            boxes = [panel.box for panel in note.panels]
            figures = measure(picture, boxes, right_to_left=note.reading_direction == "rtl")
            if verbose and figures.f1(1) < 1:
                print(
                    book.relative,
                    page.name,
                    f"{figures.truth} panels, {figures.found} found, {figures.matched} right",
                )
            series[book.relative.split("/")[0]].add(figures)
            series["all"].add(figures)
    report(series)


def report(series: dict[str, Figures]) -> None:
    print(f"finder {FINDER}; exact: all panels of a page at IoU 0.5; ordered: of these, in reading order")
    print(f"{'series':24}{'pages':>6}{'panels':>8}{'F1@0.5':>8}{'F1@0.75':>9}{'exact':>7}{'ordered':>9}{'ms/page':>9}")
    for name in sorted(series, key=lambda n: (n == "all", n)):
        f = series[name]
        print(
            f"{name:24}{f.pages:6}{f.truth:8}{f.f1(0):8.3f}{f.f1(1):9.3f}{f.exact:7}{f.in_order:9}"
            f"{1000 * f.seconds / f.pages:9.1f}"
        )


if __name__ == "__main__":
    main()
