"""Read the bytes of a page out of its book, a folder or a file, without ever leaving the book.

Each family of book files has one module in `formats`; the format is detected by the first bytes of a file. Members are
read in memory, within limits on count, bytes, expansion and pixels (`ReadLimits`). Building and searching share these
rules, because the pages that a build finds must be readable later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "BookFormat": "detect",
    "Container": "container",
    "DEFAULT_LIMITS": "limits",
    "Entry": "container",
    "HEAD": "detect",
    "JoinedPage": "joined_pages",
    "ReadLimits": "limits",
    "describe_other_format": "detect",
    "detect_file": "detect",
    "detect_format": "detect",
    "escapes": "names",
    "is_bin": "names",
    "is_book_file": "names",
    "is_compressed_tar": "detect",
    "is_junk": "names",
    "is_page": "names",
    "is_unsupported_image": "names",
    "natural_key": "order",
    "open_container": "open_books",
    "page_name": "names",
    "parse_joined": "joined_pages",
    "read_page": "pages",
    "sidecar_names": "names",
    "suffix_of": "names",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: an index is searched by words without the readers of books."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
