"""Fonts, styles and scripts of the web app: all from this machine, nothing from the web."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ui.web.shell.scripts import script
from ui.web.shell.templating import render

_HERE = Path(__file__).parent

_SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

_ICON = _HERE / "shell" / "static" / "favicon.svg"


def theme() -> Any:
    """Return Gradio's plain theme with system fonts, since its own are fetched. The rest is in the style sheets."""
    sans, mono = ([gr.themes.Font(name) for name in fonts] for fonts in (_SANS, _MONO))
    return gr.themes.Base(font=sans, font_mono=mono, primary_hue="yellow", neutral_hue="stone")


def stylesheets() -> list[Path]:
    """The frame's style and those of the views, in that order."""
    return [_HERE / "style.css", *sorted(_HERE.glob("*/*.css"))]


def head() -> str:
    """Return what goes into the head of the page: the icon, and the script that runs before any tab's."""
    icon = f"data:image/svg+xml,{quote(_ICON.read_text(encoding='utf-8'))}"
    return render("shell/head.html", icon=icon, script=script("shell/frame.js"))
