"""Notes on the results of a search, for the terminal, JSON and the web app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.encoder.protocol import can_read

if TYPE_CHECKING:
    from retrieval import PanelIndex, Query

UNREADABLE = "The encoder cannot read these words; they were looked up as words only."
UNREADABLE_NEGATIVE = "The encoder cannot read the words to exclude; they were looked up as words only."


def search_notes(index: PanelIndex, query: Query) -> list[str]:
    """Return a sentence for each text of a query that the encoder cannot read. Loads the encoder if there is text."""
    texts = ((query.query_text, UNREADABLE), (query.negative, UNREADABLE_NEGATIVE))
    return [note for text, note in texts if text and not can_read(index.encoder, text)]
