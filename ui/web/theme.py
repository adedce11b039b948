"""Theme, stylesheets and head of the web app, without any remote resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ui.web.shell.scripts import script

_HERE = Path(__file__).parent

STYLESHEETS = {
    "shell": ("variables", "shell", "shared", "controls", "text", "progress", "cards", "dialog"),
    "build": ("folders", "report"),
    "library": ("books", "about"),
    "lookalikes": ("lookalikes",),
    "map": ("map",),
    "panel": ("sheet", "details", "neighbours", "whole-page"),
    "search": ("query", "image", "filters", "results", "welcome", "crop"),
}
"""Stylesheets by room, in cascade order: the rooms override the shell."""

_SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect x="2" y="2" width="36" height="36" rx="6"'
    ' fill="#fffdf7" stroke="#1d1b22" stroke-width="3"/><rect x="7" y="7" width="11" height="12" fill="#1d1b22"/>'
    '<rect x="21" y="7" width="12" height="12" fill="#ffd43b"/><rect x="7" y="22" width="26" height="11"'
    ' fill="#1d1b22"/></svg>'
)


def theme() -> Any:
    """Return Gradio's base theme with system fonts. Its default fonts would be downloaded."""
    sans, mono = ([gr.themes.Font(name) for name in fonts] for fonts in (_SANS, _MONO))
    return gr.themes.Base(font=sans, font_mono=mono, primary_hue="yellow", neutral_hue="stone")


def stylesheets() -> list[Path]:
    """Return the stylesheets in cascade order."""
    return [_HERE / room / "static" / f"{name}.css" for room, names in STYLESHEETS.items() for name in names]


def head() -> str:
    """Return the icon and the script that every tab needs."""
    icon = f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,{quote(_ICON)}">'
    return f"{icon}<script>{script('shell')}</script>"
