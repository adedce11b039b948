"""Full text in plain SQL: the reference that the postings in memory are compared with.

FTS5 counts, lists and ranks the panels of every term anew for each question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Integer, column, literal_column, select, table, text

from retrieval.store.catalog import fulltext
from retrieval.store.catalog.fulltext import SqliteFullText, trigrams
from retrieval.store.catalog.queries import Within
from retrieval.store.catalog.text import idf, number_forms


def quoted(term: str) -> str:
    """Return a term as an FTS5 string, in which nothing is an operator."""
    return '"' + term.replace('"', '""') + '"'


class PlainFullText(SqliteFullText):
    """The same tables, read by SQL alone."""

    def candidates(
        self, connection: Connection, terms: Sequence[str], limit: int, within: Within | None = None
    ) -> list[int]:
        """Return ids of panels: with the phrase, then with all words, with some words, and with some trigrams.

        Each has its own `limit`, so that many panels with one common word leave room for those with the phrase.
        """
        words = self._selective(connection, terms)
        forms = self._selective(connection, [form for term in terms for form in number_forms(term)])
        letters = list(dict.fromkeys(t for word in terms for t in trigrams(word)))[: fulltext._MAX_QUERY_TRIGRAMS]
        rare = sorted(self._counts(connection, "panel_letters", letters).items(), key=lambda tc: (tc[1], tc[0]))
        ids = self._match(connection, "panel_words", quoted(" ".join(terms)), limit, within)
        ids += self._match(connection, "panel_words", " ".join(map(quoted, words)), limit, within)
        ids += self._any_of(connection, "panel_words", forms, limit, within)
        ids += self._any_of(
            connection, "panel_letters", fulltext._affordable_trigrams(rare[: fulltext._MAX_TRIGRAMS]), limit, within
        )
        return list(dict.fromkeys(ids))

    def _selective(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """Return the terms to search for and the panels with each; common ones only if there are no others."""
        total = connection.execute(text("SELECT count(*) FROM panel_words_docsize")).scalar() or 0
        counts = self.counts(connection, terms)
        rare = {t: n for t, n in counts.items() if n <= max(fulltext._COMMON_FRACTION * total, fulltext._MIN_COMMON)}
        return rare or counts

    def _any_of(
        self,
        connection: Connection,
        name: str,
        counts: Mapping[str, int],
        limit: int,
        within: Within | None,
    ) -> list[int]:
        """Return the `limit` panels with the highest weight of matching terms; counts: panels with each term.

        Few rows are ordered by BM25 in SQLite, which also considers their lengths. Over many rows that would take
        longer than the rest of the search; the `idf` weights of each panel's terms are then added up here.
        """
        if not counts or sum(counts.values()) <= fulltext._MAX_BM25_ROWS:
            return self._match(connection, name, " OR ".join(map(quoted, counts)), limit, within)
        weights = idf(list(counts), counts, max(counts.values()) + 1)
        rows_of = [self._rows(connection, name, term) for term in weights]
        rows, places = np.unique(np.concatenate(rows_of), return_inverse=True)
        sums = np.bincount(places, np.repeat(list(weights.values()), [len(own) for own in rows_of]), len(rows))
        if within is not None:
            allowed = np.fromiter(connection.execute(within.statement).scalars(), np.int64)
            sums *= np.isin(rows, allowed)
        kept = np.flatnonzero(sums > 0)
        if len(kept) > limit:
            kept = kept[sums[kept] >= np.partition(sums[kept], -limit)[-limit]]
        order = np.argsort(-sums[kept], kind="stable")[:limit]
        ids: list[int] = rows[kept[order]].tolist()
        return ids

    def _rows(self, connection: Connection, name: str, term: str) -> NDArray[np.int64]:
        """Return the panels with a term, ascending."""
        # as one JSON text, which is much faster in Python than one row for each
        sql = text(f"SELECT json_group_array(rowid) FROM {name} WHERE {name} MATCH :query")
        listed = connection.execute(sql, {"query": quoted(term)}).scalar() or "[]"
        return np.fromstring(listed[1:-1], np.int64, sep=",")

    def _match(self, connection: Connection, name: str, query: str, limit: int, within: Within | None) -> list[int]:
        """Return the best `limit` panels for an FTS5 query, by BM25."""
        if not query.strip('"'):
            return []
        # the unary plus keeps the ids out of the plan of FTS5, which would run the match once for each of them
        rowid, matches = column("rowid", Integer), text(f"{name} MATCH :query").bindparams(query=query)
        statement = select(rowid).select_from(table(name)).where(matches)
        if within is not None:
            statement = statement.where(literal_column("+rowid", Integer).in_(within.statement))
        return list(connection.execute(statement.order_by(column("rank"), rowid).limit(limit)).scalars())

    def counts(self, connection: Connection, terms: Sequence[str]) -> dict[str, int]:
        """Return the number of panels with each term, of those terms that any panel has."""
        return self._counts(connection, "panel_words", terms)

    def _counts(self, connection: Connection, name: str, terms: Iterable[str]) -> dict[str, int]:
        sql = text(f"SELECT doc FROM {name}_terms WHERE term = :term")
        counts = {term: connection.execute(sql, {"term": term}).scalar() for term in dict.fromkeys(terms)}
        return {term: int(count) for term, count in counts.items() if count}
