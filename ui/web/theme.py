"""Colours, fonts and scripts of the page: all from this machine, nothing from the web."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ui.web.shell.scripts import script

_HERE = Path(__file__).parent

_SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect x="2" y="2" width="36" height="36" rx="6"'
    ' fill="#fffdf7" stroke="#1d1b22" stroke-width="3"/><rect x="7" y="7" width="11" height="12" fill="#1d1b22"/>'
    '<rect x="21" y="7" width="12" height="12" fill="#ffd43b"/><rect x="7" y="22" width="26" height="11"'
    ' fill="#1d1b22"/></svg>'
)


def theme() -> Any:
    """Gradio's plain theme with system fonts: its own would be fetched. Everything else is in `style.css`."""
    sans, mono = ([gr.themes.Font(name) for name in fonts] for fonts in (_SANS, _MONO))
    return gr.themes.Base(font=sans, font_mono=mono, primary_hue="yellow", neutral_hue="stone")


def stylesheets() -> list[Path]:
    """The frame's style and those of the views, in that order."""
    return [_HERE / "style.css", *sorted(_HERE.glob("*/*.css"))]


def head() -> str:
    """The icon, and the script that is there before any view is."""
    icon = f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,{quote(_ICON)}">'
    return f"{icon}<script>{script('shell/frame.js')}</script>"
