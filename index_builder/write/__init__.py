"""Everything that writes an index. Other rooms import from here, not from the modules (an import contract)."""

from __future__ import annotations

from index_builder.write.catalog_writer import CatalogWriter
from index_builder.write.derive import derive_generation, next_generation
from index_builder.write.encode import PageWriter
from index_builder.write.generation_writer import write_generation
from index_builder.write.lock import writer_lock
from index_builder.write.mend import mend_catalog
from index_builder.write.purge import purge_unnamed
from index_builder.write.running.publish import Publisher
from index_builder.write.running.state_reports import StateReports
from index_builder.write.store import WritableIndex, current_generation

__all__ = [
    "CatalogWriter",
    "PageWriter",
    "Publisher",
    "StateReports",
    "WritableIndex",
    "current_generation",
    "derive_generation",
    "mend_catalog",
    "next_generation",
    "purge_unnamed",
    "write_generation",
    "writer_lock",
]
