"""Deriving: write the next generation where something changed, switch to it, and clean up."""

from __future__ import annotations

import time
from typing import Any

from index_builder.write.generation_writer import prune_generations, write_generation
from index_builder.write.purge import purge_unnamed
from index_builder.write.store import WritableIndex, current_generation
from retrieval.errors import IndexError_
from retrieval.progress import ProgressCallback, no_progress
from retrieval.store.generation import Generation, open_generation
from retrieval.store.settings import BuildRecord


def derive_generation(index: WritableIndex, options: dict[str, Any], progress: ProgressCallback) -> int:
    """Publish what changed, erase what waits for it, and return the number of the current generation."""
    current = publish_generation(index, options, progress)
    if index.catalog.settings().purge_pending:
        purge_unnamed(index.folder, index.catalog, index.vectors)  # the removal of a source was interrupted
    index.catalog.checkpoint()
    return current


def publish_generation(index: WritableIndex, options: dict[str, Any], progress: ProgressCallback) -> int:
    """Write the next generation if the current one is stale, damaged or of another type; return the current number.

    options: of the build, as `BuildOptions.as_dict`. Whether something changed is read from the catalog, since an
    earlier build may have been stopped just before this.
    """
    settings = index.catalog.settings()
    current = settings.generation
    if current is None or settings.generation_stale or not _is_current(index, current, options["index_kind"]):
        base = current_generation(index.folder, index.catalog)
        current = (current or 0) + 1
        kind = options["index_kind"]
        write_generation(index.folder, current, index.catalog, index.vectors, kind, base, progress)
        record = BuildRecord(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), options)
        index.catalog.switch_generation(current, last_build=record)
    prune_generations(index.folder, current)
    return current


def next_generation(index: WritableIndex, base: Generation | None = None) -> dict[str, Any]:
    """Write a new generation of the type that the last build chose, switch to it, and return its manifest.

    base: the generation whose FAISS indexes are updated; without one everything is made from catalog and vectors.
    """
    settings = index.catalog.settings()
    number = (settings.generation or 0) + 1
    index_type = settings.build_options.get("index_kind", "auto")
    manifest = write_generation(index.folder, number, index.catalog, index.vectors, index_type, base, no_progress)
    index.catalog.switch_generation(number)
    prune_generations(index.folder, number)
    return manifest


def _is_current(index: WritableIndex, number: int, index_type: str) -> bool:
    """Return True if the generation opens and is of the requested type."""
    try:
        open_generation(index.folder, number)
    except IndexError_:
        return False
    return index_type in ("auto", index.catalog.settings().build_options.get("index_kind"))
