"""One search of a program: plain values in, JSON out; nothing is kept between two calls.

An image comes as base64, never as a path or an address: no file is opened and nothing is fetched.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from PIL import Image

from retrieval import Query
from retrieval.errors import PictureError, UsageError
from retrieval.index import PanelIndex
from retrieval.overview.calibration import is_close
from ui.output.hit_json import hit_as_dict
from ui.output.notes import search_notes
from ui.web.search.images import decode_upload
from ui.web.shell.parameters import MAX_QUERY_CHARS, MAX_UPLOAD_BYTES

MAX_K = 100
"""Hits of one answer; further ones come with `offset`."""

_MAX_OFFSET = 10_000
_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)


def search(index: PanelIndex, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to the arguments of `search_panels`, as `panelseek search --json` prints it.

    Raises `PanelseekError` for a search that makes no sense, or an image that cannot be read.
    """
    index.refresh()
    query = _query(arguments)
    hits = index.search_many([query])[0]
    given = {name: value for name, value in arguments.items() if value not in ("", None, {}) and name != "image"}
    return {
        "query": given | {"image": bool(arguments.get("image"))},
        "view": str(query.resolved_view()),
        "hits": [hit_as_dict(hit) for hit in hits],
        "close": is_close(index, query, hits) if hits and not query.offset else None,
        "notes": search_notes(index, query),
    }


def _query(arguments: dict[str, Any]) -> Query:
    where = arguments.get("where") or {}
    if not isinstance(where, dict):
        raise UsageError(f"where takes filters by name; found {where!r}", hint="write {'book': 'Pepper%'}")
    return Query(
        text=_text("text", arguments) or None,
        image=decode_base64(str(arguments["image"])) if arguments.get("image") else None,
        panel=arguments.get("panel") or None,
        negative_text=_text("negative", arguments) or None,
        view=arguments.get("view") or None,
        where=where,
        k=_within("k", arguments.get("k", 12), 1, MAX_K),
        offset=_within("offset", arguments.get("offset", 0), 0, _MAX_OFFSET),
        per_page=1 if arguments.get("group_by") == "page" else None,
        per_book=1 if arguments.get("group_by") == "book" else None,
        include_self=False,
    ).validate()


def _text(name: str, arguments: dict[str, Any]) -> str:
    return str(arguments.get(name) or "")[:MAX_QUERY_CHARS].strip()


def _within(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{name} takes a whole number from {least} to {most}; found {value!r}")
    return value


def decode_base64(text: str) -> Image.Image:
    """Return the image in a base64 text, with or without `data:image/...;base64,` before it. Raises `PictureError`."""
    encoded = _DATA_URL.sub("", text.strip(), count=1)
    if len(encoded) > MAX_UPLOAD_BYTES * 4 // 3 + 4:
        raise PictureError(f"the image is larger than {MAX_UPLOAD_BYTES // 2**20} MB", hint="send a smaller one")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        hint = "send the bytes of an image file in base64, not a path or an address"
        raise PictureError("the image is not base64", hint=hint) from None
    return decode_upload(data)
