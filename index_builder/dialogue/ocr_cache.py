"""The OCR cache: lines of each page in a SQLite file of the index, so that OCR runs once per page and engine.

It is derived data: deleting it costs another OCR run. Decoding processes only read it. The one process that writes
the index stores the lines that they return.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from index_builder.dialogue.lines import Line, OcrResult
from retrieval.store.sqlite import connect_to_existing, fault_of, write_transaction

log = logging.getLogger("panelseek")

FILE = "ocr_cache.sqlite"

_CREATE = """CREATE TABLE IF NOT EXISTS ocr_result (
    page_sha256 BLOB PRIMARY KEY, engine TEXT NOT NULL, lines BLOB NOT NULL, seconds REAL NOT NULL) WITHOUT ROWID"""
_GET = "SELECT engine, lines FROM ocr_result WHERE page_sha256 = ?"
_PUT = "INSERT OR REPLACE INTO ocr_result (page_sha256, engine, lines, seconds) VALUES (?, ?, ?, ?)"
_TIMEOUT = 2.0
"""Seconds to wait for other processes, each of which takes milliseconds: longer than OCR of a page saves nothing."""


class OcrCache:
    """OCR lines by the SHA-256 of the page file; one entry a page, of the last engine. Connects for each call."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def get(self, page_sha256: bytes, engine: str) -> tuple[Line, ...] | None:
        """Return the lines of a page; None if there are none of this engine, or if they are damaged."""
        if not self.path.exists():
            return None
        try:
            with closing(connect_to_existing(self.path, _TIMEOUT)) as connection:
                row = connection.execute(_GET, (page_sha256,)).fetchone()
            if row is None or row[0] != engine:
                return None
            return tuple(Line.from_row(line) for line in json.loads(zlib.decompress(row[1])))
        except (sqlite3.DatabaseError, zlib.error, ValueError, TypeError, RecursionError, IndexError):
            return None

    def put_many(self, results: Sequence[OcrResult]) -> None:
        """Store results in one transaction; a damaged file is replaced. Call it only in the writer of the index.

        Raises `sqlite3.DatabaseError` if another program has the file locked, or the disk cannot be written.
        """
        rows = [_to_row(result) for result in results]
        try:
            self._insert(rows)
        except sqlite3.DatabaseError as error:
            if fault_of(error) in ("locked", "disk"):
                raise
            self._clear()
            self._insert(rows)

    def _insert(self, rows: Sequence[tuple[bytes, str, bytes, float]]) -> None:
        with write_transaction(self.path, timeout=_TIMEOUT) as connection:
            connection.execute(_CREATE)
            connection.executemany(_PUT, rows)

    def _clear(self) -> None:
        """Delete the file and its journal."""
        for path in self.path.parent.glob(f"{FILE}*"):
            path.unlink()


class OcrCacheWriter:
    """Buffered writes to the OCR cache; a context manager that stores the rest at its end, also after an error."""

    def __init__(self, folder: Path, pages_per_commit: int) -> None:
        self._cache = OcrCache(folder)
        self._pages_per_commit = pages_per_commit
        self._pending: list[OcrResult] = []
        self._gave_up = False

    def __enter__(self) -> OcrCacheWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def add(self, result: OcrResult | None) -> None:
        """Store a result with the next commit; None is ignored."""
        if result is not None:
            self._pending.append(result)
        if len(self._pending) >= self._pages_per_commit:
            self.flush()

    def flush(self) -> None:
        """Commit all results added so far; a build goes on without a cache that cannot be written."""
        pending, self._pending = self._pending, []
        if not pending or self._gave_up:
            return
        try:
            self._cache.put_many(pending)
        except (sqlite3.DatabaseError, OSError) as error:
            self._gave_up = True  # each further try could wait again
            log.warning("%s cannot be written (%s): OCR may run on these pages again", self._cache.path, error)


def _to_row(result: OcrResult) -> tuple[bytes, str, bytes, float]:
    lines = json.dumps([line.as_row() for line in result.lines], ensure_ascii=False)
    return result.page_sha256, result.engine, zlib.compress(lines.encode()), round(result.seconds, 3)
