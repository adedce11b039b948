"""What any annotation, of whatever format, says about a page: one record for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from retrieval.records import Box

Point = tuple[float, float]

EFFECT = "sfx"
"""The kind of a block that is a sound effect."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Words at a place of the page, not yet given to a panel.

    `kind` is dialogue, caption, thought, sfx ... as written, "" where nobody said; `language` a code, or "".
    """

    box: Box
    text: str
    kind: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class AnnotatedPanel:
    """A panel as annotated. `number` is its place in the file's list from 1, also after others were dropped.

    `text` is None when nobody wrote the words down, "" when the panel has none. `effects` are its sound effects.
    `polygon` is the outline where more than a box was drawn; `characters` who is in it; `description` what is drawn.
    """

    number: int
    box: Box
    text: str | None
    polygon: tuple[Point, ...] = ()
    characters: tuple[str, ...] = ()
    description: str = ""
    effects: str = ""


@dataclass(frozen=True, slots=True)
class PageAnnotation:
    """What is said about a page. `panels` None: nothing usable, ask the panel finder.

    `reading_direction` is "ltr", "rtl" or None. `notes` are sentences about what was amiss. `blocks` are words that
    were given without their panels, in the order of the file. `unboxed` are the words of panels that were listed in
    reading order, but without a place.
    """

    panels: tuple[AnnotatedPanel, ...] | None
    reading_direction: str | None
    notes: tuple[str, ...]
    blocks: tuple[TextBlock, ...] = ()
    unboxed: tuple[str, ...] = ()


NOTHING = PageAnnotation(None, None, ())


@dataclass(frozen=True, slots=True)
class Written:
    """A page as a file describes it, before it is laid over the picture: boxes in units of the file.

    `size` is width and height of the page in these units, None for the page's own pixels. `any_shape`: the units are
    shares of the page, so its picture may have any shape. `ordered`: panels stand in reading order. The other fields
    are those of `PageAnnotation`.
    """

    panels: tuple[AnnotatedPanel, ...] | None = None
    reading_direction: str | None = None
    notes: tuple[str, ...] = ()
    blocks: tuple[TextBlock, ...] = ()
    unboxed: tuple[str, ...] = ()
    size: tuple[float, float] | None = None
    any_shape: bool = False
    ordered: bool = True

    def mark(self) -> str:
        """What decides the page's panels and words, for a fingerprint."""
        said = (self.panels, self.reading_direction, self.blocks, self.unboxed, self.size, self.any_shape, self.ordered)
        return repr(said)
