"""The page: search an index in a browser. `build_app(index)` makes it, `server.serve` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ui.web.app import build_app

__all__ = ["build_app"]


def __getattr__(name: str) -> Any:
    """Gradio loads when a page is built: importing `ui.web` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ui.web.app import build_app

    return build_app
