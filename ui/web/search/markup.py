"""The welcome screen and the results as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ui.output.tables import EVALUATION_HINTS, PROVISIONAL
from ui.web.search.cards import Card, Results
from ui.web.search.filters import value_name
from ui.web.search.welcome import LibrarySummary
from ui.web.shell import messages
from ui.web.shell.templating import render

_SHORTEST_TIME = 0.1
"""Seconds; a shorter search is shown as this."""


def welcome(summary: LibrarySummary, notes: Sequence[str] = ()) -> str:
    """Return the library in numbers, and things to try. notes: sentences on the state of the index."""
    note = PROVISIONAL if summary.provisional else EVALUATION_HINTS.get(summary.encoder, "")
    samples = [Card(panel) for panel in summary.samples]
    return render("search/welcome.html", summary=summary, samples=samples, notes=[*notes, note] if note else notes)


def summary(results: Results, encoder: str = "") -> str:
    """Return the summary of a search: the query, the number of panels searched, and the time."""
    return render(
        "search/summary.html",
        results=results,
        state=results.state,
        book=_book(results),
        notes=_notes(results, encoder),
        shown_seconds=f"{max(_SHORTEST_TIME, results.seconds):.1f}",
    )


def _book(results: Results) -> tuple[str, bool] | None:
    """Return the name of the book filter, and whether it is a pattern."""
    books = results.state.where.get("book", ())
    if not books:
        return None
    name, more = value_name("book", books[0]), len(books) - 1
    return name + (f" and {more} more" if more else ""), name != books[0]


def _notes(results: Results, encoder: str) -> list[str]:
    state = results.state
    text_only = bool(state.text.strip()) and state.upload is None and state.like is None
    notes = [messages.UPLOAD_NOT_IN_LINK] if state.upload_lost else []
    if text_only and state.view in ("picture", "any") and not searches_artwork(encoder):
        notes.append(messages.NO_ARTWORK_SEARCH)
    return [*notes, *results.notes]


def searches_artwork(encoder: str) -> bool:
    """Return True if an encoder can compare text with artwork."""
    return encoder != "small"


def cards(results: Results, current: str, thumbnails: Mapping[int, bytes] | None = None) -> str:
    """Return the results as list items. current: the address that they open from.

    thumbnails: WebP bytes by panel id, to be sent along instead of fetched.
    """
    group = results.state.group
    return render("search/cards.html", cards=results.cards, current=current, group=group, thumbnails=thumbnails or {})


def end(results: Results) -> str:
    """Return a line below the last result if the list ends before the results do, else ""."""
    return render("search/end.html", results=results) if results.truncated else ""


def no_results(results: Results) -> str:
    """Return the message in place of the results if there are none."""
    return render("search/no_results.html", filtered=bool(results.state.where))


def upload_lost() -> str:
    """Return the message in place of the results if the query was only an upload, which a link cannot carry."""
    return render("search/upload_lost.html", text=messages.UPLOAD_NOT_IN_LINK)
