"""Verification of the thumbnails and keypoints: they are counted, and their bytes compared with their checksums."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from retrieval.progress import StageProgress
from retrieval.store.hints import REPAIR_HINT
from retrieval.store.thumbnails import Thumbnails
from retrieval.verify.records import Problem, Verification

_BLOCK = 1_000
"""Thumbnails read at once: some 10 MB, or 20 MB of keypoints."""

_Read = Callable[[Sequence[int]], dict[int, bytes]]


def check_thumbnails(run: Verification) -> Iterator[Problem]:
    """Compare every thumbnail and its keypoints with their checksums; missing ones are counted, which is no damage."""
    thumbnails, options = Thumbnails(run.folder), run.catalog.settings().build_options
    rows = run.part.select(run.catalog.panels.vector_places(with_missing=True)).rows.tolist()
    from retrieval.images.keypoints import is_current  # loads OpenCV

    try:
        missing, damaged = _compare(run, "thumbnails", rows, thumbnails.stored_rows(), thumbnails.read)
        keypoints = thumbnails.keypoint_rows(), thumbnails.read_keypoints, is_current
        without, wrong = _compare(run, "keypoints", rows, *keypoints)
    except sqlite3.DatabaseError as error:
        yield Problem("thumbnails", f"the file cannot be read ({error})", REPAIR_HINT, True, str(thumbnails.path))
        return
    run.checked["thumbnails"] = len(rows) - missing
    wanted = options.get("thumbnails", True)
    if damaged:
        text = f"{damaged:,} of {len(rows) - missing:,} thumbnails are not what was written"
        yield Problem("thumbnails", text, REPAIR_HINT, True, str(thumbnails.path))
    if missing and not thumbnails.path.exists() and wanted:
        yield Problem("thumbnails", "the file is missing", REPAIR_HINT, True, str(thumbnails.path))
        return
    if missing and wanted:
        run.checked["thumbnails_missing"] = missing
        run.notes.append(f"{missing:,} panels have no thumbnail; `panelseek verify --repair` draws them")
    if wrong:
        text = f"the keypoints of {wrong:,} thumbnails are not what was written"
        yield Problem("thumbnails", text, REPAIR_HINT, True, str(thumbnails.path))
    if without > missing and wanted and options.get("keypoints", True):
        run.checked["keypoints_missing"] = without - missing
        text = f"{without - missing:,} thumbnails have no stored keypoints, so searches by image take longer"
        run.notes.append(f"{text}; `panelseek verify --repair` stores them")


def _compare(
    run: Verification,
    what: str,
    rows: Sequence[int],
    stored: set[int],
    read: _Read,
    usable: Callable[[bytes], bool] = bool,
) -> tuple[int, int]:
    """Return how many rows have none that is usable, and how many are not what was written."""
    report = StageProgress(run.progress, f"comparing {what}", what, len(rows))
    damaged = missing = 0
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        present = [row for row in block if row in stored]
        intact = read(present)
        damaged += len(present) - len(intact)
        missing += len(block) - len(present) + sum(not usable(content) for content in intact.values())
        report(min(start + _BLOCK, len(rows)))
    return missing, damaged
