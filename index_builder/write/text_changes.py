"""Changes of the full text: they wait in the catalog for the next generation.

Vectors are searched in a generation, words in the full text. Both change in one transaction, so that a search during a
build finds the same panels by both, and weighs words by the panels that can be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from retrieval.store.catalog.fulltext import FullText
from retrieval.store.catalog.queries import id_chunks
from retrieval.store.catalog.tables import PanelRow, TextChangeRow

_ROWS = 5_000
"""Changes applied at once."""


def note_changes(connection: Connection, rows: Iterable[tuple[int, str | None]]) -> None:
    """Note (panel id, dialogue in the full text) pairs of panels that are added, replaced or removed.

    None: the full text has no dialogue of the panel. An earlier note of the same panel stays: it tells what is there.
    """
    texts = dict(rows)
    for ids in id_chunks(list(texts)):
        noted = set(connection.scalars(select(TextChangeRow.panel_id).where(TextChangeRow.panel_id.in_(ids))))
        new = [{"panel_id": i, "indexed": texts[i]} for i in ids if i not in noted]
        if new:
            connection.execute(insert(TextChangeRow), new)


def apply_changes(connection: Connection, full_text: FullText) -> None:
    """Give the full text the dialogue that noted panels have now, and delete the notes."""
    last = -1
    noted = select(TextChangeRow.panel_id, TextChangeRow.indexed, PanelRow.dialogue)
    ordered = noted.outerjoin(PanelRow, PanelRow.id == TextChangeRow.panel_id).order_by(TextChangeRow.panel_id)
    while rows := connection.execute(ordered.where(TextChangeRow.panel_id > last).limit(_ROWS)).all():
        changed = [(panel_id, before or "", now or "") for panel_id, before, now in rows if before != now]
        full_text.remove(connection, _with_text((panel_id, before) for panel_id, before, _ in changed))
        full_text.add(connection, _with_text((panel_id, now) for panel_id, _, now in changed))
        last = rows[-1][0]
    drop_changes(connection)


def drop_changes(connection: Connection) -> None:
    """Delete the notes; the full text was made again from all panels."""
    connection.execute(delete(TextChangeRow))


def _with_text(rows: Iterable[tuple[int, str]]) -> Sequence[tuple[int, str]]:
    return [(panel_id, dialogue) for panel_id, dialogue in rows if dialogue]
