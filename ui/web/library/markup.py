"""The tab `library` as HTML."""

from __future__ import annotations

from ui.output.tables import EVALUATION_HINTS, PROVISIONAL
from ui.web.library.handlers import SORTS, BookList, IndexDetails, OpenBook
from ui.web.search.form import VIEW_NAMES
from ui.web.shell.templating import render

_SORT_NAMES = {"title": "Title", "pages": "Most pages", "panels": "Most panels", "dialogue": "Most dialogue"}
_DATE_CHARS = 10  # of a time such as 2026-01-31T12:00:00


def library() -> str:
    """Return the tab: a form to find and sort books, and the places of the books and of the index."""
    return render("library/library.html", sorts=[(name, _SORT_NAMES[name]) for name in SORTS])


def books(books: BookList) -> str:
    """Return how many books match, their covers, and a button for the next batch."""
    return render("library/books.html", list=books)


def open_book(book: OpenBook) -> str:
    """Return the pages of a book with links to their panels."""
    return render("library/book.html", open=book, book=book.book)


def no_book(problem: str) -> str:
    """Return why a book is not shown, and the link back to all books."""
    return render("library/no_book.html", problem=problem)


def index_details(details: IndexDetails) -> str:
    """Return the index at the foot of the library: encoder, search accuracy, skipped files."""
    name = str(details.encoder.get("name", "unknown"))
    provisional = details.encoder.get("provisional")
    return render(
        "library/index.html",
        details=details,
        encoder=name,
        note=PROVISIONAL if provisional else EVALUATION_HINTS.get(name, ""),
        built=details.built[:_DATE_CHARS],
        view_names=VIEW_NAMES,
    )
