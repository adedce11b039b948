"""Real comics: all books can be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from index_builder.annotations import read_annotation
from index_builder.panels import detect_panels
from index_builder.sources import BookRef, find_books
from retrieval.books import read_page
from retrieval.images.decode import open_image


def test_every_book_opens_and_first_pages_have_sensible_panels(real_comics: Path) -> None:
    """No book is skipped; the first page of each decodes, and its boxes lie on it."""
    found = list(find_books(real_comics))
    assert found
    assert all(isinstance(book, BookRef) for book in found)
    for book in found:
        assert isinstance(book, BookRef)
        page = np.asarray(open_image(read_page(book.path, book.pages[0].name)))
        height, width = page.shape[:2]
        assert all(box.on_page(width, height) == box for box in detect_panels(page).boxes)
        for ref in book.pages:
            if ref.annotation:
                size = open_image(read_page(book.path, ref.name)).size if ref.number == 1 else None
                annotation = read_annotation(read_page(book.path, ref.annotation), *(size or (10_000, 10_000)))
                assert size is None or annotation.warnings == ()
