"""JavaScript of the web app, read from the `static` folders of the rooms."""

from __future__ import annotations

from pathlib import Path

_WEB = Path(__file__).resolve().parent.parent

SCRIPTS = {
    "shell": ("shell", "server", "messages", "images", "downloads"),
    "search": ("image", "camera", "crop", "filters", "results", "remembered", "query"),
    "library": ("library",),
    "collections": ("stars", "keep", "collections", "changes"),
    "map": ("map", "points", "camera", "thumbnails", "draw", "navigation", "load"),
    "lookalikes": ("lookalikes",),
    "build": ("build",),
    "panel": ("result-steps", "panel", "save-picture"),
}
"""Scripts by room, in the order in which they run."""


def script(room: str) -> str:
    """Return the scripts of a room as one text, which a component runs as one function."""
    files = (_WEB / room / "static" / f"{name}.js" for name in SCRIPTS[room])
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
