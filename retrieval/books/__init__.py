"""Read the bytes of a page out of its book, a folder or a file, without ever leaving the book.

Each family of book files has one module in `formats`; the format is detected by the first bytes of a file. Members are
read in memory, within limits on count, bytes, expansion and pixels (`ReadLimits`). Building and searching share these
rules, because the pages that a build finds must be readable later.
"""

from __future__ import annotations

from retrieval.books.container import Container, Entry
from retrieval.books.detect import (
    HEAD,
    BookFormat,
    describe_other_format,
    detect_file,
    detect_format,
    is_compressed_tar,
)
from retrieval.books.joined_pages import JoinedPage, parse_joined
from retrieval.books.limits import DEFAULT_LIMITS, ReadLimits
from retrieval.books.names import (
    escapes,
    is_bin,
    is_book_file,
    is_junk,
    is_page,
    is_unsupported_image,
    page_name,
    sidecar_names,
    suffix_of,
)
from retrieval.books.open_books import open_container
from retrieval.books.order import natural_key
from retrieval.books.pages import read_page

__all__ = [
    "DEFAULT_LIMITS",
    "HEAD",
    "BookFormat",
    "Container",
    "Entry",
    "JoinedPage",
    "ReadLimits",
    "describe_other_format",
    "detect_file",
    "detect_format",
    "escapes",
    "is_bin",
    "is_book_file",
    "is_compressed_tar",
    "is_junk",
    "is_page",
    "is_unsupported_image",
    "natural_key",
    "open_container",
    "page_name",
    "parse_joined",
    "read_page",
    "sidecar_names",
    "suffix_of",
]
