"""Notes on the results of a search, for the terminal, JSON and the web app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.build_state import read_build_state
from retrieval.encoder.protocol import can_read
from ui.output.progress import duration

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval import PanelIndex, Query

_DONE = {"scan": "scanned", "compare": "compared", "encode": "encoded", "read": "read", "index": "indexed"}
"""Participles of the stages of a build."""

UNREADABLE = "The encoder cannot read these words; they were looked up as words only."
UNREADABLE_NEGATIVE = "The encoder cannot read the words to exclude; they were looked up as words only."


def search_notes(index: PanelIndex, query: Query) -> list[str]:
    """Return a sentence for each text of a query that the encoder cannot read, and one if the index is not complete.

    Loads the encoder if there is text.
    """
    texts = ((query.query_text, UNREADABLE), (query.negative, UNREADABLE_NEGATIVE))
    return [note for text, note in texts if text and not can_read(index.encoder, text)] + build_notes(index.folder)


def build_notes(folder: Path) -> list[str]:
    """Return a sentence on the build of an index that is running, or was stopped; none if the last one ended."""
    state = read_build_state(folder)
    if state is None:
        return []
    progress = state.progress
    total = f" of {progress.total:,}" if progress.total else ""
    count = f"{progress.done:,}{total} {progress.unit} {_DONE.get(progress.stage, progress.stage)}"
    if not state.running:
        return [f"The last build was stopped: {count}. Run it again to go on."]
    left = f", {duration(progress.seconds_left)} left" if progress.seconds_left else ""
    return [f"A build is running: {count}{left}. New panels appear as it goes."]
