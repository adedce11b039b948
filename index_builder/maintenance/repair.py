"""Repair: encode damaged vectors again, and make everything derived again, under the writer lock."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from index_builder.maintenance.encode_again import encode_damaged
from index_builder.write import (
    CatalogWriter,
    WritableIndex,
    mend_catalog,
    next_generation,
    purge_unnamed,
    writer_lock,
)
from retrieval.encoder.protocol import Encoder
from retrieval.encoder.runtime.int8_ranges import restore_ranges
from retrieval.errors import IndexDamaged, PanelseekError
from retrieval.images.keypoints import is_current, pack_thumbnail_keypoints
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.index import PanelIndex
from retrieval.progress import ProgressCallback, StageProgress, no_progress
from retrieval.search.index_encoder import check_fingerprint, given_encoder, load_recorded, missing_record
from retrieval.store.catalog.database import location
from retrieval.store.hints import RESTORE_HINT
from retrieval.store.layout import catalog_url, existing_index
from retrieval.store.thumbnails import Thumbnails

log = logging.getLogger("panelseek")

_KEYPOINTS_PER_COMMIT = 500
"""Thumbnails whose keypoints are stored at once: 10 MB, found in some two seconds."""

_BLOCK = 1_000
"""Thumbnails or keypoints read at once: some 20 MB."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The result of `repair_index`, each a line for a person.

    - rebuilt: derived parts that were made again.
    - encoded_again: panels that were encoded again from their comics, because their vectors were damaged.
    - removed: damaged rows of the catalog, whose pages the next build reads again.
    - not_repaired: panels without vectors, because their comics cannot be read. They are left out of the search.
    """

    rebuilt: tuple[str, ...]
    encoded_again: tuple[str, ...]
    removed: tuple[str, ...]
    not_repaired: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return asdict(self)


def repair_index(
    index: str | Path,
    *,
    encoder: Encoder | str | Path | None = None,
    device: str | None = None,
    progress: ProgressCallback = no_progress,
) -> RepairReport:
    """Encode panels with damaged vectors again, and rebuild full text, generation and thumbnails.

    encoder: the one that built the index, or its weight file; without it, it is found and loaded on `device` if it is
    needed. Damaged rows of the catalog are removed; the next build reads their pages again. Raises `IndexDamaged` for a
    catalog that cannot be repaired, `EncoderMismatch` or `CheckpointError` for an encoder that cannot be used.
    """
    folder = existing_index(index).absolute()
    with writer_lock(folder), CatalogWriter.open(catalog_url(folder)) as catalog:
        removed = mend_catalog(catalog, folder)
        catalog.rebuild_full_text()
        _check_catalog(catalog)
        opened = WritableIndex(folder, catalog)
        record = catalog.settings().encoder
        restored = record is not None and record.int8 and restore_ranges(folder, record.int8)
        load = cache(lambda: _encoder(opened, encoder, device))
        basis = bool(opened.vectors.damaged_basis()) and opened.restore_basis(load())
        opened.vectors.pad(catalog.panels.last_vector_row() + 1)
        again = encode_damaged(opened, load, progress)
        manifest = next_generation(opened)
        named = catalog.panels.last_vector_row() + 1  # the earlier generation may have named rows beyond
        opened.vectors.truncate(named)
        opened.thumbnails.truncate(named)
        erased = purge_unnamed(folder, catalog, opened.vectors)
        thumbnails, keypoints = _restore_thumbnails(folder, progress)
        catalog.checkpoint()
    views = ", ".join(f"{name} ({view['panels']} panels)" for name, view in manifest["views"].items())
    rebuilt = ["full text of the dialogue", f"generation {manifest['generation']}: {views}", f"{thumbnails} thumbnails"]
    rebuilt += [f"keypoints of {keypoints} thumbnails"] if keypoints else []
    rebuilt += ["ranges of int8"] if restored else []
    rebuilt += [f"disk space: {erased} vectors without a panel erased"] if erased else []
    rebuilt += ["basis of the region vectors"] if basis else []
    return RepairReport(tuple(rebuilt), tuple(again.encoded), tuple(removed), tuple(again.left_out))


def _check_catalog(catalog: CatalogWriter) -> None:
    """Raise `IndexDamaged` for a database that SQLite still finds damaged."""
    faults = catalog.check()
    if faults:
        raise IndexDamaged(f"the catalog cannot be repaired ({faults[0]})", location(catalog.engine), RESTORE_HINT)


def _encoder(index: WritableIndex, given: Encoder | str | Path | None, device: str | None) -> Encoder:
    """Return the encoder that built the index. Raises `EncoderMismatch` for another one."""
    built_by = index.catalog.settings().encoder
    if built_by is None:
        raise missing_record(index.folder)
    encoder = given_encoder(given, built_by, index.folder, device)
    if encoder is None:
        return load_recorded(built_by, index.folder, device)
    check_fingerprint(encoder, built_by, index.folder)
    return encoder


def _restore_thumbnails(folder: Path, progress: ProgressCallback) -> tuple[int, int]:
    """Return how many thumbnails were drawn again, and of how many the keypoints were stored."""
    drawn = _draw_thumbnails(folder, progress)
    try:
        return drawn, _store_keypoints(folder, progress)
    except sqlite3.DatabaseError:  # the pages with keypoints are damaged: the file is begun anew
        Thumbnails(folder).clear()
        return _draw_thumbnails(folder, progress), _store_keypoints(folder, progress)


def _draw_thumbnails(folder: Path, progress: ProgressCallback) -> int:
    """Draw missing and damaged thumbnails again, except those whose comics cannot be read; return their number."""
    store = Thumbnails(folder)
    drawn = 0
    with PanelIndex.open(folder) as index:
        places = index.catalog.panels.vector_places()
        intact = _intact_rows(store, places.rows.tolist())
        missing = [i for i, row in zip(places.ids.tolist(), places.rows.tolist(), strict=True) if row not in intact]
        report = StageProgress(progress, "drawing thumbnails", "thumbnails", len(missing))
        for place, panel in enumerate(index.catalog.panels.get(missing).values()):
            try:
                store.put([(panel.vector_row, encode_thumbnail(index.panel_image(panel)))])
                drawn += 1
            except PanelseekError as error:
                log.warning("no thumbnail for panel %d: %s", panel.id, error)
            report(place + 1)
    return drawn


def _store_keypoints(folder: Path, progress: ProgressCallback) -> int:
    """Store the keypoints of thumbnails where they are missing, damaged or of another version; return their number."""
    store, found = Thumbnails(folder), 0
    with PanelIndex.open(folder) as index:
        if not index.catalog.settings().build_options.get("keypoints", True):
            return 0
        rows = index.catalog.panels.vector_places().rows.tolist()
    drawn, stored = store.stored_rows(), store.keypoint_rows()
    intact = _usable_keypoints(store, [row for row in rows if row in stored])
    missing = [row for row in rows if row in drawn and row not in intact]
    report = StageProgress(progress, "finding keypoints", "thumbnails", len(missing))
    for start in range(0, len(missing), _KEYPOINTS_PER_COMMIT):
        block = missing[start : start + _KEYPOINTS_PER_COMMIT]
        packed = [(row, pack_thumbnail_keypoints(webp)) for row, webp in store.read(block).items()]
        store.put([], packed)
        found += len(packed)
        report(start + len(block))
    return found


def _usable_keypoints(store: Thumbnails, rows: Sequence[int]) -> set[int]:
    """Return the rows with keypoints of this version that are what was written."""
    found = (store.read_keypoints(rows[start : start + _BLOCK]) for start in range(0, len(rows), _BLOCK))
    return {row for block in found for row, packed in block.items() if is_current(packed)}


def _intact_rows(store: Thumbnails, rows: list[int]) -> set[int]:
    """Return the rows with a thumbnail that is what was written; a damaged file is deleted."""
    try:
        stored = store.stored_rows()
        blocks = (
            [row for row in rows[start : start + _BLOCK] if row in stored] for start in range(0, len(rows), _BLOCK)
        )
        return {row for block in blocks for row in store.read(block)}
    except sqlite3.DatabaseError:
        store.clear()
        return set()
