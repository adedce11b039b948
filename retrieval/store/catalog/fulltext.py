"""Dialogue looked up as words: exact words first, then letters (so glued or misread words still match).

SQLite does this with two FTS5 tables, one of words and one of trigrams. Other databases, chosen with
an SQLAlchemy URL, fall back to plain `LIKE`, which every SQL database has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import accumulate, islice
from operator import add
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Integer, Select, case, column, func, select, table, text
from sqlalchemy.exc import DBAPIError

from retrieval.store.catalog.text import idf, normalise

_MAX_TRIGRAMS = 16  # enough to find a misread line; more only costs time
_MAX_LISTED_PANELS = 40_000  # panels; from there on half as many trigrams have to do
_MAX_QUERY_TRIGRAMS = 256  # of a very long question only the beginning is looked up by its letters
_MAX_BM25_ROWS = (
    20_000  # rows that SQLite orders by bm25 in some 40 ms; it takes 5 times as long over them as to list them
)
_COMMON_FRACTION = 0.2  # a word in more than this share of the panels finds nothing by itself


class FullText(Protocol):
    """How a catalog finds panels by what they say."""

    def create(self, connection: Connection) -> None: ...

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Add (panel id, dialogue) pairs."""
        ...

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Take pairs away; the dialogue must be the one that was added."""
        ...

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None: ...

    def optimize(self, connection: Connection) -> None:
        """Leave nothing of what was removed."""
        ...

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Select[Any] | None = None
    ) -> list[int]:
        """Ids of panels that say some of `terms`, at most 4 x `limit`; only those `within` selects."""
        ...

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]: ...

    def check(self, connection: Connection) -> list[str]: ...


def full_text_for(engine: Engine) -> FullText:
    return SqliteFullText() if engine.dialect.name == "sqlite" else LikeFullText()


def trigrams(word: str) -> set[str]:
    """All runs of three letters of a word."""
    return {word[i : i + 3] for i in range(len(word) - 2)}


def _quote(words: str) -> str:
    """FTS5's string form: nothing inside is an operator."""
    return '"' + words.replace('"', '""') + '"'


def _affordable_trigrams(counts: Sequence[tuple[str, int]]) -> dict[str, int]:
    """The rarest trigrams: half of them, and of the others those with which not too many panels have to be listed."""
    totals = accumulate(count for _, count in counts)
    kept = zip(counts, totals, range(len(counts)), strict=True)
    return dict(each for each, total, place in kept if place < _MAX_TRIGRAMS // 2 or total <= _MAX_LISTED_PANELS)


def _any_term(terms: Sequence[str]) -> str:
    return " OR ".join(_quote(term) for term in terms)


class SqliteFullText:
    """FTS5, contentless: the dialogue itself stands once, in the panel table.

    What is indexed is the normalised dialogue (`words.normalise`), so both tables and the query agree on
    case, accents and apostrophes. Contentless tables forget a row when told the very words it was added with.
    """

    TABLES: ClassVar[dict[str, str]] = {"panel_words": "unicode61 remove_diacritics 0", "panel_letters": "trigram"}

    def create(self, connection: Connection) -> None:
        for name, tokenizer in self.TABLES.items():
            connection.execute(
                text(
                    f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5("
                    f"dialogue, content='', tokenize='{tokenizer}')"
                )
            )
            connection.execute(text(f"CREATE VIRTUAL TABLE IF NOT EXISTS {name}_terms USING fts5vocab({name}, 'row')"))

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        values = [{"id": i, "dialogue": normalise(d)} for i, d in rows]
        for name in self.TABLES if values else ():
            connection.execute(text(f"INSERT INTO {name}(rowid, dialogue) VALUES (:id, :dialogue)"), values)

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        values = [{"id": i, "dialogue": normalise(d)} for i, d in rows]
        for name in self.TABLES if values else ():
            sql = f"INSERT INTO {name}({name}, rowid, dialogue) VALUES ('delete', :id, :dialogue)"
            connection.execute(text(sql), values)

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        for name in self.TABLES:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}_terms"))
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        self.create(connection)
        stream = iter(rows)
        while batch := list(islice(stream, 5_000)):
            self.add(connection, batch)

    def optimize(self, connection: Connection) -> None:
        for name in self.TABLES:  # a word that was removed stays in the table, marked, until its parts are merged
            connection.execute(text(f"INSERT INTO {name}({name}) VALUES ('optimize')"))

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Select[Any] | None = None
    ) -> list[int]:
        words = self._selective_terms(connection, terms)
        letters = list(dict.fromkeys(t for word in terms for t in trigrams(word)))[:_MAX_QUERY_TRIGRAMS]
        rare = sorted(self._counts(connection, "panel_letters", letters).items(), key=lambda tc: (tc[1], tc[0]))
        # panels that say it literally, or say every word, must not be crowded out by many that say a common one
        found = self._match(connection, "panel_words", _quote(" ".join(terms)), limit, within)
        found += self._match(connection, "panel_words", " ".join(map(_quote, words)), limit, within)
        found += self._any_of(connection, "panel_words", words, limit, within)
        found += self._any_of(connection, "panel_letters", _affordable_trigrams(rare[:_MAX_TRIGRAMS]), limit, within)
        return list(dict.fromkeys(found))

    def _selective_terms(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """The words worth asking for, with how many panels say them: common ones only where there is nothing else."""
        total = connection.execute(text("SELECT count(*) FROM panel_words_docsize")).scalar() or 0
        counts = self.counts(connection, terms)
        rare = {t: n for t, n in counts.items() if n <= max(_COMMON_FRACTION * total, 50)}
        return rare or counts

    def _any_of(
        self,
        connection: Connection,
        name: str,
        counts: Mapping[str, int],
        limit: int,
        within: Select[Any] | None,
    ) -> list[int]:
        """The `limit` panels that have most of the terms, the rarer counting more; `counts`: panels that have each.

        SQLite orders few rows by bm25, which looks at lengths too. Over many that takes longer than all else, and each
        panel's rarities are added up here instead.
        """
        if not counts or sum(counts.values()) <= _MAX_BM25_ROWS:
            return self._match(connection, name, _any_term(list(counts)), limit, within)
        weights = idf(list(counts), counts, max(counts.values()) + 1)
        sums = np.zeros(0)
        for term, weight in weights.items():
            rows = self._rows(connection, name, term)
            if len(rows) and rows[-1] >= len(sums):
                sums = np.pad(sums, (0, int(rows[-1]) + 1 - len(sums)))
            sums[rows] += weight
        if within is not None:
            allowed = np.fromiter(connection.execute(within).scalars(), np.int64)
            sums *= np.isin(np.arange(len(sums)), allowed)
        order = np.argsort(-sums, kind="stable")[:limit]
        return [int(row) for row in order if sums[row] > 0]

    def _rows(self, connection: Connection, name: str, term: str) -> NDArray[np.int64]:
        """The panels that have a term, ascending; as one text, which Python takes in far faster than as rows."""
        sql = text(f"SELECT json_group_array(rowid) FROM {name} WHERE {name} MATCH :query")
        listed = connection.execute(sql, {"query": _quote(term)}).scalar() or "[]"
        return np.fromstring(listed[1:-1], np.int64, sep=",")

    def _match(
        self, connection: Connection, name: str, query: str, limit: int, within: Select[Any] | None
    ) -> list[int]:
        if not query.strip('"'):
            return []
        rowid = column("rowid", Integer)
        found = select(rowid).select_from(table(name)).where(text(f"{name} MATCH :query").bindparams(query=query))
        if within is not None:
            found = found.where(rowid.in_(within))
        return list(connection.execute(found.order_by(column("rank"), rowid).limit(limit)).scalars())

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        return self._counts(connection, "panel_words", terms)

    def _counts(self, connection: Connection, name: str, terms: Iterable[str]) -> dict[str, int]:
        sql = text(f"SELECT doc FROM {name}_terms WHERE term = :term")
        found = {t: connection.execute(sql, {"term": t}).scalar() for t in dict.fromkeys(terms)}
        return {t: int(n) for t, n in found.items() if n}

    def check(self, connection: Connection) -> list[str]:
        """SQLite's own integrity check, and that both tables hold exactly the panels with words."""
        found = [str(r) for r in connection.execute(text("PRAGMA integrity_check(5)")).scalars() if r != "ok"]
        broken = len(connection.execute(text("PRAGMA foreign_key_check")).all())
        found += [f"{broken} rows name a row that is not there"] if broken else []
        expected = connection.execute(text("SELECT count(*) FROM panel WHERE dialogue != ''")).scalar()
        for name in self.TABLES:
            try:
                have = connection.execute(text(f"SELECT count(*) FROM {name}_docsize")).scalar()
            except DBAPIError as error:
                found.append(f"full text {name} cannot be read ({error.orig})")
                continue
            if have != expected:
                found.append(f"full text {name} holds {have} panels, the catalog has {expected} with words")
        return found


class LikeFullText:
    """Any SQL database: nothing derived is stored, `LIKE` scans the panel table."""

    def create(self, connection: Connection) -> None:
        pass

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        pass

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        pass

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        pass

    def optimize(self, connection: Connection) -> None:
        pass

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Select[Any] | None = None
    ) -> list[int]:
        if not terms:
            return []
        panel_id, said = column("id", Integer), func.lower(column("dialogue"))
        says = [case((said.contains(term, autoescape=True), 1), else_=0) for term in dict.fromkeys(terms)]
        hits = reduce(add, says)
        found = select(panel_id).select_from(table("panel")).where(hits > 0)
        if within is not None:
            found = found.where(panel_id.in_(within))
        return list(connection.execute(found.order_by(hits.desc(), panel_id).limit(limit)).scalars())

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        sql = text("SELECT count(*) FROM panel WHERE lower(dialogue) LIKE :term")
        found = {t: connection.execute(sql, {"term": f"%{t}%"}).scalar() or 0 for t in dict.fromkeys(terms)}
        return {t: n for t, n in found.items() if n}

    def check(self, connection: Connection) -> list[str]:
        return []
