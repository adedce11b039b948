"""The folder of Panelseek's own notes about this machine, and of what can be made again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from retrieval.files import replace_file


def cache_folder() -> Path:
    """Return the folder of Panelseek's own notes about this machine: `PANELSEEK_CACHE`, else that of the system."""
    given = os.environ.get("PANELSEEK_CACHE")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or _home()) / "panelseek"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "panelseek"
    return Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache") / "panelseek"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home folder
        return Path()


def read_notes(name: str) -> dict[str, Any]:
    """Return the notes in a JSON file of the cache folder; a missing or damaged file has none."""
    try:
        notes = json.loads((cache_folder() / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return notes if isinstance(notes, dict) else {}


def write_notes(name: str, notes: dict[str, Any]) -> None:
    """Replace the notes in a JSON file of the cache folder. Raises `OSError` if it cannot be written."""
    content = json.dumps(notes, indent=1) + "\n"
    file = cache_folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, lambda partial: partial.write_text(content, encoding="utf-8"))
