"""`.mokuro` files: the words of a volume of manga, in blocks at their places on each page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from index_builder.annotations.parsing import corners, four, objects, size_of, words
from index_builder.annotations.records import TextBlock, Written

DIRECTION = "rtl"
"""mokuro reads Japanese manga; metadata of the book that says otherwise comes first."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The pages of a volume by the names of their pictures, and what is known about it."""

    pages: dict[str, Written]
    facts: tuple[tuple[str, str], ...]


def read(value: Any) -> Volume | None:
    """The volume, or None when this is another form."""
    if not isinstance(value, dict) or not isinstance(value.get("pages"), list):
        return None
    pages = [page for _, page in objects(value["pages"]) if isinstance(page.get("img_path"), str)]
    if not any(isinstance(page.get("blocks"), list) for page in pages):
        return None
    named = (("series", words(value.get("title"))), ("title", words(value.get("volume"))))
    facts = tuple((name, found) for name, found in named if found)
    return Volume({page["img_path"].replace("\\", "/"): _page(page) for page in pages}, facts)


def _page(page: dict[str, Any]) -> Written:
    blocks, lost = [], 0
    for _, block in objects(page.get("blocks")):
        box, text = four(block.get("box")), _text(block.get("lines"))
        if box is not None and text:
            blocks.append(TextBlock(corners(*box), text, language="ja"))
        else:
            lost += box is None and bool(text)
    notes = (f"{lost} blocks of words have no usable box; ignored",) if lost else ()
    size = size_of(page.get("img_width"), page.get("img_height"))
    return Written(notes=notes, blocks=tuple(blocks), size=size)


def _text(lines: Any) -> str:
    """Lines of Japanese are joined as they are written, without blanks; others with one."""
    parts = [part for line in lines if (part := words(line))] if isinstance(lines, list) else []
    return ("" if any(not part.isascii() for part in parts) else " ").join(parts)
