"""Questions of all kinds about a library, as arguments of `search_panels`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retrieval import Panel, PanelIndex

ARGUMENTS: dict[str, Any] = {
    "text": "", "image": "", "panel": 0, "negative": "", "view": "", "where": None, "k": 12, "offset": 0,
    "group_by": "",
}  # fmt: skip
"""Arguments of the endpoint in their order, with their defaults."""

KINDS = 12
"""Kinds of questions about each panel."""


def make_questions(folder: Path, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return (kind, arguments) of at most `count` questions: all kinds, about panels spread over the library."""
    with PanelIndex.open(folder) as index:
        panels = [panel for panel in index.browse(k=100_000) if len(panel.dialogue.split()) >= 3]
        step = max(1, len(panels) // max(1, count // KINDS))
        return [question for panel in panels[::step] for question in _kinds(index, panel)][:count]


def _kinds(index: PanelIndex, panel: Panel) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return a question of each kind about one panel."""
    words = panel.dialogue.split()
    line, some = " ".join(words[:12]), " ".join(words[: max(2, len(words) // 2)])
    image = base64.b64encode(index.thumbnail(panel)).decode()
    yield "words", {"text": line}
    yield "words, next page", {"text": some, "offset": 12}
    yield "words in any view", {"text": some, "view": "any"}
    yield "words in pictures", {"text": some, "view": "picture"}
    yield "words with others excluded", {"text": line, "negative": words[-1]}
    yield "words in one book", {"text": some, "where": {"book": panel.book}}
    yield "words, one result a book", {"text": words[0], "group_by": "book"}
    yield "an image", {"image": image}
    yield "an image, one result a page", {"image": image, "group_by": "page", "k": 40}
    yield "an image with words", {"image": image, "text": some}
    yield "more like this", {"panel": panel.id}
    yield "more like this, fused", {"panel": panel.id, "view": "fused", "where": {"has_dialogue": True}}
