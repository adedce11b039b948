"""Find the books of a source: folders that directly hold page images, and archives.

`find_books` walks in natural order and yields one book at a time; whatever looks like comics but
cannot be read is yielded as `Skipped`, with a reason a person can act on.
"""

from __future__ import annotations

from index_builder.sources.books import BookRef, PageRef, Skipped
from index_builder.sources.listings import Listings
from index_builder.sources.strips import fingerprint, may_join, strip_pages, with_joined
from index_builder.sources.walk import find_books

__all__ = [
    "BookRef",
    "Listings",
    "PageRef",
    "Skipped",
    "find_books",
    "fingerprint",
    "may_join",
    "strip_pages",
    "with_joined",
]
