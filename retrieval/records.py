"""The frozen records that travel between the parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


class View(StrEnum):
    """Which part of a panel a vector speaks for."""

    PICTURE = "picture"
    DIALOGUE = "dialogue"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in page pixels, origin top left; may reach over the page's edge."""

    x: float
    y: float
    w: float
    h: float

    def as_list(self) -> list[float]:
        """[x, y, w, h], whole numbers as ints so that JSON reads cleanly."""
        return [int(v) if float(v).is_integer() else v for v in (self.x, self.y, self.w, self.h)]

    def on_page(self, width: int, height: int) -> Box | None:
        """The part a crop shows, or None when nothing is left.

        As the published Stage-1 loader clamps: x and y are raised to 0 without shrinking
        w and h, then w and h are cut at the page's edge.
        """
        x, y = max(self.x, 0.0), max(self.y, 0.0)
        w, h = min(self.w, width - x), min(self.h, height - y)
        return Box(x, y, w, h) if w > 0 and h > 0 else None


FULL_PAGE = "page"
"""The origin of a box that is all of its page."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of an index: where it is and what it says.

    `words_from` says who told its words: "annotation", "ocr", or "" where nobody looked. `effects` is lettering that is
    no dialogue: sound effects, signatures; a line each. `label` is what kind of page it is on, "" where unknown.
    `origin` is where its box is from: "annotation", "finder" or "page" (all of it).
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
        """Whether it is a whole page, kept because the panels found on it, which come before it, are doubtful."""
        return self.box_source == FULL_PAGE and self.number > 1
