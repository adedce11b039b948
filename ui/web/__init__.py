"""The web app: search an index in a browser. `build_app(index)` makes it, `server.serve` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ui.web.environment import set_environment

if TYPE_CHECKING:
    from ui.web.app import build_app

__all__ = ["build_app"]

set_environment()  # before any room of the web app imports Gradio


def __getattr__(name: str) -> Any:
    """Load `build_app` when it is used: importing `ui.web` does not load Gradio."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ui.web.app import build_app

    return build_app
