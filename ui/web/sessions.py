"""What Gradio keeps for each visitor, bounded: every call of a program counts as one, and it would keep thousands."""

from __future__ import annotations

from typing import Any

SESSIONS = 200
"""Visitors that are remembered. Handlers are stateless, so nothing of theirs is lost: of one forgotten the page's
configuration, one copy for each, is copied again."""


class Pending(dict[str, set[str]]):
    """The questions that each visitor waits for; who waits for none is forgotten where there are too many."""

    def __setitem__(self, session: str, events: set[str]) -> None:
        if session not in self and len(self) >= SESSIONS:
            for idle in [name for name, waiting in self.items() if not waiting]:
                del self[idle]
        super().__setitem__(session, events)


def bound_sessions(page: Any) -> None:
    """Bound what the page's queue keeps, before it is launched. Gradio has no setting for that, and keeps 2,000 queues
    of answers, and an empty set for every visitor there ever was (seen in 6.31).
    """
    page._queue.pending_event_ids_session = Pending()
    page._queue.pending_messages_per_session.max_size = SESSIONS
