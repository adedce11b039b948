"""Values that come from a browser, which may send anything."""

from __future__ import annotations

from typing import Any

from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from retrieval.records import Panel
from retrieval.values import MAX_INTEGER
from ui.web.shell.messages import NO_SUCH_PANEL

Payload = dict[str, Any]
"""JSON value that a browser sends to a function of the server, or gets back from it."""

MAX_QUERY_CHARS = 2_000
"""Characters of a query that are read; the encoder reads 128 tokens."""

MAX_ADDRESS_CHARS = 20_000

MAX_UPLOAD_PIXELS = 120_000_000
"""Limit of a query image, uploaded or sent to the API: a scan of a double page is far below it."""

LARGEST_ID = MAX_INTEGER
"""Largest whole number that browsers represent exactly."""


def parse_integer(value: object, default: int = 0) -> int:
    """Return a value as a whole number from 0 on, the default if it is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else default


def parse_text(payload: object, name: str, length: int = MAX_QUERY_CHARS) -> str:
    """Return a text of a payload, "" if there is none."""
    value = payload.get(name) if isinstance(payload, dict) else None
    return value[:length] if isinstance(value, str) else ""


def parse_panel_id(value: object) -> int:
    """Return a panel id. Raises `UsageError` for a value that is none."""
    is_integer = isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdecimal()
    if not is_integer or int(str(value)[:20]) > LARGEST_ID:
        raise UsageError(NO_SUCH_PANEL)
    return int(str(value))


def find_panel(index: PanelIndex, value: object) -> Panel:
    """Return the panel with this id. Raises `UsageError` if the index has none."""
    panel_id = parse_panel_id(value)
    panel = index.catalog.panels.get([panel_id]).get(panel_id)
    if panel is None:
        raise UsageError(NO_SUCH_PANEL)
    return panel
