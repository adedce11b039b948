"""Everything that relies on the inside of Gradio. Each part has a test that fails when Gradio changes it (6.31)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_SESSIONS = 200
"""Visitors whose answers are kept. Those of a visitor who waits in the queue are kept in any case."""


def shorten_errors(app: Any) -> None:
    """Keep the values of a failed call out of its error, which Gradio prints: they may be 60 MB long."""
    from gradio.exceptions import Error

    def validate_inputs(block_fn: Any, inputs: list[Any]) -> None:
        wanted = len(block_fn.inputs)
        if len(inputs) < wanted:
            raise Error(f"This endpoint takes {wanted} values; {len(inputs)} came.", print_exception=False)

    app.validate_inputs = validate_inputs
    app._format_processing_error = lambda *_, **__: "A value of this call cannot be used."


class PendingEvents(dict[str, set[str]]):
    """The events that each visitor waits for. Visitors who wait for none are removed when there are too many."""

    def __setitem__(self, session: str, events: set[str]) -> None:
        if session not in self and len(self) >= MAX_SESSIONS:
            for idle in [name for name, waiting in self.items() if not waiting]:
                del self[idle]
        super().__setitem__(session, events)


class AnswerQueues(dict[str, Any]):
    """The queue of answers of each visitor, oldest visitor first. queue: Gradio's queue of calls.

    If there are too many, visitors who wait for nothing are removed, then the oldest whose calls have ended: they did
    not fetch their answers. The queue of calls has a limit of its own for those that wait or run.
    """

    def __init__(self, queue: Any) -> None:
        super().__init__()
        self._queue = queue

    def __setitem__(self, session: str, answers: Any) -> None:
        if session not in self and len(self) >= MAX_SESSIONS:
            self._remove_ended()
        super().__setitem__(session, answers)

    def _remove_ended(self) -> None:
        waiting, calls = self._queue.pending_event_ids_session, self._queue.event_ids_to_events
        for idle in [name for name in self if not waiting.get(name)]:
            del self[idle]
        ended = [name for name in self if not any(call in calls for call in waiting[name])]
        for name in ended[: max(0, len(self) - MAX_SESSIONS + 1)]:
            del self[name]
            del waiting[name]


def bound_sessions(app: Any) -> None:
    """Bound what the queue of an app keeps for each visitor; call before the launch.

    Gradio has no setting for it: it keeps 2,000 queues of answers, those of waiting visitors or not, and an empty set
    for every visitor there ever was.
    """
    app._queue.pending_event_ids_session = PendingEvents()
    app._queue.pending_messages_per_session = AnswerQueues(app._queue)


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
    return _has_token(request.app, request.cookies)


def may_see(app: Any, scope: Any) -> bool:
    """Return True if a request that no app has seen yet may see the app."""
    from starlette.requests import Request

    return _has_token(app, Request({"type": "http", "headers": scope["headers"]}).cookies)


def _has_token(app: Any, cookies: Mapping[str, str]) -> bool:
    if getattr(app, "auth", None) is None:
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(cookies.get(name)) is not None for name in names)


def queued_bytes(blocks: Any) -> int:
    """Return the bytes of text in the calls that the queue of an app holds, waiting or running."""
    events = list(blocks._queue.event_ids_to_events.values())
    return sum(len(value) for event in events for value in _arguments(event) if isinstance(value, str))


def _arguments(event: Any) -> list[Any]:
    return list(getattr(event.data, "data", None) or [])


def upload_folder() -> Path:
    """Return the folder that Gradio writes uploads to."""
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder()).resolve()


def make_server_app(blocks: Any, url: str, options: dict[str, Any]) -> tuple[Any, Any]:
    """Return the app that a server runs, and Gradio's own application inside it, which knows who is logged in.

    url: the address at which this machine reaches the server; MCP tools call their endpoint there.
    Gradio's `launch` is not used: it takes settings from the environment, asks its own address for an answer through
    whatever proxy is set, and gives no access to the limits of the HTTP server.
    """
    from gradio.routes import mount_gradio_app
    from starlette.applications import Starlette

    blocks.state_session_capacity = MAX_SESSIONS
    blocks.share = False
    blocks.is_running = True
    app = mount_gradio_app(Starlette(), blocks, path="/", **options)
    inner = next(route.app for route in app.routes if getattr(route, "path", None) == "")
    if blocks.mcp_server_obj is not None:
        blocks.mcp_server_obj._local_url = url
    blocks.app = blocks.server_app = inner
    copy_sessions(inner, blocks)
    name_full_queue(blocks)
    return app, inner


def name_full_queue(blocks: Any) -> None:
    """Let a call that finds the queue full get a sentence for people instead of Gradio's."""
    push = blocks._queue.push

    async def push_or_explain(*arguments: Any, **named: Any) -> Any:
        success, found, state = await push(*arguments, **named)
        if state == "queue_full":
            found = f"The server is busy: {blocks._queue.max_size} searches are waiting. Try again in a moment."
        return success, found, state

    blocks._queue.push = push_or_explain


def copy_sessions(app: Any, blocks: Any) -> None:
    """Let an app copy the state of each new visitor from a template: every call of the endpoint is a new visitor.

    Gradio describes all components anew for each, which takes 4 ms of the thread that serves everybody.
    """
    from gradio.state_holder import SessionState, StateHolder

    template = SessionState(blocks)

    class CopiedSessions(StateHolder):  # type: ignore[misc]
        def __getitem__(self, session_id: str) -> SessionState:
            if session_id not in self.session_data:
                session = copy(template)
                session.blocks_config = copy(blocks.default_config)
                session.config_values = deepcopy(template.config_values)
                session.state_data, session._state_ttl = {}, {}
                self.session_data[session_id] = session
            return super().__getitem__(session_id)

    app.state_holder = CopiedSessions()
    app.state_holder.set_blocks(blocks)


def stop_server_app(blocks: Any) -> None:
    """End the queue and the streams of answers, so that the server can stop."""
    blocks._queue.close()
    blocks.is_running = False
    blocks.app.stop_event.set()
