"""HTML that every tab uses."""

from __future__ import annotations

from collections.abc import Sequence

from ui.web.shell.templating import render


def masthead(tabs: Sequence[tuple[str, str]]) -> str:
    """Return the name of the web app and the links to its tabs, each (name in the address, name on screen)."""
    return render("shell/masthead.html", tabs=tabs)


def notice(text: str) -> str:
    """Return a line about something that went wrong, read out by screen readers."""
    return render("shell/notice.html", text=text)
