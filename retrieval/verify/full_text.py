"""Verification of the full text: it is made again in a temporary table, and both have the same words."""

from __future__ import annotations

from itertools import islice

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from retrieval.errors import IndexDamaged, IndexError_
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.fulltext import SqliteFullText
from retrieval.store.catalog.text import normalise

_BATCH = 5_000
"""Panels whose dialogue is read at once."""

_CHECK = "verify_full_text"
"""Name of the temporary tables, and their beginning."""

_INDEXED = """
    SELECT id, dialogue FROM panel WHERE dialogue != '' AND id NOT IN (SELECT panel_id FROM text_change)
    UNION ALL SELECT panel_id, indexed FROM text_change WHERE indexed IS NOT NULL"""
"""The dialogue that the full text has; a running build has changes that wait for the next generation."""

_TERMS = "SELECT term, count(*), sum(doc), sum((doc % 65521) * (offset + 1)) FROM {} GROUP BY term"
"""Occurrences of each term; the sums change with each panel and position."""


def full_text_faults(catalog: Catalog) -> list[str]:
    """Return a sentence for each full-text table that SQLite finds damaged, or that has other words than the panels."""
    if catalog.engine.dialect.name != "sqlite":
        return []
    faults = []
    for name, tokenizer in SqliteFullText.TABLES.items():
        with catalog.engine.connect() as connection:
            try:
                fault = _fault(connection, name, tokenizer)
            except (DBAPIError, IndexDamaged) as error:
                reason = error.orig if isinstance(error, DBAPIError) else error.problem
                fault = f"it cannot be read ({reason})"
            finally:
                connection.rollback()  # the temporary tables go, too
        faults += [f"full text {name}: {fault}"] if fault else []
    return faults


def _fault(connection: Connection, name: str, tokenizer: str) -> str | None:
    expected = connection.scalar(text(f"SELECT count(*) FROM ({_INDEXED})"))
    stored = connection.scalar(text(f"SELECT count(*) FROM {name}_docsize"))
    if stored != expected:
        return f"it has {stored} panels; the catalog has {expected} with dialogue"
    _make_again(connection, tokenizer)
    lengths = f"SELECT id, sz FROM {name}_docsize EXCEPT SELECT id, sz FROM temp.{_CHECK}_docsize"
    if connection.execute(text(f"{lengths} LIMIT 1")).first() or _terms(connection, name) != _terms(connection, None):
        return "its words are not those of the panels"
    return _integrity_fault(connection, name)


def _make_again(connection: Connection, tokenizer: str) -> None:
    """Index the dialogue that the full text has in a temporary table."""
    options = f"dialogue, content='', tokenize='{tokenizer}'"
    connection.execute(text(f"CREATE VIRTUAL TABLE temp.{_CHECK} USING fts5({options})"))
    rows = iter(connection.execute(text(_INDEXED)).all())
    while batch := [{"id": i, "dialogue": normalise(dialogue)} for i, dialogue in islice(rows, _BATCH)]:
        connection.execute(text(f"INSERT INTO temp.{_CHECK}(rowid, dialogue) VALUES (:id, :dialogue)"), batch)


def _terms(connection: Connection, name: str | None) -> list[tuple[object, ...]]:
    """Return the occurrences of each term in a table of the catalog; None: in the temporary table."""
    schema, table = ("temp", _CHECK) if name is None else ("main", name)
    view = f"{_CHECK}_{schema}_terms"
    connection.execute(text(f"CREATE VIRTUAL TABLE temp.{view} USING fts5vocab({schema}, {table}, instance)"))
    return [tuple(row) for row in connection.execute(text(_TERMS.format(view)))]


def _integrity_fault(connection: Connection, name: str) -> str | None:
    """Run the integrity check of FTS5, which needs the right to write; a build in progress has that right."""
    try:
        connection.execute(text(f"INSERT INTO {name}({name}) VALUES ('integrity-check')"))
    except IndexDamaged as error:
        return f"SQLite finds it damaged ({error.problem})"
    except (DBAPIError, IndexError_):
        return None  # a writer is at work, or the file is read-only; the words were compared above
    return None
