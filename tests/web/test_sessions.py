"""What Gradio keeps for each call of a program does not grow."""

from __future__ import annotations

import asyncio
from asyncio import Queue as AsyncQueue
from concurrent.futures import ThreadPoolExecutor

from ui.web.sessions import SESSIONS, Pending, bound_sessions

from retrieval.index import PanelIndex
from ui.web.app import build_app


def test_visitors_that_wait_for_nothing_are_forgotten() -> None:
    """However many there were; whoever still waits is kept."""
    pending = Pending()
    pending["waits"] = {"event"}
    for number in range(5 * SESSIONS):
        pending[str(number)] = set()
    assert len(pending) <= SESSIONS + 1
    assert pending["waits"] == {"event"}
    assert str(5 * SESSIONS - 1) in pending


def test_the_queue_of_the_page_is_bounded(index: PanelIndex) -> None:
    """What is bounded is what Gradio really uses: another version that keeps it elsewhere must not go unnoticed."""
    with ThreadPoolExecutor(1) as thread:  # within a loop of its own, so that Gradio makes none
        thread.submit(lambda: asyncio.run(_fill(index))).result()


async def _fill(index: PanelIndex) -> None:
    page = build_app(index)
    bound_sessions(page)
    queue = page._queue
    assert isinstance(queue.pending_event_ids_session, Pending)
    for number in range(2 * SESSIONS):
        queue.pending_messages_per_session[str(number)] = AsyncQueue()
    assert len(queue.pending_messages_per_session) == SESSIONS
    assert queue.ANALYTICS_MAX_EVENTS == 200
