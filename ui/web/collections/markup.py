"""The tab `collections` and the list of collections for one panel as HTML."""

from __future__ import annotations

from retrieval.collections import KeptPanel
from retrieval.collections.store import MAX_NAME
from ui.web.collections.export import MEDIA_TYPES
from ui.web.collections.handlers import Choices, CollectionList, OpenCollection
from ui.web.search.cards import Card
from ui.web.shell.addresses import make_address
from ui.web.shell.templating import render


def collections() -> str:
    """Return the tab with a place for the collections, and its dialogs."""
    return render("collections/collections.html", max_name=MAX_NAME)


def choices(found: Choices) -> str:
    """Return the collections for a panel with check marks."""
    return render("collections/choices.html", found=found)


def covers(found: CollectionList) -> str:
    """Return the number of collections, and each with its first panels."""
    return render("collections/covers.html", found=found)


def open_collection(opened: OpenCollection) -> str:
    """Return the panels of a collection as cards; those that are gone are named."""
    return render(
        "collections/collection.html",
        opened=opened,
        here=make_address(tab="collections", open=opened.name),
        members=[(kept, Card(kept.panel) if kept.panel else None) for kept in opened.members],
        place=_place,
        endings=MEDIA_TYPES,
    )


def _place(kept: KeptPanel) -> str:
    """Return a panel in words, as it is now or as it was kept."""
    member, panel = kept.member, kept.panel
    book, page, number = (
        (panel.book, panel.page_number, panel.number) if panel else (member.book, member.page, member.number)
    )
    return f"panel {number} on page {page} of {book}"


def no_collection(problem: str) -> str:
    """Return why a collection is not shown, and the link back to all."""
    return render("collections/no_collection.html", problem=problem)
