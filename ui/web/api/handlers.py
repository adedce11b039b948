"""One search for a program: plain values in, JSON out; nothing is remembered between two calls.

A picture comes as base64, never as a path or an address: this way in opens no file and fetches nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from PIL import Image

from retrieval.errors import PictureError, UsageError
from retrieval.images.decode import open_image
from retrieval.index import PanelIndex
from retrieval.search.query import Query
from ui.output.hit_json import hit_as_dict

MOST = 100
"""Hits of one answer; the next ones come with `offset`."""

MAX_BYTES = 50 * 2**20
MAX_PIXELS = 120_000_000
MAX_WORDS = 2_000
_DEEPEST = 10_000
_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)


def search(index: PanelIndex, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to `asked` (the arguments of `search_panels`), as `panelseek search --json` prints it.

    Raises `PanelseekError` for a question that makes no sense, or a picture that cannot be read.
    """
    index.refresh()
    query = _query(asked)
    hits = index.search_many([query])[0]
    said = {name: value for name, value in asked.items() if value not in ("", None, {}) and name != "picture"}
    return {
        "query": said | {"picture": bool(asked.get("picture"))},
        "view": str(query.resolved_view()),
        "hits": [hit_as_dict(hit) for hit in hits],
        "close": index.is_close(query, hits) if hits and not query.offset else None,
    }


def _query(asked: dict[str, Any]) -> Query:
    where = asked.get("where") or {}
    if not isinstance(where, dict):
        raise UsageError(f"where takes filters by name, like {{'book': 'Pepper%'}}; found {where!r}")
    return Query(
        text=_text("text", asked) or None,
        image=picture(str(asked["picture"])) if asked.get("picture") else None,
        panel=asked.get("panel") or None,
        negative_text=_text("without", asked) or None,
        view=asked.get("view") or None,
        words_in=asked.get("words_in") or None,
        where=where,
        k=_within("count", asked.get("count", 12), 1, MOST),
        offset=_within("offset", asked.get("offset", 0), 0, _DEEPEST),
        per_page=1 if asked.get("one_per") == "page" else None,
        per_book=1 if asked.get("one_per") == "book" else None,
        include_self=False,
    ).validate()


def _text(name: str, asked: dict[str, Any]) -> str:
    return str(asked.get(name) or "")[:MAX_WORDS].strip()


def _within(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{name} takes a whole number from {least} to {most}; found {value!r}")
    return value


def picture(text: str) -> Image.Image:
    """A picture from base64, with or without `data:image/...;base64,` before it. Raises `PictureError`."""
    plain = _DATA_URL.sub("", text.strip(), count=1)
    if len(plain) > MAX_BYTES * 4 // 3 + 4:
        raise PictureError(f"the picture has more than {MAX_BYTES // 2**20} MB: send a smaller one")
    try:
        data = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        raise PictureError(
            "the picture is not base64: send the bytes of a picture file in base64, not a path or an address"
        ) from None
    return open_image(data, max_pixels=MAX_PIXELS, max_bytes=MAX_BYTES)
