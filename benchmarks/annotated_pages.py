"""Annotated pages of a folder of comics, and the matching of detected boxes with annotated ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from index_builder.annotations import read_annotation  # noqa: E402
from index_builder.sources import BookRef, find_books  # noqa: E402
from retrieval.books import read_page  # noqa: E402
from retrieval.images.decode import open_image  # noqa: E402
from retrieval.records import Box  # noqa: E402

HELD_OUT = "_NC"
"""Ending of the folders of series that nothing is tuned on."""


@dataclass(frozen=True, slots=True)
class AnnotatedPage:
    """A page (H, W, 3) uint8 RGB with its annotated boxes in reading order, in page pixels."""

    series: str
    name: str
    picture: NDArray[np.uint8]
    boxes: list[Box]
    right_to_left: bool


def comics_folder() -> Path:
    """Return the folder in PANELSEEK_COMICS, else ../shared/data/comics next to the checkout."""
    return Path(os.environ.get("PANELSEEK_COMICS", REPOSITORY.parent / "shared" / "data" / "comics"))


def annotated_pages(root: Path, only: str = "") -> Iterator[AnnotatedPage]:
    """Yield the pages below `root` with annotated boxes, in natural order; `only`: a part of their path."""
    for book in find_books(root):
        if not isinstance(book, BookRef):
            continue
        for page in book.pages:
            name = f"{book.relative}/{page.name}"
            if page.annotation is None or only not in name:
                continue
            picture = np.asarray(open_image(read_page(book.path, page.name)))
            annotation = read_annotation(read_page(book.path, page.annotation), picture.shape[1], picture.shape[0])
            if annotation.panels:
                boxes = [panel.box for panel in annotation.panels]
                series = name.split("/")[0]
                yield AnnotatedPage(series, name, picture, boxes, annotation.reading_direction == "rtl")


def or_whole_page(found: list[Box], picture: NDArray[np.uint8]) -> list[Box]:
    """Return the detected boxes, or the whole page if there are none, as a build does."""
    return found or [Box(0, 0, picture.shape[1], picture.shape[0])]


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union, 0-1."""
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    common = max(0.0, w) * max(0.0, h)
    return common / (a.w * a.h + b.w * b.h - common)


def match(truth: list[Box], found: list[Box], level: float) -> dict[int, int]:
    """Match boxes one to one, best overlap first: number in `truth` -> number in `found`, for IoU from `level` on."""
    pairs = sorted(((iou(t, f), i, j) for i, t in enumerate(truth) for j, f in enumerate(found)), reverse=True)
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for score, i, j in pairs:
        if score >= level and i not in matched and j not in taken:
            matched[i] = j
            taken.add(j)
    return matched


def exactly_right(truth: list[Box], found: list[Box], level: float) -> bool:
    """Return True if there are as many boxes as annotated, and all are matched."""
    return len(match(truth, found, level)) == len(truth) == len(found)
