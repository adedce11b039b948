"""Take a source out of an index: its books, pages, panels, words, small pictures and vectors. The comics stay.

One transaction forgets it; what a crash leaves of it after that is named by nothing and goes with the next build.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index_builder.build import current_generation, next_generation, writer_lock
from index_builder.write.catalog_writer import CatalogWriter
from index_builder.write.purge import purge
from retrieval.errors import UsageError
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url, existing_index, open_vectors


@dataclass(frozen=True, slots=True)
class SourceContent:
    """What an index holds of one source, pages that are gone included."""

    source: str
    books: int
    pages: int
    panels: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def source_content(source: str | Path, index: str | Path) -> SourceContent:
    """What `remove_source` would take away; raises as it does."""
    folder = existing_index(index).absolute()
    with Catalog.open(catalog_url(folder)) as catalog:
        return _content(catalog, folder, source)


def remove_source(source: str | Path, index: str | Path) -> SourceContent:
    """Take a source out of the index in folder `index`; returns what it held.

    Raises `UsageError` when the index has no such source, `IndexMissing` when there is no index, `IndexLocked` when
    a build is writing.
    """
    folder = existing_index(index).absolute()
    with writer_lock(folder), CatalogWriter.create(catalog_url(folder)) as catalog:
        found = _content(catalog, folder, source)
        shards = open_vectors(folder, catalog)
        catalog.remove_source(Path(found.source))
        next_generation(folder, catalog, shards, current_generation(folder, catalog))
        purge(folder, catalog, shards)
        catalog.checkpoint()
    return found


def _content(catalog: Catalog, folder: Path, source: str | Path) -> SourceContent:
    """The source that is meant, by its path as it is written or as it resolves."""
    known = catalog.library.sources()
    given = Path(source).expanduser()
    path = next((p for p in (given.resolve(), Path(os.path.abspath(given))) if p in known), None)  # noqa: PTH100
    if path is None:
        listed = "; its sources are " + ", ".join(map(str, known)) if known else ", and no other one"
        raise UsageError(f"{folder} has no source {given}{listed}")
    return SourceContent(str(path), **catalog.library.source_counts(path))
