"""Verification of the thumbnails: they are counted, and their bytes compared with their checksums."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from retrieval.progress import StageProgress
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.thumbnails import Thumbnails
from retrieval.verify.records import Problem, Verification

_BLOCK = 1_000
"""Thumbnails read at once: some 10 MB."""


def check_thumbnails(run: Verification) -> Iterator[Problem]:
    """Compare every thumbnail with its checksum; missing ones are counted, which is no damage."""
    thumbnails = Thumbnails(run.folder)
    rows = run.part.select(run.catalog.panels.vector_places(with_missing=True)).rows.tolist()
    report = StageProgress(run.progress, "comparing thumbnails", "thumbnails", len(rows))
    damaged = missing = 0
    try:
        stored = thumbnails.stored_rows()
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            present = [row for row in block if row in stored]
            missing += len(block) - len(present)
            damaged += len(present) - len(thumbnails.read(present))
            report(min(start + _BLOCK, len(rows)))
    except sqlite3.DatabaseError as error:
        yield Problem("thumbnails", f"the file cannot be read ({error})", REPAIR_HINT, True, str(thumbnails.path))
        return
    run.checked["thumbnails"] = len(rows) - missing
    if damaged:
        text = f"{damaged:,} of {len(rows) - missing:,} thumbnails are not what was written"
        yield Problem("thumbnails", text, REPAIR_HINT, True, str(thumbnails.path))
    if missing and not thumbnails.path.exists() and run.catalog.settings().build_options.get("thumbnails", True):
        yield Problem("thumbnails", "the file is missing", REPAIR_HINT, True, str(thumbnails.path))
    elif missing and run.catalog.settings().build_options.get("thumbnails", True):
        run.checked["thumbnails_missing"] = missing
        run.notes.append(f"{missing:,} panels have no thumbnail; `panelseek verify --repair` draws them")
