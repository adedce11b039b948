"""The scripts of the page, read from beside the Python that they belong to."""

from __future__ import annotations

from pathlib import Path

_WEB = Path(__file__).resolve().parent.parent


def script(*names: str) -> str:
    """Scripts one after the other, by their paths in `ui/web`; a component runs them as one function."""
    return "\n".join((_WEB / name).read_text(encoding="utf-8") for name in names)
