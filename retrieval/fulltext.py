"""Dialogue looked up as words: exact words first, then letters (so glued or misread words still match).

SQLite does this with two FTS5 tables, one of words and one of trigrams. Other databases, chosen with
an SQLAlchemy URL, fall back to plain `LIKE`, which every SQL database has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import ClassVar, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from retrieval.words import normalise

_RARE_TRIGRAMS = 16  # enough to find a misread line; more only costs time
_COMMON = 0.2  # a word in more than this share of the panels finds nothing by itself


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

    def candidates(self, connection: Connection, terms: Sequence[str], limit: int) -> list[int]:
        """Ids of panels that say some of `terms`, best first, at most about 2 x `limit`."""
        ...

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]: ...

    def check(self, connection: Connection) -> list[str]: ...


def full_text_for(engine: Engine) -> FullText:
    return SqliteFullText() if engine.dialect.name == "sqlite" else PlainFullText()


def trigrams(word: str) -> set[str]:
    """All runs of three letters of a word."""
    return {word[i : i + 3] for i in range(len(word) - 2)}


class SqliteFullText:
    """FTS5, contentless: the dialogue itself stands once, in the panel table.

    What is indexed is the normalised dialogue (`words.normalise`), so both tables and the query agree on
    case, accents and apostrophes. Contentless tables forget a row when told the very words it was added with.
    """

    TABLES: ClassVar[dict[str, str]] = {"panel_words": "unicode61 remove_diacritics 0", "panel_letters": "trigram"}

    def create(self, connection: Connection) -> None:
        for table, tokenizer in self.TABLES.items():
            connection.execute(
                text(
                    f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5("
                    f"dialogue, content='', tokenize='{tokenizer}')"
                )
            )
            connection.execute(
                text(f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_terms USING fts5vocab({table}, 'row')")
            )

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        values = [{"id": i, "dialogue": normalise(d)} for i, d in rows]
        for table in self.TABLES if values else ():
            connection.execute(text(f"INSERT INTO {table}(rowid, dialogue) VALUES (:id, :dialogue)"), values)

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        values = [{"id": i, "dialogue": normalise(d)} for i, d in rows]
        for table in self.TABLES if values else ():
            sql = f"INSERT INTO {table}({table}, rowid, dialogue) VALUES ('delete', :id, :dialogue)"
            connection.execute(text(sql), values)

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        for table in self.TABLES:
            connection.execute(text(f"DROP TABLE IF EXISTS {table}_terms"))
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        self.create(connection)
        stream = iter(rows)
        while batch := list(islice(stream, 5_000)):
            self.add(connection, batch)

    def candidates(self, connection: Connection, terms: Sequence[str], limit: int) -> list[int]:
        words = self._telling(connection, terms)
        letters = {t for word in terms for t in trigrams(word)}
        rare = sorted(self._counts(connection, "panel_letters", letters).items(), key=lambda tc: (tc[1], tc[0]))
        found = self._match(connection, "panel_words", words, limit)
        found += self._match(connection, "panel_letters", [t for t, _ in rare[:_RARE_TRIGRAMS]], limit)
        return list(dict.fromkeys(found))

    def _telling(self, connection: Connection, terms: Sequence[str]) -> list[str]:
        """The words worth asking for: common ones only where there is nothing else."""
        total = connection.execute(text("SELECT count(*) FROM panel_words_docsize")).scalar() or 0
        counts = self.counts(connection, terms)
        present = [t for t in dict.fromkeys(terms) if counts.get(t)]
        rare = [t for t in present if counts[t] <= max(_COMMON * total, 50)]
        return rare or present

    def _match(self, connection: Connection, table: str, terms: Sequence[str], limit: int) -> list[int]:
        if not terms:
            return []
        query = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        sql = text(f"SELECT rowid FROM {table} WHERE {table} MATCH :query ORDER BY rank, rowid LIMIT :limit")
        return list(connection.execute(sql, {"query": query, "limit": limit}).scalars())

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        return self._counts(connection, "panel_words", terms)

    def _counts(self, connection: Connection, table: str, terms: Iterable[str]) -> dict[str, int]:
        sql = text(f"SELECT doc FROM {table}_terms WHERE term = :term")
        found = {t: connection.execute(sql, {"term": t}).scalar() for t in dict.fromkeys(terms)}
        return {t: int(n) for t, n in found.items() if n}

    def check(self, connection: Connection) -> list[str]:
        """SQLite's own integrity check, and that both tables hold exactly the panels with words."""
        found = [str(r) for r in connection.execute(text("PRAGMA integrity_check(5)")).scalars() if r != "ok"]
        broken = len(connection.execute(text("PRAGMA foreign_key_check")).all())
        found += [f"{broken} rows name a row that is not there"] if broken else []
        expected = connection.execute(text("SELECT count(*) FROM panel WHERE dialogue != ''")).scalar()
        for table in self.TABLES:
            try:
                have = connection.execute(text(f"SELECT count(*) FROM {table}_docsize")).scalar()
            except DBAPIError as error:
                found.append(f"full text {table} cannot be read ({error.orig})")
                continue
            if have != expected:
                found.append(f"full text {table} holds {have} panels, the catalog has {expected} with words")
        return found


class PlainFullText:
    """Any SQL database: nothing derived is stored, `LIKE` scans the panel table."""

    def create(self, connection: Connection) -> None:
        pass

    def add(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        pass

    def remove(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        pass

    def rebuild(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        pass

    def candidates(self, connection: Connection, terms: Sequence[str], limit: int) -> list[int]:
        wanted = list(dict.fromkeys(terms))
        if not wanted:
            return []
        hits = " + ".join(f"CASE WHEN lower(dialogue) LIKE :t{i} THEN 1 ELSE 0 END" for i in range(len(wanted)))
        sql = text(
            f"SELECT id FROM (SELECT id, {hits} AS hits FROM panel WHERE dialogue <> '') AS counted "
            "WHERE hits > 0 ORDER BY hits DESC, id LIMIT :limit"
        )
        values = {f"t{i}": f"%{term}%" for i, term in enumerate(wanted)}
        return list(connection.execute(sql, {**values, "limit": limit}).scalars())

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        sql = text("SELECT count(*) FROM panel WHERE lower(dialogue) LIKE :term")
        found = {t: connection.execute(sql, {"term": f"%{t}%"}).scalar() or 0 for t in dict.fromkeys(terms)}
        return {t: n for t, n in found.items() if n}

    def check(self, connection: Connection) -> list[str]:
        return []
