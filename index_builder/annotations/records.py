"""Records of a page's annotation, shared by all formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retrieval.records import Box

Point = tuple[float, float]

SOUND_EFFECT = "sfx"
"""Text type of a block that is a sound effect."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A text with its box on the page, not yet assigned to a panel.

    text_type: dialogue, caption, thought, sfx ... as in the file, "" if unknown. language: a language code, or "".
    """

    box: Box
    text: str
    text_type: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class AnnotatedPanel:
    """A panel of an annotation.

    number: position in the file's list from 1; dropped panels are counted. text: None if the panel was not
    transcribed, "" if it has no text. polygon: the outline, if the file has more than a box.
    characters: names of the persons shown. description: what is drawn.
    """

    number: int
    box: Box
    text: str | None
    polygon: tuple[Point, ...] = ()
    characters: tuple[str, ...] = ()
    description: str = ""
    sound_effects: str = ""


@dataclass(frozen=True, slots=True)
class PageAnnotation:
    """The annotation of a page, in the pixels of its image.

    panels: None if the annotation has no usable panels, so that panels have to be detected.
    reading_direction: "ltr", "rtl" or None. warnings: problems found in the files, for a person.
    blocks: texts without a panel, in the order of the file.
    texts_without_boxes: texts of panels that the file lists in reading order, but without boxes.
    """

    panels: tuple[AnnotatedPanel, ...] | None
    reading_direction: str | None
    warnings: tuple[str, ...]
    blocks: tuple[TextBlock, ...] = ()
    texts_without_boxes: tuple[str, ...] = ()


EMPTY = PageAnnotation(None, None, ())


@dataclass(frozen=True, slots=True)
class RawAnnotation:
    """The annotation of a page as its file has it, with boxes in the units of the file.

    page_size: width and height of the page in these units, None if they are the pixels of the page.
    relative_units: the units are fractions of the page, so the image may have any aspect ratio.
    in_reading_order: the panels are listed in reading order. The other fields are those of `PageAnnotation`.
    """

    panels: tuple[AnnotatedPanel, ...] | None = None
    reading_direction: str | None = None
    warnings: tuple[str, ...] = ()
    blocks: tuple[TextBlock, ...] = ()
    texts_without_boxes: tuple[str, ...] = ()
    page_size: tuple[float, float] | None = None
    relative_units: bool = False
    in_reading_order: bool = True

    def fingerprint(self) -> str:
        """Return a text that changes with the page's panels or texts.

        Digests in the catalog are made of it. It is spelled out, so that renaming a class or field does not change it.
        """
        panels = None if self.panels is None else _tuple_text(map(_panel_text, self.panels))
        fields = (
            panels,
            repr(self.reading_direction),
            _tuple_text(map(_block_text, self.blocks)),
            repr(self.texts_without_boxes),
            repr(self.page_size),
            repr(self.relative_units),
            repr(self.in_reading_order),
        )
        return _tuple_text(map(str, fields))


def _panel_text(panel: AnnotatedPanel) -> str:
    return (
        f"AnnotatedPanel(number={panel.number!r}, box={_box_text(panel.box)}, text={panel.text!r}, "
        f"polygon={panel.polygon!r}, characters={panel.characters!r}, description={panel.description!r}, "
        f"effects={panel.sound_effects!r})"
    )


def _block_text(block: TextBlock) -> str:
    return (
        f"TextBlock(box={_box_text(block.box)}, text={block.text!r}, kind={block.text_type!r}, "
        f"language={block.language!r})"
    )


def _box_text(box: Box) -> str:
    return f"Box(x={box.x!r}, y={box.y!r}, w={box.w!r}, h={box.h!r})"


def _tuple_text(items: Iterable[str]) -> str:
    """Return the texts as Python writes a tuple of them."""
    texts = list(items)
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
