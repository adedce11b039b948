"""JSON as programs leave it behind: whole, between fences, or cut off in the middle."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCE = re.compile(r"\A\s*```\w*\s*\n(.*?)(?:\n\s*```\s*)?\Z", re.DOTALL)
_DAMAGED = "the annotation is not JSON"


def parse_json(data: bytes) -> tuple[Any, str]:
    """The value and "" or a note; what ends too early is read as far as its lists are complete. (None, note): nothing.

    Models that write JSON are stopped at a limit of length; what they had finished is good all the same.
    """
    text = data.decode(json.detect_encoding(data), "replace")
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text.removeprefix("\ufeff")
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError) as error:
        repaired = _closed(text)
        if repaired is None:
            return None, f"{_DAMAGED}: {_why(error)}"
        return repaired, f"{_DAMAGED} to its end ({_why(error)}): read as far as it is complete"


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return str(error)
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a number in it has thousands of digits"


def _closed(text: str) -> Any:
    """The value of a text that ends too early, without its last, incomplete entry; None for any other damage."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    open_ = _still_open(text)
    if not open_:
        return None
    place = next((i for i, (opener, _) in enumerate(open_) if opener == "["), 0)
    closers = "".join("]" if opener == "[" else "}" for opener, _ in reversed(open_[: place + 1]))
    try:
        return json.loads(text[: open_[place][1]] + closers)
    except (ValueError, RecursionError):
        return None


def _still_open(text: str) -> list[tuple[str, int]]:
    """The lists and objects that are open where the text ends, outermost first, each with where its last complete
    entry ends."""
    found: list[list[Any]] = []
    for token in re.finditer(r'"(?:[^"\\]|\\.)*(?:"|\Z)|[\[\]{},]', text, re.DOTALL):
        sign, end = token[0], token.end()
        if sign in "[{":
            found.append([sign, end])
        elif sign in "]}" and found:
            found.pop()
            if found:
                found[-1][1] = end
        elif sign == "," and found:
            found[-1][1] = max(found[-1][1], token.start())
    return [(opener, end) for opener, end in found]
