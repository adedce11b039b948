"""Rows of the catalog's tables, made from records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Session

from retrieval.filters import to_number
from retrieval.names import display_name, name_key
from retrieval.store.catalog.queries import id_chunks
from retrieval.store.catalog.records import NewPanel, PageMove
from retrieval.store.catalog.tables import Base, BookMetadataRow, PageRow, PanelRow

_ROWS = 5_000
"""Panels read at once."""


def all_dialogue(connection: Connection) -> Iterator[tuple[int, str]]:
    """Return (panel id, dialogue) of all panels with dialogue, by id.

    No result stays open between two of them, so that the same connection may write meanwhile.
    """
    last = -1
    while True:
        after = select(PanelRow.id, PanelRow.dialogue).where(PanelRow.dialogue != "", PanelRow.id > last)
        rows = connection.execute(after.order_by(PanelRow.id).limit(_ROWS)).all()
        if not rows:
            return
        yield from ((int(panel_id), str(dialogue)) for panel_id, dialogue in rows)
        last = int(rows[-1][0])


def find_pages(session: Session, places: Iterable[tuple[int, str]]) -> dict[tuple[int, str], PageRow]:
    """Return the rows of those pages (book id, name) that the catalog has."""
    names: dict[int, list[str]] = {}
    for book_id, name in places:
        names.setdefault(book_id, []).append(name)
    return {
        (row.book_id, row.name): row
        for book_id, own in names.items()
        for some in id_chunks(own)
        for row in session.scalars(select(PageRow).where(PageRow.book_id == book_id, PageRow.name.in_(some)))
    }


def metadata_row(book_id: int, name: str, value: str, position: int) -> BookMetadataRow:
    """Return the row of one metadata value, with the forms that filters compare."""
    return BookMetadataRow(
        book_id=book_id,
        name=name,
        value=display_name(value),
        position=position,
        casefolded=name_key(value),
        numeric=to_number(value),
    )


def panel_row(page_id: int, panel: NewPanel) -> PanelRow:
    """Return the row of a new panel."""
    box = panel.box
    picture, dialogue, composition = panel.gate
    return PanelRow(
        page_id=page_id,
        number=panel.number,
        x=box.x,
        y=box.y,
        w=box.w,
        h=box.h,
        dialogue=panel.dialogue,
        sound_effects=panel.sound_effects,
        text_source=panel.text_source,
        box_source=panel.box_source,
        vector_row=panel.vector_row,
        gate_picture=picture,
        gate_dialogue=dialogue,
        gate_composition=composition,
        vector_checksums=panel.vector_checksums,
        picture_norm=panel.picture_norm,
    )


def moved_columns(move: PageMove) -> dict[str, Any]:
    """Return the columns of a page that a move changes."""
    return {
        "book_id": move.book_id,
        "name": move.name,
        "number": move.number,
        "fingerprint": move.fingerprint,
        "label": move.label,
    }


def column_names(table: type[Base], without: Sequence[str]) -> list[str]:
    """Return the names of a table's columns, except some."""
    return [column.key for column in inspect(table).column_attrs if column.key not in without]
