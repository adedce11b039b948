"""Postings of an FTS5 table: where each term occurs, read when it is first needed and kept in memory.

SQLite walks all postings of a term whenever it counts, lists or ranks its panels. Read once, they answer all three.
An FTS5 table changes only when a generation is published, so they stay valid for a long time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from retrieval.errors import IndexDamaged
from retrieval.store.hints import REPAIR_HINT

Keys = NDArray[np.int64]
"""Occurrences of a term, ascending: the panel id, shifted, plus the position in its dialogue."""

Lengths = tuple[NDArray[Any], NDArray[Any]]
"""(P,) ids of panels, ascending, and the (P,) numbers of terms in their dialogue, both unsigned or signed integers."""

SHIFT = 24
"""Bits of a position: a dialogue has fewer than 16 million words and trigrams."""

_BYTES_PER_PANEL, _MIN_BYTES = 48, 4 * 2**20
"""Memory of the postings of one table: 48 bytes a panel with dialogue, and 4 MiB at least."""

_MAX_COUNTS = 50_000
"""Terms whose number of panels is kept, some 5 MB."""

_LOOKUP_FRACTION = 0.25
"""Lengths that are looked up before all are read, as a fraction of them: to look one up takes three times as long."""

_LENGTHS_AT_ONCE = 100_000
"""Lengths read at once."""

_STRUCTURE, _AVERAGES = 10, 1
"""Rows of an FTS5 data table: its segments with a count of all that was written, and its totals."""


class State(NamedTuple):
    """The state of an FTS5 table. key: equal for two equal tables; panels, tokens: totals."""

    key: tuple[int, bytes, bytes]
    panels: int
    tokens: int


def read_state(connection: Connection, name: str) -> State:
    """Return the state of an FTS5 table, from three small records."""
    schema = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    sql = f"SELECT id, block FROM {name}_data WHERE id IN ({_AVERAGES}, {_STRUCTURE})"
    blocks = {row_id: bytes(block) for row_id, block in connection.exec_driver_sql(sql)}
    averages = blocks.get(_AVERAGES, b"")
    panels, tokens, *_ = [*_varints(averages), 0, 0]
    return State((int(schema or 0), blocks.get(_STRUCTURE, b""), averages), panels, tokens)


def _varints(block: bytes) -> Iterator[int]:
    """Return the numbers of a record, in SQLite's variable length: 7 bits a byte, the highest first."""
    number = length = 0
    for byte in block:
        length += 1
        whole = length == 9
        number = number << 8 | byte if whole else number << 7 | byte & 0x7F
        if byte < 0x80 or whole:
            yield number
            number = length = 0


class Postings:
    """The terms of one FTS5 table in one state. Safe to share between threads."""

    def __init__(self, name: str, state: State) -> None:
        self.name = name
        self.state = state
        self._counts: dict[str, int] = {}
        self._keys: OrderedDict[str, Keys] = OrderedDict()
        self._bytes = self._looked_up = 0
        self._lengths: Lengths | None = None
        self._lock = threading.Lock()

    def counts(self, connection: Connection, terms: Iterable[str]) -> dict[str, int]:
        """Return the number of panels with each term, of those terms that any panel has."""
        sql = f"SELECT doc FROM {self.name}_terms WHERE term = ?"
        found = {}
        for term in dict.fromkeys(terms):
            count = self._counts.get(term)
            if count is None:
                count = int(connection.exec_driver_sql(sql, (term,)).scalar() or 0)
                if len(self._counts) >= _MAX_COUNTS:
                    self._counts = {}
                self._counts[term] = count
            if count:
                found[term] = count
        return found

    def keys(self, connection: Connection, term: str) -> Keys:
        """Return the (N,) int64 occurrences of a term, ascending."""
        with self._lock:
            known = self._keys.get(term)
            if known is not None:
                self._keys.move_to_end(term)
                return known
        keys = self._read_keys(connection, term)
        with self._lock:
            if term not in self._keys:
                self._keys[term] = keys
                self._bytes += keys.nbytes
            budget = max(_MIN_BYTES, _BYTES_PER_PANEL * self.state.panels)
            while self._bytes > budget:
                self._bytes -= self._keys.popitem(last=False)[1].nbytes
        return keys

    def _read_keys(self, connection: Connection, term: str) -> Keys:
        view = f"{self.name}_places"
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{view} USING fts5vocab(main, {self.name}, instance)"
        )
        # as one JSON text, which is much faster in Python than one row for each
        sql = f"SELECT json_group_array(doc << {SHIFT} | offset) FROM temp.{view} WHERE term = ?"
        listed = (connection.exec_driver_sql(sql, (term,)).scalar() or "[]")[1:-1]
        return np.fromstring(listed, np.int64, sep=",") if listed else np.empty(0, np.int64)

    def lengths(self, connection: Connection, ids: Keys) -> NDArray[np.float64]:
        """Return (M,) numbers of terms in the dialogue of panels; ids: ascending.

        Raises `IndexDamaged` if the full text has no length of a panel.
        """
        if self._lengths is None:
            self._looked_up += len(ids)
            if self._looked_up <= _LOOKUP_FRACTION * self.state.panels:
                return self._checked(self._some_lengths(connection, ids), ids)
            self._lengths = self._all_lengths(connection)
        known, lengths = self._lengths
        places = np.minimum(np.searchsorted(known, ids.astype(known.dtype)), max(len(known) - 1, 0))
        return self._checked((known[places], lengths[places]) if len(known) else self._lengths, ids)

    def _checked(self, found: Lengths, ids: Keys) -> NDArray[np.float64]:
        if not np.array_equal(found[0], ids):
            raise self._damaged("it lacks the lengths of some panels")
        return found[1].astype(np.float64)

    def _damaged(self, problem: str) -> IndexDamaged:
        return IndexDamaged(f"the full text {self.name} is damaged: {problem}", hint=REPAIR_HINT)

    def _some_lengths(self, connection: Connection, ids: Keys) -> Lengths:
        listed = f"[{','.join(map(str, ids.tolist()))}]"
        return self._read_lengths(connection, "id IN (SELECT value FROM json_each(?)) ORDER BY id", listed)

    def _all_lengths(self, connection: Connection) -> Lengths:
        parts: list[Lengths] = []
        last = -(2**63)
        while not parts or len(parts[-1][0]):
            parts.append(self._read_lengths(connection, f"id > ? ORDER BY id LIMIT {_LENGTHS_AT_ONCE}", last))
            last = int(parts[-1][0].max(initial=last))
        ids, lengths = (np.concatenate([part[n] for part in parts]) for n in range(2))
        # in small types: most ids fit into 4 bytes, and most lengths into one or two
        small = np.int32 if ids.max(initial=0) <= np.iinfo(np.int32).max else np.int64
        return ids.astype(small), lengths.astype(np.min_scalar_type(int(lengths.max(initial=0))))

    def _read_lengths(self, connection: Connection, condition: str, value: str | int) -> Lengths:
        """Read the ids and lengths of some panels, each length a number of variable length."""
        # as two texts, which are much faster in Python than one row for each
        rows = f"SELECT id, sz FROM {self.name}_docsize WHERE {condition}"
        sql = f"SELECT json_group_array(id), coalesce(group_concat(hex(sz), ''), '') FROM ({rows})"
        listed, digits = connection.exec_driver_sql(sql, (value,)).one()
        ids = np.fromstring(listed[1:-1], np.int64, sep=",") if len(listed) > 2 else np.empty(0, np.int64)
        data = np.frombuffer(bytes.fromhex(digits), np.uint8)
        ends = np.flatnonzero(data < 0x80)
        if len(ends) != len(ids):
            raise self._damaged("the lengths of some panels are no numbers")
        starts = np.append(0, ends[:-1] + 1)[: len(ends)]
        lengths = np.zeros(len(ends), np.uint32)
        for place in range(int((ends - starts).max(initial=-1)) + 1):
            longer = starts + place <= ends
            lengths[longer] = lengths[longer] << np.uint32(7) | data[starts[longer] + place] & 0x7F
        return ids, lengths
