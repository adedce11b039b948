"""Discovery of the books of a source: book files, and folders that directly contain page images.

`find_books` walks a source in natural order and yields one book at a time. Comics that cannot be read are yielded as
`Skipped`, with the reason.
"""

from __future__ import annotations

from index_builder.sources.books import BookRef, PageRef, Skipped, error_reason
from index_builder.sources.listings import Listings
from index_builder.sources.strips import joined_page_names, may_join, strip_fingerprint, with_joined_pages
from index_builder.sources.walk import find_books

__all__ = [
    "BookRef",
    "Listings",
    "PageRef",
    "Skipped",
    "error_reason",
    "find_books",
    "joined_page_names",
    "may_join",
    "strip_fingerprint",
    "with_joined_pages",
]
