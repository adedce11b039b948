"""The dialog of one panel as HTML: its page with its box, its dialogue, its weights, and links to what is like it."""

from __future__ import annotations

from ui.web.panel.handlers import PanelDetail
from ui.web.shell import messages
from ui.web.shell.addresses import is_search_address, make_address, with_parameter
from ui.web.shell.templating import render
from ui.web.shell.text import one_line

_METADATA = ("series", "volume", "number", "year", "writer", "artist", "publisher", "genre", "language")
_TALL = 2.4  # height by width from which a page scrolls
_MAX_LINE_CHARS = 300


def dialog(detail: PanelDetail, current: str) -> str:
    """Return the dialog. current: the address that it was opened from, to go on from."""
    metadata = dict(detail.metadata)
    return render(
        "panel/dialog.html",
        detail=detail,
        panel=detail.panel,
        current=current,
        tall=detail.size[1] > _TALL * detail.size[0],
        line=_line_address(detail),
        as_image=_image_address(current, detail.panel.id),
        metadata=[(name, metadata[name]) for name in _METADATA if metadata.get(name)],
        unreadable=messages.COMIC_UNREADABLE,
    )


def problem(text: str, current: str) -> str:
    """Return the dialog if its panel cannot be shown."""
    return render("panel/problem.html", text=text, current=current)


def _line_address(detail: PanelDetail) -> str | None:
    """Return the address of a search for the panel's dialogue in other panels, None if it has none."""
    line = one_line(detail.panel.dialogue)[:_MAX_LINE_CHARS]
    return make_address(q=line, view="dialogue", exclude=detail.panel.id) if line else None


def _image_address(current: str, panel_id: int) -> str:
    """Return the search of an address with the panel as its query image; other tabs have no search."""
    search = current if is_search_address(current) else "?"
    for name in ("panel", "crop", "picture"):
        search = with_parameter(search, name, None)
    return with_parameter(search, "like", panel_id)
