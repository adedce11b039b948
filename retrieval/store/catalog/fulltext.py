"""Full-text search in dialogue: exact words first, then trigrams, which also find run-together words and OCR errors.

SQLite has two FTS5 tables for it, one of words and one of trigrams. Their postings are kept in memory and ranked there
(`cached.postings`, `cached.bm25`), as SQLite would rank them. Other databases, chosen with an SQLAlchemy URL, use
plain `LIKE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import accumulate, islice
from operator import add
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Integer, case, column, func, select, table, text

from retrieval.store.catalog.cached import bm25
from retrieval.store.catalog.cached.postings import Postings, read_state
from retrieval.store.catalog.queries import Within
from retrieval.store.catalog.text import normalise, number_forms
from retrieval.store.id_sets import Member, member_test

_MAX_TRIGRAMS = 16
"""Trigrams searched for: enough to find a line with OCR errors; more take more time."""

_MAX_LISTED_PANELS = 40_000
"""Panels listed for all trigrams; if there are more, only half of the trigrams are searched for."""

_MAX_QUERY_TRIGRAMS = 256
"""Trigrams of a query that are considered, from its beginning."""

_MAX_BM25_ROWS = 20_000
"""Panels that are ordered by BM25. Of more, the sums of weights tell enough."""

_COMMON_FRACTION = 0.2
"""Fraction of the panels above which a word is too common to be searched for alone."""

_MIN_COMMON = 50
"""Panels up to which a word is never too common."""

_REBUILD_BATCH = 5_000
"""Panels added at once when the tables are made again."""


def _every(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Allow every panel."""
    return np.ones(len(ids), np.bool_)


class FullText(Protocol):
    """Full-text search of a catalog."""

    def create(self, connection: Connection) -> None:
        """Create the tables."""
        ...

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Add (panel id, dialogue) pairs."""
        ...

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Remove pairs; the dialogue must be the one that was added."""
        ...

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Make the tables again from (panel id, dialogue) pairs."""
        ...

    def optimize(self, connection: Connection) -> None:
        """Erase what was removed."""
        ...

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Within | None = None
    ) -> list[int]:
        """Return ids of panels with some of the terms, at most 4 x `limit`; within: the allowed ones."""
        ...

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """Return the number of panels with each term, of those terms that any panel has."""
        ...


def full_text_for(engine: Engine) -> FullText:
    """Return the full-text search for a database."""
    return SqliteFullText() if engine.dialect.name == "sqlite" else LikeFullText()


def trigrams(word: str) -> set[str]:
    """Return all runs of three letters of a word."""
    return {word[i : i + 3] for i in range(len(word) - 2)}


def _quote(term: str) -> str:
    """Return a term as an FTS5 string, in which nothing is an operator."""
    return '"' + term.replace('"', '""') + '"'


def _affordable_trigrams(counts: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Return the rarer half of the trigrams, and more of them while not too many panels have to be listed."""
    totals = accumulate(count for _, count in counts)
    ordered = zip(counts, totals, range(len(counts)), strict=True)
    return dict(pair for pair, total, place in ordered if place < _MAX_TRIGRAMS // 2 or total <= _MAX_LISTED_PANELS)


class SqliteFullText:
    """Full-text search with two contentless FTS5 tables; the dialogue itself is only in the panel table.

    The tables index the normalised dialogue (`text.normalise`), so that tables and query agree on case, accents and
    apostrophes. To remove a row from a contentless table takes the text that it was added with.
    """

    TABLES: ClassVar[dict[str, str]] = {"panel_words": "unicode61 remove_diacritics 0", "panel_letters": "trigram"}
    """Tokenizer of each table: of words, and of trigrams."""

    def __init__(self) -> None:
        self._known: dict[str, Postings] = {}

    def create(self, connection: Connection) -> None:
        """Create both tables, and a table of term counts for each."""
        for name, tokenizer in self.TABLES.items():
            connection.execute(
                text(
                    f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5("
                    f"dialogue, content='', tokenize='{tokenizer}')"
                )
            )
            connection.execute(text(f"CREATE VIRTUAL TABLE IF NOT EXISTS {name}_terms USING fts5vocab({name}, 'row')"))

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Add (panel id, dialogue) pairs to both tables."""
        values = [{"id": panel_id, "dialogue": normalise(dialogue)} for panel_id, dialogue in rows]
        for name in self.TABLES if values else ():
            connection.execute(text(f"INSERT INTO {name}(rowid, dialogue) VALUES (:id, :dialogue)"), values)

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Remove pairs from both tables; the dialogue must be the one that was added."""
        values = [{"id": panel_id, "dialogue": normalise(dialogue)} for panel_id, dialogue in rows]
        for name in self.TABLES if values else ():
            sql = f"INSERT INTO {name}({name}, rowid, dialogue) VALUES ('delete', :id, :dialogue)"
            connection.execute(text(sql), values)

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Drop both tables and make them again from (panel id, dialogue) pairs."""
        for name in self.TABLES:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}_terms"))
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        self.create(connection)
        stream = iter(rows)
        while batch := list(islice(stream, _REBUILD_BATCH)):
            self.add(connection, batch)

    def optimize(self, connection: Connection) -> None:
        """Merge the segments of both tables: a removed word stays in them, only marked, until then."""
        for name in self.TABLES:
            connection.execute(text(f"INSERT INTO {name}({name}) VALUES ('optimize')"))

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Within | None = None
    ) -> list[int]:
        """Return ids of panels: with the phrase, then with all words, with some words, and with some trigrams.

        Each has its own `limit`, so that many panels with one common word leave room for those with the phrase.
        """
        words, letters = (self._postings(connection, name) for name in self.TABLES)
        all_words = self._selective_terms(words, connection, terms)
        forms = self._selective_terms(words, connection, [form for term in terms for form in number_forms(term)])
        runs = list(dict.fromkeys(t for word in terms for t in trigrams(word)))[:_MAX_QUERY_TRIGRAMS]
        rare = sorted(letters.counts(connection, runs).items(), key=lambda tc: (tc[1], tc[0]))[:_MAX_TRIGRAMS]
        keep = _every if within is None else member_test(within.ids(connection))
        ids = self._with_phrase(words, connection, terms, limit, keep)
        ids += bm25.with_all(words, connection, all_words, limit, keep)
        ids += self._with_some(words, connection, forms, limit, keep)
        ids += self._with_some(letters, connection, _affordable_trigrams(rare), limit, keep)
        return list(dict.fromkeys(ids))

    def _postings(self, connection: Connection, name: str) -> Postings:
        """Return the postings of a table as it is in this transaction; those in memory if it has not changed."""
        state = read_state(connection, name)
        known = self._known.get(name)
        if known is None or known.state != state:
            known = self._known[name] = Postings(name, state)
        return known

    @staticmethod
    def _selective_terms(words: Postings, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """Return the terms to search for and the panels with each; common ones only if there are no others."""
        counts = words.counts(connection, terms)
        rare = {t: n for t, n in counts.items() if n <= max(_COMMON_FRACTION * words.state.panels, _MIN_COMMON)}
        return rare or counts

    @staticmethod
    def _with_phrase(
        words: Postings, connection: Connection, terms: Sequence[str], limit: int, keep: Member
    ) -> list[int]:
        """Return the best panels with the words of the query one after another.

        A word that SQLite divides otherwise than `tokens`, such as `a_b`, is left to SQLite.
        """
        counts = words.counts(connection, terms)
        unknown = [term for term in terms if term not in counts]
        if not terms or any(term.isascii() and term.isalnum() for term in unknown):
            return []
        if not unknown:
            return bm25.with_phrase(words, connection, terms, counts, limit, keep)
        sql = f"SELECT rowid FROM {words.name} WHERE {words.name} MATCH ? ORDER BY rank, rowid LIMIT ?"
        phrase = (_quote(" ".join(terms)), limit if keep is _every else -1)
        ids = np.array(connection.exec_driver_sql(sql, phrase).scalars().all(), np.int64)
        best: list[int] = ids[keep(ids)][:limit].tolist()
        return best

    @staticmethod
    def _with_some(
        postings: Postings, connection: Connection, counts: Mapping[str, int], limit: int, keep: Member
    ) -> list[int]:
        """Return the `limit` panels with the highest weight of matching terms; counts: panels with each term.

        Few panels are ordered by BM25, which also considers their lengths, many by the `idf` weights of their terms.
        """
        if not counts:
            return []
        if sum(counts.values()) <= _MAX_BM25_ROWS:
            return bm25.with_some(postings, connection, counts, limit, keep)
        return bm25.with_heaviest(postings, connection, counts, limit, keep)

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """Return the number of panels with each term, of those terms that any panel has."""
        return self._postings(connection, "panel_words").counts(connection, terms)


class LikeFullText:
    """Full-text search for any SQL database: `LIKE` scans the panel table; nothing derived is stored."""

    def create(self, connection: Connection) -> None:
        """Do nothing: there are no tables of its own."""

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Do nothing."""

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Do nothing."""

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Do nothing."""

    def optimize(self, connection: Connection) -> None:
        """Do nothing."""

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Within | None = None
    ) -> list[int]:
        """Return the ids of panels with most of the terms."""
        if not terms:
            return []
        panel_id, dialogue = column("id", Integer), func.lower(column("dialogue"))
        has_term = [case((dialogue.contains(term, autoescape=True), 1), else_=0) for term in dict.fromkeys(terms)]
        matching = reduce(add, has_term)
        statement = select(panel_id).select_from(table("panel")).where(matching > 0)
        if within is not None:
            statement = statement.where(panel_id.in_(within.statement))
        return list(connection.execute(statement.order_by(matching.desc(), panel_id).limit(limit)).scalars())

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """Return the number of panels with each term, of those terms that any panel has."""
        sql = text("SELECT count(*) FROM panel WHERE lower(dialogue) LIKE :term")
        counts = {term: connection.execute(sql, {"term": f"%{term}%"}).scalar() or 0 for term in dict.fromkeys(terms)}
        return {term: count for term, count in counts.items() if count}
