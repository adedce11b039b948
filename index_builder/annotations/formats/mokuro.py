"""`.mokuro` files: the text blocks of a manga volume with their boxes on each page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from index_builder.annotations.parsing import (
    box_of_corners,
    numbered_objects,
    parse_four_numbers,
    parse_size,
    parse_text,
)
from index_builder.annotations.records import RawAnnotation, TextBlock

DIRECTION = "rtl"
"""ReadLimits direction of a volume: mokuro reads Japanese manga. Metadata files of the book have precedence."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The pages of a volume by image name, and its metadata fields."""

    pages: dict[str, RawAnnotation]
    fields: tuple[tuple[str, str], ...]


def read(value: Any) -> Volume | None:
    """Return the volume, or None if this is another format."""
    if not isinstance(value, dict) or not isinstance(value.get("pages"), list):
        return None
    pages = [page for _, page in numbered_objects(value["pages"]) if isinstance(page.get("img_path"), str)]
    if not any(isinstance(page.get("blocks"), list) for page in pages):
        return None
    titles = (("series", parse_text(value.get("title"))), ("title", parse_text(value.get("volume"))))
    fields = tuple((name, title) for name, title in titles if title)
    return Volume({page["img_path"].replace("\\", "/"): _page(page) for page in pages}, fields)


def _page(page: dict[str, Any]) -> RawAnnotation:
    blocks, ignored, unread = [], 0, 0
    for _, block in numbered_objects(page.get("blocks")):
        box, text = parse_four_numbers(block.get("box")), _text(block.get("lines"))
        if box is not None and text:
            blocks.append(TextBlock(box_of_corners(*box), text, language="ja"))
        else:
            ignored += box is None and bool(text)
            unread += not isinstance(block.get("lines"), list)
    counts = {"valid box": ignored, "list of lines": unread}
    warnings = tuple(f"text blocks ignored because they have no {what}: {n}" for what, n in counts.items() if n)
    size = parse_size(page.get("img_width"), page.get("img_height"))
    return RawAnnotation(warnings=warnings, blocks=tuple(blocks), page_size=size)


def _text(lines: Any) -> str:
    """Join the lines of a block: ASCII lines with a space, Japanese without."""
    parts = [part for line in lines if (part := parse_text(line))] if isinstance(lines, list) else []
    return ("" if any(not part.isascii() for part in parts) else " ").join(parts)
