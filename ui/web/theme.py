"""Theme, stylesheets and head of the web app, without any remote resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ui.web.shell.scripts import script
from ui.web.shell.templating import render

_HERE = Path(__file__).parent

STYLESHEETS = {
    "shell": ("variables", "shell", "shared", "controls", "text", "progress", "cards", "dialog"),
    "build": ("folders", "report"),
    "collections": ("covers", "members", "keep"),
    "library": ("books", "about"),
    "lookalikes": ("lookalikes",),
    "map": ("map",),
    "panel": ("sheet", "details", "neighbours", "whole-page"),
    "search": ("query", "image", "filters", "results", "welcome", "crop"),
}
"""Stylesheets by room, in cascade order: the rooms override the shell."""

_SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

_ICON = _HERE / "shell" / "static" / "favicon.svg"


def theme() -> Any:
    """Return Gradio's base theme with system fonts. Its default fonts would be downloaded."""
    sans, mono = ([gr.themes.Font(name) for name in fonts] for fonts in (_SANS, _MONO))
    return gr.themes.Base(font=sans, font_mono=mono, primary_hue="yellow", neutral_hue="stone")


def stylesheets() -> list[Path]:
    """Return the stylesheets in cascade order."""
    return [_HERE / room / "static" / f"{name}.css" for room, names in STYLESHEETS.items() for name in names]


def head() -> str:
    """Return the HTML of the head: the icon, and the scripts that run before those of any tab."""
    icon = f"data:image/svg+xml,{quote(_ICON.read_text(encoding='utf-8'))}"
    return render("shell/head.html", icon=icon, script=script("shell"))
