"""Frozen records that all rooms share: views, boxes and panels."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class View(StrEnum):
    """The part of a panel that a vector represents."""

    PICTURE = "picture"
    DIALOGUE = "dialogue"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in page pixels, origin top left; it may extend beyond the page."""

    x: float
    y: float
    w: float
    h: float

    def as_list(self) -> list[float]:
        """Return [x, y, w, h] for JSON, whole numbers as integers."""
        return [int(v) if float(v).is_integer() else v for v in (self.x, self.y, self.w, self.h)]

    def on_page(self, width: int, height: int) -> Box | None:
        """Return the box clamped to the page; None if nothing is left.

        It is clamped as by the published Stage-1 loader: x and y are raised to 0 without shrinking w and h, then w and
        h are cut at the edge of the page.
        """
        x, y = max(self.x, 0.0), max(self.y, 0.0)
        w, h = min(self.w, width - x), min(self.h, height - y)
        return Box(x, y, w, h) if w > 0 and h > 0 else None


FULL_PAGE = "page"
"""`Panel.box_source` of a box that is the whole page."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of an index: its place in the comics and its text.

    sound_effects: lettering that is not dialogue (sound effects, signatures), one per line.
    text_source: "annotation", "ocr", or "" if the text was not read.
    page_path: the page's path below its source. gate: weights of picture, dialogue and composition.
    label: page type (story, cover, ...), "" if unknown.
    box_source: "annotation", "detector" (the panel detector) or "page" (the whole page).
    """

    id: int
    book: str
    page_number: int
    number: int
    box: Box
    dialogue: str
    sound_effects: str
    text_source: str
    page_path: str
    page_width: int
    page_height: int
    gate: tuple[float, float, float]
    page_id: int = field(repr=False)
    book_id: int = field(repr=False)
    vector_row: int = field(repr=False)
    label: str = ""
    box_source: str = field(default="", repr=False)

    @property
    def is_fallback_page(self) -> bool:
        """True for the full page that is stored after its panels when panel detection has low confidence."""
        return self.box_source == FULL_PAGE and self.number > 1
