"""Removal of a source from an index: its books, pages, panels, text, thumbnails and vectors. The comics stay.

One transaction removes it. After a crash, the next build purges the data that no panel names.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index_builder.write import (
    CatalogWriter,
    WritableIndex,
    current_generation,
    next_generation,
    purge_unnamed,
    writer_lock,
)
from retrieval.errors import UsageError
from retrieval.names import composed
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url, existing_index
from retrieval.values import path_argument


@dataclass(frozen=True, slots=True)
class SourceContent:
    """Counts of one source in an index, missing pages included."""

    source: str
    books: int
    pages: int
    panels: int

    def as_dict(self) -> dict[str, Any]:
        """Return the counts ready for JSON."""
        return asdict(self)


def source_content(source: str | Path, index: str | Path) -> SourceContent:
    """Return the content that `remove_source` would remove; raises the same errors."""
    folder = existing_index(index).absolute()
    with Catalog.open(catalog_url(folder)) as catalog:
        return _content(catalog, folder, source)


def remove_source(source: str | Path, index: str | Path) -> SourceContent:
    """Remove a source from the index in folder `index`; return its content.

    Raises `UsageError` if the index has no such source, `IndexMissing` if there is no index, `IndexLocked` if a build
    is writing.
    """
    folder = existing_index(index).absolute()
    with writer_lock(folder), CatalogWriter.create(catalog_url(folder)) as catalog:
        opened = WritableIndex(folder, catalog)
        content = _content(catalog, folder, source)
        catalog.remove_source(Path(content.source))
        next_generation(opened, current_generation(folder, catalog))
        purge_unnamed(folder, catalog, opened.vectors)
        catalog.checkpoint()
    return content


def _content(catalog: Catalog, folder: Path, source: str | Path) -> SourceContent:
    """Return the content of the source with this path, as it is written or as it resolves."""
    sources = catalog.library.sources()
    requested = path_argument("the source", source)
    spellings = requested.resolve(), Path(os.path.abspath(requested))  # noqa: PTH100 (links stay)
    by_name = {composed(str(known)): known for known in sources} | {str(known): known for known in sources}
    keys = (key for spelling in spellings for key in (str(spelling), composed(str(spelling))))
    path = next((by_name[key] for key in keys if key in by_name), None)
    if path is None:
        listed = "its sources are " + ", ".join(map(str, sources)) if sources else "it has no sources"
        raise UsageError(f"the index has no source {requested}; {listed}", folder, "name one of its sources")
    return SourceContent(str(path), **catalog.library.source_counts(path))
