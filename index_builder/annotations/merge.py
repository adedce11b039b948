"""Merging of all annotations of a page into one, in one language and in the pixels of its image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index_builder.annotations.json_text import parse_json
from index_builder.annotations.parsing import join_texts
from index_builder.annotations.records import EMPTY, SOUND_EFFECT, PageAnnotation, RawAnnotation, TextBlock
from index_builder.annotations.registry import ParsedFile, parse_file
from index_builder.annotations.rescale import rescale
from index_builder.dialogue.assignment import assign_to_panels
from retrieval.records import Box

PanelTexts = tuple[str | None, str]
"""(dialogue or None if unknown, sound effects) of a panel."""

_UNKNOWN_FORMAT = "unknown annotation format: expected panels with boxes"


def read_annotation(data: bytes, width: int, height: int, *, right_to_left: bool = False) -> PageAnnotation:
    """Return the annotation in `data` for an upright page of `width` x `height` px; never raises.

    Boxes are in page pixels and not clipped. A bad panel is dropped, a bad file has no panels; both leave a warning.
    """
    return merge([parse_page(data)], width, height, right_to_left=right_to_left)


def parse_page(data: bytes) -> RawAnnotation:
    """Return the annotation of the one page that a file describes; if it describes none, only a warning."""
    parsed = parse_file(data)
    if parsed.page is not None:
        return parsed.page
    if len(parsed.pages) == 1:
        return next(iter(parsed.pages.values()))
    return RawAnnotation(warnings=(_describe_problem(data, parsed),))


def _describe_problem(data: bytes, parsed: ParsedFile) -> str:
    """Return why a file is not the annotation of one page."""
    if parsed.warning:
        return parsed.warning
    if parsed.format:
        return f"{_UNKNOWN_FORMAT} of one page, found {parsed.format}"
    _, warning = parse_json(data)
    return warning or _UNKNOWN_FORMAT


def merge(
    annotations: Sequence[RawAnnotation], width: int, height: int, *, right_to_left: bool = False
) -> PageAnnotation:
    """Merge the annotations of an upright page of `width` x `height` px, the most trusted first.

    Panels come from the first annotation that has any, text blocks from the first that has any. Blocks are assigned
    to panels if no panel has a text of its own. right_to_left: used if no file has a direction.
    """
    scaled = [rescale(raw, width, height, right_to_left=right_to_left) for raw in annotations]
    direction = next((item.reading_direction for item in scaled if item.reading_direction), None)
    with_panels = next((item for item in scaled if item.panels), None)
    with_panels = with_panels or next((item for item in scaled if item.panels is not None), EMPTY)
    blocks = next((item.blocks for item in scaled if item.blocks), ())
    texts = next((item.texts_without_boxes for item in scaled if item.texts_without_boxes), ())
    warnings = tuple(dict.fromkeys(warning for item in scaled for warning in item.warnings))
    page = PageAnnotation(with_panels.panels, direction, warnings, blocks, texts)
    return _assign_blocks(page, right_to_left if direction is None else direction == "rtl")


def _assign_blocks(page: PageAnnotation, right_to_left: bool) -> PageAnnotation:
    """Assign the text blocks to the panels, unless a panel has a text of its own."""
    if not page.panels or not page.blocks or any(panel.text is not None for panel in page.panels):
        return page
    texts = texts_of_panels(page, [panel.box for panel in page.panels], right_to_left=right_to_left)
    panels = tuple(
        replace(panel, text=text, sound_effects=effects)
        for panel, (text, effects) in zip(page.panels, texts, strict=True)
    )
    return replace(page, panels=panels, blocks=())


def select_language(annotation: RawAnnotation, language: str) -> RawAnnotation:
    """Return the annotation with the text blocks of one language.

    language: the preferred language code. If the page has no text in it, the page's first language is used.
    """
    languages = list(dict.fromkeys(block.language for block in annotation.blocks))
    if len(languages) < 2:
        return annotation
    chosen = next((code for code in languages if code.lower().split("-")[0] == language.lower()), languages[0])
    return replace(annotation, blocks=tuple(block for block in annotation.blocks if block.language == chosen))


def texts_of_panels(page: PageAnnotation, boxes: Sequence[Box], *, right_to_left: bool = False) -> list[PanelTexts]:
    """Return the texts of the panels with these boxes, from an annotation without panels.

    The dialogue is None if the annotation has no text. Texts without boxes are used only if their number is that of
    the panels.
    """
    if page.blocks:
        assigned = assign_to_panels(page.blocks, boxes, right_to_left=right_to_left)
        return [(_join(blocks, effects=False), _join(blocks, effects=True)) for blocks in assigned]
    if page.texts_without_boxes and len(page.texts_without_boxes) == len(boxes):
        return [(text, "") for text in page.texts_without_boxes]
    return [(None, "") for _ in boxes]


def _join(blocks: Sequence[TextBlock], *, effects: bool) -> str:
    """Join the texts of the blocks that are sound effects, or of those that are not."""
    return join_texts([block.text for block in blocks if (block.text_type == SOUND_EFFECT) == effects])
