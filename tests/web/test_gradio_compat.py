"""Internals of Gradio that the web app relies on: each test fails when another version changes it."""

from __future__ import annotations

import inspect
import os
from asyncio import Queue as AsyncQueue
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from retrieval.index import PanelIndex
from tests.web.loops import run_coroutine
from ui.web import gradio_compat
from ui.web.api.mcp import as_json, keep_search_tool
from ui.web.app import build_app
from ui.web.gradio_compat import (
    MAX_SESSIONS,
    AnswerQueues,
    PendingEvents,
    bound_sessions,
    copy_sessions,
    is_logged_in,
    shorten_errors,
    upload_folder,
)


def in_own_loop(work: Callable[[], Any]) -> Any:
    """Run work inside an event loop of its own thread, so that Gradio makes none here."""

    async def run() -> Any:
        return work()

    return run_coroutine(run())


def test_visitors_who_wait_for_nothing_are_removed() -> None:
    """However many there were; a visitor who still waits is kept."""
    pending = PendingEvents()
    pending["waits"] = {"event"}
    for number in range(5 * MAX_SESSIONS):
        pending[str(number)] = set()
    assert len(pending) <= MAX_SESSIONS + 1
    assert pending["waits"] == {"event"}
    assert str(5 * MAX_SESSIONS - 1) in pending


def test_answers_of_visitors_who_wait_are_kept() -> None:
    """Those of all who wait or run, beyond the bound too; then the newest of those whose calls have ended."""
    waiting: dict[str, set[str]] = PendingEvents()
    calls: dict[str, object] = {}
    queues = AnswerQueues(SimpleNamespace(pending_event_ids_session=waiting, event_ids_to_events=calls))

    def ask(session: str, *, ended: bool = False) -> None:
        queues[session] = object()
        waiting[session] = {f"call of {session}"}
        if not ended:
            calls[f"call of {session}"] = object()

    ask("first")
    for number in range(3 * MAX_SESSIONS):
        ask(f"ended {number}", ended=True)
        assert len(queues) <= MAX_SESSIONS
    assert "first" in queues
    assert f"ended {3 * MAX_SESSIONS - 1}" in queues
    assert "ended 0" not in queues
    assert "ended 0" not in waiting
    for number in range(2 * MAX_SESSIONS):
        ask(f"waits {number}")
    assert {"first", *(f"waits {number}" for number in range(2 * MAX_SESSIONS))} <= set(queues)


def test_the_queue_is_bounded(index: PanelIndex) -> None:
    """The bounded values are those that Gradio really uses."""

    def fill() -> Any:
        app = build_app(index)
        before = type(app._queue.pending_event_ids_session)
        bound_sessions(app)
        for number in range(2 * MAX_SESSIONS):
            app._queue.pending_messages_per_session[str(number)] = AsyncQueue()
        return before, app._queue

    before, queue = in_own_loop(fill)
    assert before is dict
    assert isinstance(queue.pending_event_ids_session, PendingEvents)
    assert len(queue.pending_messages_per_session) == MAX_SESSIONS


def test_a_full_queue_says_what_to_do(index: PanelIndex) -> None:
    """In plain words, with the status 503 that Gradio derives from the state."""
    app = in_own_loop(lambda: build_app(index))
    gradio_compat.name_full_queue(app)
    app._queue.max_size = 0
    answer = run_coroutine(app._queue.push(body=SimpleNamespace(fn_index=0), request=None, username=None))
    assert answer == (False, "The server is busy: 0 searches are waiting. Try again in a moment.", "queue_full")


def test_new_visitors_get_a_copied_state(index: PanelIndex) -> None:
    """It is what Gradio makes, has nothing that Gradio does not, and two visitors share nothing that changes."""
    from gradio.state_holder import SessionState, StateHolder

    def visit() -> Any:
        blocks = build_app(index)
        app = SimpleNamespace(state_holder=StateHolder())
        copy_sessions(app, blocks)
        return blocks.state_holder is app.state_holder, SessionState(blocks), *map(app.state_holder.__getitem__, "abb")

    is_used, made, one, other, again = in_own_loop(visit)
    assert is_used
    assert other is again
    assert set(vars(one)) == set(vars(made)) == {
        "blocks_config", "config_values", "state_data", "_state_ttl", "is_closed", "STATE_TTL_WHEN_CLOSED",
    }  # fmt: skip
    assert one.config_values == made.config_values
    assert vars(one.blocks_config).keys() == vars(made.blocks_config).keys()
    key = next(key for key, value in one.config_values.items() if value.get("props"))
    one._update_value_in_config(key, "changed")
    one.blocks_config.blocks.clear()
    one.state_data[1] = one._state_ttl[1] = "changed"
    one.is_closed = True
    assert other.config_values == made.config_values
    assert other.blocks_config.blocks == made.blocks_config.blocks
    assert (other.state_data, other._state_ttl, other.is_closed) == ({}, {}, False)


def test_waiting_calls_are_told_their_place_now_and_then(index: PanelIndex) -> None:
    """Not after every call, which would cost a message to each of 64 for each answer."""
    queue = in_own_loop(lambda: build_app(index)._queue)
    assert (queue.live_updates, queue.max_size) == (False, 64)
    assert queue.update_intervals >= 5


def test_gradio_reads_our_environment(index: PanelIndex) -> None:
    """Analytics are off, and 200 calls are noted instead of 10,000."""
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert in_own_loop(lambda: build_app(index)._queue.ANALYTICS_MAX_EVENTS) == 200


def test_one_tool_is_kept(index: PanelIndex) -> None:
    """Gradio's MCP server lists its tools where we remove them, and writes results where we replace that."""
    from gradio.mcp import GradioMCPServer

    def serve() -> Any:
        app = build_app(index)
        app.mcp_server_obj = GradioMCPServer(app)
        before = dict(app.mcp_server_obj.tool_to_endpoint)
        keep_search_tool(app)
        return before, app.mcp_server_obj

    before, server = in_own_loop(serve)
    assert "/search_panels" in before.values()
    assert list(server.tool_to_endpoint.values()) == ["/search_panels"]
    assert server.postprocess_output_data is as_json
    parameters = inspect.signature(GradioMCPServer.postprocess_output_data).parameters
    assert len(parameters) == 1 + len(inspect.signature(as_json).parameters)  # and itself
    assert "self.postprocess_output_data(" in inspect.getsource(GradioMCPServer)


def test_errors_do_not_quote_the_values_of_a_call(index: PanelIndex) -> None:
    """Gradio prints errors: with 60 MB of base64 in them, a few calls would fill a disk."""

    def call() -> Any:
        app = build_app(index)
        shorten_errors(app)
        fn = next(fn for fn in app.fns.values() if fn.api_name == "search_panels")
        with pytest.raises(Exception, match="takes 9 values; 2 came") as error:
            app.validate_inputs(fn, ["secret", "secret"])
        app.validate_inputs(fn, [""] * 9)
        return str(error.value), app._format_processing_error(fn, 0, None, "secret", True, ValueError())

    assert not any("secret" in each for each in in_own_loop(call))


def test_without_tools_there_is_nothing_to_remove(index: PanelIndex) -> None:
    in_own_loop(lambda: keep_search_tool(build_app(index)))


@pytest.fixture
def locked(index: PanelIndex) -> Any:
    """Gradio's own application with a password."""
    from gradio.routes import App

    def create() -> Any:
        blocks = build_app(index)
        blocks.auth, blocks.auth_message = [("ann", "secret")], None
        return App.create_app(blocks)

    return in_own_loop(create)


def test_who_has_logged_in_is_known(locked: Any) -> None:
    """The cookies that Gradio gives out at a login are the ones that are looked up."""
    from starlette.testclient import TestClient

    def request(cookies: dict[str, str]) -> Request:
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return Request({"type": "http", "app": locked, "headers": [(b"cookie", header.encode())]})

    assert not is_logged_in(request({}))
    login = TestClient(locked).post("/login", data={"username": "ann", "password": "secret"})
    assert login.status_code == 200
    cookies = dict(login.cookies)
    assert cookies
    for name, value in cookies.items():
        assert is_logged_in(request({name: value})), name
        assert not is_logged_in(request({name: "wrong"}))


def test_uploads_go_to_the_folder_that_we_choose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert upload_folder() == tmp_path.resolve()


def test_the_inside_of_gradio_is_used_in_one_module() -> None:
    """Neither a private attribute of Gradio nor its request queue, tools or tokens anywhere else."""
    web = Path(gradio_compat.__file__).parent
    inside = (
        "pending_event_ids_session",
        "pending_messages_per_session",
        "mcp_server_obj",
        "tool_to_endpoint",
        "cookie_id",
        ".tokens",
        "gradio.utils",
        "GRADIO_ANALYTICS",
    )
    users = {
        path.relative_to(web).as_posix()
        for path in web.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in inside)
    }
    assert users == {"gradio_compat.py", "environment.py"}  # the latter sets its variables
