"""JSON as programs leave it: complete, in Markdown code fences, or cut off."""

from __future__ import annotations

import json
import re
from typing import Any

from retrieval.books.formats.xml import decode_text

_FENCE = re.compile(r"\A\s*```\w*\s*\n(.*?)(?:\n\s*```\s*)?\Z", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)|[\[\]{},]', re.DOTALL)


def parse_json(data: bytes) -> tuple[Any, str]:
    """Return the value and "", or what could be read of it and a warning; (None, warning) if nothing could.

    Of JSON that is cut off, the complete entries are read: language models stop at a length limit.
    """
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        text = decode_text(data)
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text.removeprefix("\ufeff")
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError) as error:
        repaired = _close(text)
        if repaired is None:
            return None, f"the annotation is not JSON: {_describe(error)}"
        warning = "the JSON of the annotation is cut off; only its complete entries are read"
        return repaired, f"{warning}: {_describe(error)}"


def _describe(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return str(error)
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has thousands of digits"


def _close(text: str) -> Any:
    """Return the value of a text that is cut off, without its incomplete last entry; None for any other damage."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    containers = _open_containers(text)
    if not containers:
        return None
    # keep the outermost open list, else the outermost object
    kept = next((depth for depth, (opener, _) in enumerate(containers) if opener == "["), 0)
    closers = "".join("]" if opener == "[" else "}" for opener, _ in reversed(containers[: kept + 1]))
    try:
        return json.loads(text[: containers[kept][1]] + closers)
    except (ValueError, RecursionError):
        return None


def _open_containers(text: str) -> list[tuple[str, int]]:
    """Return (opening bracket, end of the last complete entry) of each container still open, outermost first."""
    containers: list[list[Any]] = []
    for token in _TOKEN.finditer(text):
        sign, end = token[0], token.end()
        if sign in "[{":
            containers.append([sign, end])
        elif sign in "]}" and containers:
            containers.pop()
            if containers:
                containers[-1][1] = end
        elif sign == "," and containers:
            containers[-1][1] = max(containers[-1][1], token.start())
    return [(opener, end) for opener, end in containers]
