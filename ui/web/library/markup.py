"""The view `library` as HTML."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from ui.output.tables import MEASURED, PROVISIONAL
from ui.web.library.handlers import SORTS, About, Book, OpenBook, OpenPage, Shelf
from ui.web.shell.markup import VIEW_NAMES, notice, plural

ALL_BOOKS = '<p class="back"><a class="quiet-link" href="?view=library">← All books</a></p>'


def shelf(found: Shelf) -> str:
    """How many books fit, their covers, and the way to more."""
    fitting = f" for <q>{escape(found.text)}</q>" if found.text else ""
    heading = f'<h3 role="status">{found.found:,} {plural(found.found, "book")}{fitting}</h3>'
    if not found.books:
        return f'{heading}<section class="nothing"><p>No title has these letters.</p></section>'
    return f'{heading}<ol class="books">{"".join(_book(book) for book in found.books)}</ol>{_more(found.following)}'


def _more(following: int | None) -> str:
    if following is None:
        return ""
    return f'<p class="more"><button type="button" class="button" data-start="{following}">More</button></p>'


def _book(book: Book) -> str:
    summary = book.summary
    return (
        f'<li><a class="book-card" href="{_address(open=summary.id)}">{_cover(book.cover.page_id)}'
        f'<span class="book">{escape(summary.title)}</span><span class="place">{_counts(book)}</span></a></li>'
    )


def _cover(page_id: int) -> str:
    """A page as large as a cover; its name stands beside it, so that it has none of its own."""
    source = f"pictures/page/{page_id}?side=480"
    return f'<span class="cover"><img src="{source}" alt="" loading="lazy" decoding="async"></span>'


def _counts(book: Book) -> str:
    pages, panels, words = book.summary.pages, book.summary.panels, book.cover.with_words
    said = f"{words:,} with words" if words else "no words"
    return f"{pages:,} {plural(pages, 'page')} · {panels:,} {plural(panels, 'panel')} · {said}"


def _address(**parts: object) -> str:
    return escape("?" + urlencode({"view": "library", **parts}))


def controls() -> str:
    """Search among the books, and their order."""
    names = {"title": "Title", "pages": "Most pages", "panels": "Most panels", "words": "Most words"}
    options = "".join(f'<option value="{sort}">{names[sort]}</option>' for sort in SORTS)
    return (
        '<form class="shelf-form" role="search"><label>Find a book <input type="search" name="find" maxlength="200">'
        f'</label><label>Order <select name="sort">{options}</select></label></form>'
    )


# ------------------------------------------------------------------ one book


def open_book(found: OpenBook) -> str:
    """The pages of a book, each with the way to its panels."""
    summary = found.book.summary
    where = f'<p class="place">{escape(summary.path)}</p>' if summary.path not in ("", summary.title) else ""
    search = escape("?" + urlencode({"book": summary.title}))
    return (
        f'{ALL_BOOKS}<h3 tabindex="-1">{escape(summary.title)}</h3>'
        f'{where}<p class="place of-book">{_counts(found.book)} · '
        f'<a class="quiet-link" href="{search}">Search in this book</a></p>'
        f'<ol class="pages">{pages(found)}</ol>{_more(found.following)}'
    )


def no_book(problem: str) -> str:
    """Why a book is not shown, and the way back to the others."""
    return ALL_BOOKS + notice(problem)


def pages(found: OpenBook) -> str:
    return "".join(_open_page(found, page) for page in found.pages)


def _open_page(found: OpenBook, page: OpenPage) -> str:
    name = f"Page {page.number}"
    if not page.panels:
        return f'<li>{_cover(page.id)}<span class="place">{name}, no panels</span></li>'
    panels = "".join(
        f'<li><a href="{_address(open=found.book.summary.id, panel=panel.id)}"'
        f' aria-label="{name}, panel {panel.number}">{panel.number}</a></li>'
        for panel in page.panels
    )
    first = _address(open=found.book.summary.id, panel=page.panels[0].id)
    return (
        f'<li><a class="book-card" href="{first}" aria-label="{name} of {escape(found.book.summary.title)}">'
        f'{_cover(page.id)}</a><span class="place">{name}</span>'
        f'<ol class="panel-links" aria-label="Panels of page {page.number}">{panels}</ol></li>'
    )


# --------------------------------------------------------------- the index


def about(found: About) -> str:
    """The index at the foot of the library: encoder, measured recall, what was skipped."""
    counts = found.counts
    figures = "".join(
        f"<li><strong>{counts[name]:,}</strong> {label}</li>"
        for name, label in (
            ("books", "books"),
            ("pages", "pages"),
            ("panels", "panels"),
            ("panels_with_dialogue", "with words"),
        )
    )
    gone = f"<p>{counts['gone_pages']:,} pages wait for their files to come back.</p>" if counts["gone_pages"] else ""
    return (
        f'<section class="about"><h3>About this index</h3><ul class="figures">{figures}</ul>{_encoder(found)}'
        f"{_recall(found)}{gone}{_skipped(found)}</section>"
    )


def _encoder(found: About) -> str:
    name = str(found.encoder.get("name", "unknown"))
    figures = PROVISIONAL if found.encoder.get("provisional") else MEASURED.get(name, "")
    said = f": {escape(figures)}" if figures else ""
    built = f" Built {escape(found.built[:10])}." if found.built else ""
    return f"<p>Encoder <strong>{escape(name)}</strong>{said}.{built}</p>"


def _recall(found: About) -> str:
    """What the quick search finds of what a look at every panel would."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(VIEW_NAMES.get(name, name))}</th><td>{view['panels']:,}</td>"
        f"<td>{'every panel is compared' if view['kind'] == 'exact' else _share(view['recall_at_10'])}</td></tr>"
        for name, view in found.views.items()
    )
    return (
        "<table><caption>How much of the true ten nearest a search finds, measured on this index</caption>"
        f"<thead><tr><th scope='col'>compared</th><th scope='col'>panels</th><th scope='col'>found</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _share(recall: float | None) -> str:
    return "not measured" if recall is None else f"{100 * recall:.1f} %"


def _skipped(found: About) -> str:
    if not found.skipped:
        return "<p>Nothing was skipped.</p>"
    items = "".join(f"<li><strong>{escape(path)}</strong>: {escape(why)}</li>" for path, why in found.skipped)
    more = found.skipped_in_all - len(found.skipped)
    rest = f"<li>and {more:,} more</li>" if more else ""
    return (
        f"<details><summary>{found.skipped_in_all:,} skipped when building, and why</summary>"
        f'<ul class="skipped">{items}{rest}</ul></details>'
    )
