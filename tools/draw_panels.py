"""Draw detected panels over annotated ones, to inspect every page that the detector gets wrong.

    python tools/draw_panels.py --output misses            pages that are not exactly right, worst first
    python tools/draw_panels.py --output pages --all --only ep05

Annotated boxes are thick green, detected ones thin red with their number in reading order. The comics are read from
PANELSEEK_COMICS. Images are named by rank, so that a file list shows the worst pages first. A name with "right"
marks a page that is exactly right.
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

from index_builder.panels import detect_panels
from retrieval.records import Box

ANNOTATED, DETECTED = (0, 190, 0), (255, 0, 0)
"""Line colours, RGB."""

SIDE = 900
"""Longer side of the drawings in pixels."""

IOU = 0.75
"""Intersection over union from which a detected box matches an annotated one."""


def draw(image: NDArray[np.uint8], annotated: list[Box], detected: list[Box]) -> NDArray[np.uint8]:
    """Return a reduced copy of the page (RGB) with both lists of boxes drawn on it."""
    scale = SIDE / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    drawing = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    for box in annotated:
        _rectangle(drawing, box, scale, ANNOTATED, 6)
    for number, box in enumerate(detected, 1):
        _rectangle(drawing, box, scale, DETECTED, 2)
        position = (round((box.x + box.w / 2) * scale) - 10, round((box.y + box.h / 2) * scale) + 10)
        for colour, width in (((255, 255, 255), 7), (DETECTED, 2)):
            cv2.putText(drawing, str(number), position, cv2.FONT_HERSHEY_SIMPLEX, 1.0, colour, width)
    return drawing


def _rectangle(drawing: NDArray[np.uint8], box: Box, scale: float, colour: tuple[int, int, int], width: int) -> None:
    corner = (round(box.x * scale), round(box.y * scale))
    opposite = (round((box.x + box.w) * scale), round((box.y + box.h) * scale))
    cv2.rectangle(drawing, corner, opposite, colour, width)


def error_rate(page: AnnotatedPage, detected: list[Box]) -> float:
    """Return 1 - F1 of the boxes, 0 for a page that is exactly right."""
    return 1 - 2 * len(match(page.boxes, detected, IOU)) / (len(page.boxes) + len(detected))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw detected panels over annotated ones, worst pages first.")
    parser.add_argument("--output", type=Path, required=True, help="write the images to this folder")
    parser.add_argument("--only", default="", help="use only pages with this in their path")
    parser.add_argument("--variant", choices=VARIANTS, default="plain", help="alter the pages first")
    parser.add_argument("--all", action="store_true", help="also draw pages that are exactly right")
    arguments = parser.parse_args()
    drawings = []
    for plain in annotated_pages(comics_folder(), arguments.only):
        page = variant(plain, arguments.variant)
        detection = detect_panels(page.picture, right_to_left=page.right_to_left)
        boxes = or_whole_page(detection.boxes, page.picture)
        right = exactly_right(page.boxes, boxes, IOU)
        if arguments.all or not right:
            name = f"{'right' if right else 'wrong'}_{detection.confidence:.2f}_{page.name.replace('/', '_')}"
            drawings.append((error_rate(page, boxes), name, draw(page.picture, page.boxes, boxes)))
    arguments.output.mkdir(parents=True, exist_ok=True)
    for rank, (_, name, image) in enumerate(sorted(drawings, key=lambda d: (-d[0], d[1])), 1):
        path = arguments.output / f"{rank:03d}_{name}.png"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    print(f"{len(drawings)} pages drawn in {arguments.output}")


if __name__ == "__main__":
    main()
