"""All that is said about a page -> one annotation in the pixels of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index_builder.annotations.json_text import parse_json
from index_builder.annotations.parsing import joined
from index_builder.annotations.records import EFFECT, NOTHING, PageAnnotation, TextBlock, Written
from index_builder.annotations.registry import Recognised, recognise
from index_builder.annotations.rescale import fit
from index_builder.annotations.words import assign_to_panels
from retrieval.records import Box

_WANTED = "expected panels with boxes (docs/annotations.md lists what is read)"


def read_annotation(data: bytes, width: int, height: int, *, right_to_left: bool = False) -> PageAnnotation:
    """The annotation in `data` for a page of `width` x `height` px (upright); never raises.

    Boxes come back in the page's own pixels, unclamped. A bad panel costs that panel, a bad file all of them; both
    leave a note.
    """
    return merged([written_page(data)], width, height, right_to_left=right_to_left)


def written_page(data: bytes) -> Written:
    """What a file says about the one page it is for; a note where it says nothing that is known."""
    found = recognise(data)
    if found.page is not None:
        return found.page
    if len(found.pages) == 1:
        return next(iter(found.pages.values()))
    return Written(notes=(_why_not(data, found),))


def _why_not(data: bytes, found: Recognised) -> str:
    if found.note:
        return found.note
    if found.format:
        return f"unknown annotation form: it holds {found.format}, not one page; {_WANTED}"
    _, note = parse_json(data)
    return note or f"unknown annotation form: {_WANTED}"


def merged(said: Sequence[Written], width: int, height: int, *, right_to_left: bool = False) -> PageAnnotation:
    """Several files about one page, the most trusted first.

    Panels are taken from the first that has any, words without panels from the first that has those; they are given
    to panels whose own words nobody wrote down. `right_to_left` counts where no file names a direction.
    """
    fitted = [fit(written, width, height, right_to_left=right_to_left) for written in said]
    direction = next((found.reading_direction for found in fitted if found.reading_direction), None)
    chosen = next((found for found in fitted if found.panels), None)
    chosen = chosen or next((found for found in fitted if found.panels is not None), NOTHING)
    blocks = next((found.blocks for found in fitted if found.blocks), ())
    unboxed = next((found.unboxed for found in fitted if found.unboxed), ())
    notes = tuple(dict.fromkeys(note for found in fitted for note in found.notes))
    whole = PageAnnotation(chosen.panels, direction, notes, blocks, unboxed)
    return _spoken(whole, right_to_left if direction is None else direction == "rtl")


def _spoken(page: PageAnnotation, right_to_left: bool) -> PageAnnotation:
    """The page with its blocks given to panels without words of their own."""
    if not page.panels or not page.blocks or any(panel.text is not None for panel in page.panels):
        return page
    said = words_of_panels(page, [panel.box for panel in page.panels], right_to_left=right_to_left)
    panels = tuple(
        replace(panel, text=text, effects=effects) for panel, (text, effects) in zip(page.panels, said, strict=True)
    )
    return replace(page, panels=panels, blocks=())


def words_of_panels(
    page: PageAnnotation, boxes: Sequence[Box], *, right_to_left: bool = False
) -> list[tuple[str | None, str]]:
    """(words, sound effects) of each panel that was found where the annotation has words but no panels.

    Words are None where the annotation has none for that page. Those listed by panel, without a place, are taken
    where as many panels were found.
    """
    if page.blocks:
        given = assign_to_panels(page.blocks, boxes, right_to_left=right_to_left)
        return [(_said(blocks, effects=False), _said(blocks, effects=True)) for blocks in given]
    if page.unboxed and len(page.unboxed) == len(boxes):
        return [(text, "") for text in page.unboxed]
    return [(None, "") for _ in boxes]


def _said(blocks: Sequence[TextBlock], *, effects: bool) -> str:
    return joined([block.text for block in blocks if (block.kind == EFFECT) == effects])
