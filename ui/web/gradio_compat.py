"""Everything that relies on the inside of Gradio. Each part has a test that fails when Gradio changes it (6.31)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_SESSIONS = 200
"""Visitors with stored events. Handlers are stateless, so dropping the events of a visitor loses nothing."""


def set_environment() -> None:
    """Switch off Gradio's analytics and its log of 10,000 calls. It reads both settings when it is imported."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")


class PendingEvents(dict[str, set[str]]):
    """The events that each visitor waits for. Visitors who wait for none are removed when there are too many."""

    def __setitem__(self, session: str, events: set[str]) -> None:
        if session not in self and len(self) >= MAX_SESSIONS:
            for idle in [name for name, waiting in self.items() if not waiting]:
                del self[idle]
        super().__setitem__(session, events)


def bound_sessions(app: Any) -> None:
    """Bound what the queue of an app keeps for each visitor; call before the launch.

    Gradio has no setting for it: it keeps 2,000 queues of answers, and an empty set for every visitor there ever was.
    """
    app._queue.pending_event_ids_session = PendingEvents()
    app._queue.pending_messages_per_session.max_size = MAX_SESSIONS


def keep_tool(app: Any, endpoint: str, to_content: Callable[[Sequence[Any], str], list[Any]]) -> None:
    """Remove every MCP tool but that of one endpoint, and write its results with `to_content`."""
    server = app.mcp_server_obj
    if server is None:
        return
    tools = server.tool_to_endpoint
    for name in [name for name, tool_endpoint in tools.items() if tool_endpoint != endpoint]:
        del tools[name]
    server.postprocess_output_data = to_content


def is_logged_in(request: Request) -> bool:
    """Return True if a request may see the app: there is no password, or its cookie is one that Gradio gave out."""
    app = request.app
    if getattr(app, "auth", None) is None:
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(request.cookies.get(name)) is not None for name in names)


def upload_folder() -> Path:
    """Return the folder that Gradio writes uploads to."""
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder()).resolve()
