"""Books to train on and books to validate on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from retrieval.errors import UsageError


def validation_books(books: Sequence[str], share: float, seed: int) -> frozenset[str]:
    """Return whole books with at most `share` of the pages, at least one book; none if the share is 0.

    `books` is the book of every page. The choice follows from the names and the seed alone. The pages of a book look
    alike, so a page whose book is trained on says little about new books.
    Raises `UsageError` if there is no second book.
    """
    pages = Counter(books)
    if not share:
        return frozenset()
    if len(pages) < 2:
        raise UsageError(
            f"there are {len(pages)} books to train on; expected two or more, one to validate on",
            hint="add an index, or train without validation: --validation-fraction 0",
        )
    order = sorted(pages, key=lambda book: hashlib.sha256(f"{seed}/{book}".encode("utf-8", "replace")).digest())
    chosen: set[str] = set()
    room = share * len(books)
    for book in order[:-1]:
        if pages[book] <= room:
            chosen.add(book)
            room -= pages[book]
    return frozenset(chosen or {min(order, key=lambda book: pages[book])})
