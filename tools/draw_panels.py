"""Draw found panels over given ones, so that a person can look at every miss.

    python tools/draw_panels.py --output misses            pages that are not exactly right, worst first
    python tools/draw_panels.py --output pages --all --only ep05

Given boxes are thick green, found ones thin red with their place in reading order. The comics are looked for in
PANELSEEK_COMICS. Pictures are named by rank, so that a file list shows the worst pages first; pages that need not
be looked at again are those whose name says "right".
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from annotated_pages import (
    AnnotatedPage,
    annotated_pages,
    comics_folder,
    exactly_right,
    match,
    or_whole_page,
)
from page_variants import VARIANTS, variant

from index_builder.panels import examine
from retrieval.records import Box

GIVEN, FOUND = (0, 190, 0), (255, 0, 0)
SIDE = 900
"""Longer side of the drawings in pixels."""


def draw(picture: NDArray[np.uint8], given: list[Box], found: list[Box]) -> NDArray[np.uint8]:
    """A small copy of the page (RGB) with both lists of boxes on it."""
    scale = SIDE / max(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    drawn = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for box in given:
        _rectangle(drawn, box, scale, GIVEN, 6)
    for number, box in enumerate(found, 1):
        _rectangle(drawn, box, scale, FOUND, 2)
        place = (round((box.x + box.w / 2) * scale) - 10, round((box.y + box.h / 2) * scale) + 10)
        for colour, width in (((255, 255, 255), 7), (FOUND, 2)):
            cv2.putText(drawn, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, colour, width)
    return drawn


def _rectangle(drawn: NDArray[np.uint8], box: Box, scale: float, colour: tuple[int, int, int], width: int) -> None:
    corner = (round(box.x * scale), round(box.y * scale))
    opposite = (round((box.x + box.w) * scale), round((box.y + box.h) * scale))
    cv2.rectangle(drawn, corner, opposite, colour, width)


def wrongness(page: AnnotatedPage, found: list[Box]) -> float:
    """1 - F1 at IoU 0.75; 0 for a page that is exactly right."""
    return 1 - 2 * len(match(page.boxes, found, 0.75)) / (len(page.boxes) + len(found))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw found panels over given ones, worst pages first.")
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--only", default="", help="only pages with this in their path")
    parser.add_argument("--variant", choices=VARIANTS, default="plain", help="alter the pages first")
    parser.add_argument("--all", action="store_true", help="also pages that are exactly right")
    asked = parser.parse_args()
    drawings = []
    for plain in annotated_pages(comics_folder(), asked.only):
        page = variant(plain, asked.variant)
        outcome = examine(page.picture, right_to_left=page.right_to_left)
        found = or_whole_page(outcome.boxes, page.picture)
        right = exactly_right(page.boxes, found, 0.75)
        if asked.all or not right:
            name = f"{'right' if right else 'wrong'}_{outcome.confidence:.2f}_{page.name.replace('/', '_')}"
            drawings.append((wrongness(page, found), name, draw(page.picture, page.boxes, found)))
    asked.output.mkdir(parents=True, exist_ok=True)
    for rank, (_, name, picture) in enumerate(sorted(drawings, key=lambda d: (-d[0], d[1])), 1):
        path = asked.output / f"{rank:03d}_{name}.png"
        cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    print(f"{len(drawings)} pages drawn in {asked.output}")


if __name__ == "__main__":
    main()
