"""The folder of Panelseek's own notes about this machine, and of what can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


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
