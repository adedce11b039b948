"""One search of a program: plain values in, JSON out; nothing is kept between two calls.

An image comes as base64, never as a path or an address: no file is opened and nothing is fetched.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from contextlib import ExitStack
from typing import Any

from PIL import Image

from retrieval import Hit, Query
from retrieval.errors import PictureError, UsageError
from retrieval.index import PanelIndex
from ui.output.hit_json import hit_as_dict
from ui.output.notes import search_notes
from ui.web.memory import limits
from ui.web.search.images import claim_memory, decode_upload
from ui.web.shell.parameters import MAX_ADDRESS_CHARS, MAX_QUERY_CHARS

MAX_K = 100
"""Hits of one answer; further ones come with `offset`."""

_MAX_OFFSET = 10_000
_DATA_URL = re.compile(r"\s*(?:data:image/[\w.+-]+;base64,)?", re.IGNORECASE)
_HEAD_CHARS = 2**20
"""Characters that are decoded to read the size of an image; a multiple of 4."""

_SPARE_CHARS = 64
_COPIES = 3
"""Copies of the text while it is decoded."""


def search(index: PanelIndex, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to the arguments of `search_panels`, as `panelseek search --json` prints it.

    Raises `PanelseekError` for a search that makes no sense, or an image that cannot be read.
    """
    index.refresh()
    with ExitStack() as claims:  # the memory of the query image, until it has been searched for
        query = _query(arguments, claims)
        generation, hits = _search(index, query)
    given = {name: value for name, value in arguments.items() if value not in ("", None, {}) and name != "image"}
    return {
        "query": given | {"image": bool(arguments.get("image"))},
        "view": str(query.resolved_view()),
        "hits": [hit_as_dict(hit) for hit in hits],
        "close": hits[0].close if hits and not query.offset else None,
        "notes": search_notes(index, query),
        "generation": generation,
    }


def _search(index: PanelIndex, query: Query) -> tuple[int, list[Hit]]:
    """Return the hits, and the generation that they are from; search again if a build has published a newer one.

    The full text changes with the generation: in between, words and vectors would be those of two generations.
    """
    while True:
        generation = index.generation.number
        hits = index.search_many([query])[0]
        if not index.refresh() and index.generation.number == generation:
            return generation, hits


def _query(arguments: dict[str, Any], claims: ExitStack) -> Query:
    for name, value in arguments.items():
        if name != "image" and _length(value) > MAX_ADDRESS_CHARS:
            raise UsageError(f"{name} is longer than {MAX_ADDRESS_CHARS:,} characters")
    where = arguments.get("where") or {}
    if not isinstance(where, dict):
        raise UsageError(f"where takes filters by name; found {where!r}", hint="write {'book': 'Pepper%'}")
    return Query(
        text=_text("text", arguments) or None,
        image=decode_base64(str(arguments["image"]), claims) if arguments.get("image") else None,
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


def _length(value: Any) -> int:
    """Return about how many characters a value has when an error message quotes it."""
    if isinstance(value, dict):
        return sum(_length(key) + _length(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(_length, value)) + len(value)
    return len(value) if isinstance(value, str) else 20


def _text(name: str, arguments: dict[str, Any]) -> str:
    return str(arguments.get(name) or "")[:MAX_QUERY_CHARS].strip()


def _within(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{name} takes a whole number from {least} to {most}; found {value!r}")
    return value


def decode_base64(text: str, claims: ExitStack | None = None) -> Image.Image:
    """Return the image in a base64 text, with or without `data:image/...;base64,` before it. Raises `PictureError`.

    claims: holds the memory of the image until it is closed; without it, only while the image is decoded.
    """
    start = _DATA_URL.match(text)
    begin = start.end() if start else 0
    most = limits().upload
    if len(text) - begin > most * 4 // 3 + _SPARE_CHARS:
        raise PictureError(f"the image is larger than {most // 2**20} MB", hint="send a smaller one")
    with ExitStack() as own:
        head = io.BytesIO(_decode(text[begin : begin + _HEAD_CHARS].rstrip()))
        claim_memory(head, _COPIES * len(text), own if claims is None else claims)
        return decode_upload(_decode(text[begin:].strip()))


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        hint = "send the bytes of an image file in base64, not a path or an address"
        raise PictureError("the image is not base64", hint=hint) from None
