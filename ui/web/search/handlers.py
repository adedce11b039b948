"""What the page does, without the page: plain values in, plain records out. No Gradio, no HTML.

Nothing here remembers anybody's question: whoever asks brings it along, so two people never share one.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from PIL import Image

from retrieval.catalog import BookSummary
from retrieval.errors import PanelseekError, PictureError, SourceError, UsageError
from retrieval.index import PanelIndex
from retrieval.pictures import open_picture
from retrieval.records import Panel, View
from retrieval.search import Query, Why
from ui.answers import hit_as_dict

log = logging.getLogger("panelseek.page")

COUNTS = (12, 24, 48, 96)
"""How many hits a person may ask for at a time."""

MOST_HITS = 480
"""`More results` stops here: nobody looks at more, and every one is a picture to send."""

MAX_UPLOAD_BYTES = 50 * 2**20
MAX_UPLOAD_PIXELS = 120_000_000
MAX_WORDS = 2_000
"""Letters of a question that are looked at; the encoder reads 128 tokens anyway."""

_SAMPLES = 8
_SUGGESTIONS = 5
_LOOKED_AT = 60
_GOOD_LINE = re.compile(r"(?=.{12,44}$)[^\W\d_][\w'’,-]*( [\w'’,-]+){2,7}[.!?]*")  # noqa: RUF001


# ------------------------------------------------------------------- questions


@dataclass(frozen=True, slots=True)
class Question:
    """One search as a person put it; small and plain, so that a session can keep it.

    picture: where the upload lies on this machine. view: None lets the question decide. book: a book's id.
    words: "any", "with" or "without" dialogue. panel: more like this panel, instead of text and picture.
    """

    text: str = ""
    picture: str | None = None
    panel: int | None = None
    view: str | None = None
    book: int | None = None
    words: str = "any"
    one_per_page: bool = False
    count: int = 24

    @property
    def empty(self) -> bool:
        return self.panel is None and self.picture is None and not self.text.strip()

    @property
    def narrowed(self) -> bool:
        """Whether a filter keeps panels out."""
        return self.book is not None or self.words != "any"


@dataclass(frozen=True, slots=True)
class Card:
    """One hit as it is shown."""

    rank: int
    score: float
    panel: Panel
    why: Why
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to a question: its cards, how many panels were searched, and how long that took."""

    question: Question
    view: View
    cards: tuple[Card, ...]
    searched: int
    seconds: float
    more: bool
    like: Panel | None = None
    book: str | None = None


def ask(index: PanelIndex, question: Question, shown: int | None = None) -> Results:
    """Search, for the first `shown` hits (default: as many as the question wants).

    Raises `PanelseekError` for a question that makes no sense or a picture that cannot be read.
    """
    index.refresh()
    k = min(shown or question.count, MOST_HITS)
    book = _book(index, question.book)
    query = _query(question, book, k + 1)  # one more than shown tells whether there are more
    started = time.perf_counter()
    hits = index.search_many([query])[0]
    seconds = time.perf_counter() - started
    return Results(
        question=question,
        view=query.chosen_view(),
        cards=tuple(Card(hit.rank, hit.score, hit.panel, hit.why, hit.words) for hit in hits[:k]),
        searched=_searched(index, query.chosen_view()),
        seconds=seconds,
        more=len(hits) > k and k < MOST_HITS,
        like=None if question.panel is None else index.panel(question.panel),
        book=None if book is None else book.title,
    )


def search_panels(index: PanelIndex, question: Question) -> dict[str, Any]:
    """The same search as one JSON object, as `panelseek search --json` prints it."""
    results = ask(index, question)
    return {
        "query": {"text": question.text.strip() or None, "picture": question.picture is not None},
        "view": str(results.view),
        "hits": [hit_as_dict(card) for card in results.cards],
    }


def _query(question: Question, book: BookSummary | None, k: int) -> Query:
    if question.empty:
        raise UsageError("Type some words, or add a picture: there is nothing to search for yet.")
    where: dict[str, Any] = {}
    if book is not None:
        where["book_id"] = book.id
    if question.words != "any":
        where["has_dialogue"] = question.words == "with"
    return Query(
        text=question.text[:MAX_WORDS].strip() or None,
        image=None if question.picture is None else read_upload(question.picture),
        panel=question.panel,
        view=question.view,
        where=where,
        k=k,
        per_page=1 if question.one_per_page else None,
        include_self=False,
    )


def _book(index: PanelIndex, book_id: int | None) -> BookSummary | None:
    """The chosen book. Ids travel, not paths: a page has no business knowing where comics lie."""
    if book_id is None:
        return None
    for book in index.books():
        if book.id == book_id:
            return book
    raise UsageError("This book is no longer in the index: choose another one.")


def read_upload(path: str) -> Image.Image:
    """An uploaded picture, decoded within the page's bounds. Raises `PictureError` without naming any path."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_UPLOAD_BYTES + 1)
    except OSError:
        raise PictureError("The picture is no longer here (uploads are kept for an hour): add it again.") from None
    try:
        return open_picture(data, max_pixels=MAX_UPLOAD_PIXELS, max_bytes=MAX_UPLOAD_BYTES)
    except PictureError as error:
        # the way out that the command line offers is no way out on a page
        said = str(error).split(" (raise it with", 1)[0]
        raise PictureError(f"This picture cannot be used: {said}.") from error


# ---------------------------------------------------------------- chosen panel


@dataclass(frozen=True, slots=True)
class Place:
    """A panel on the picture of its page: left, top, width and height in percent, cut at the page's edge."""

    panel: int
    number: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """A panel on its page; `size` is the page's, in pixels."""

    panel: Panel
    size: tuple[int, int]
    places: tuple[Place, ...]
    previous: int | None
    following: int | None
    of: int


def choose(index: PanelIndex, panel_id: object) -> Chosen:
    """A panel, its page, and the panels before and after. The id comes from a browser, so it may be anything.

    Raises `UsageError` when the index has no such panel.
    """
    panel = index.panel(checked_id(panel_id))
    panels = index.page_panels(panel.page_id)
    order = [p.id for p in panels]
    at = order.index(panel.id)
    return Chosen(
        panel=panel,
        size=(panel.page_width, panel.page_height),
        places=tuple(place for p in panels if (place := _place(p))),
        previous=order[at - 1] if at > 0 else None,
        following=order[at + 1] if at + 1 < len(order) else None,
        of=len(order),
    )


def checked_id(value: object) -> int:
    """A panel id from a browser as a number; raises `UsageError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        raise UsageError("That is not a panel of this index.")
    number = int(str(value)[:20])
    if number >= 2**63:
        raise UsageError("That is not a panel of this index.")
    return number


def _place(panel: Panel) -> Place | None:
    width, height = panel.page_width, panel.page_height
    box = panel.box.on_page(width, height)
    if box is None:
        return None
    return Place(
        panel.id,
        panel.panel,
        100 * box.x / width,
        100 * box.y / height,
        100 * box.w / width,
        100 * box.h / height,
    )


# --------------------------------------------------------------------- library


@dataclass(frozen=True, slots=True)
class Library:
    """The index at a glance: counts, encoder, books as (title, id), a few panels and lines to try."""

    books: int
    pages: int
    panels: int
    with_words: int
    encoder: str
    provisional: bool
    titles: tuple[tuple[str, int], ...]
    samples: tuple[Card, ...]
    suggestions: tuple[str, ...]


def library(index: PanelIndex) -> Library:
    """What is in the index; remembered per generation, since counting millions of panels takes a while."""
    return _library(index, index.generation.number)


@lru_cache(maxsize=2)
def _library(index: PanelIndex, generation: int) -> Library:
    info = index.info()
    encoder = info["encoder"] or {}
    books = index.books()
    samples = _samples(index, books)
    return Library(
        books=info["books"],
        pages=info["pages"],
        panels=info["panels"],
        with_words=info["panels_with_dialogue"],
        encoder=encoder.get("name", "unknown"),
        provisional=bool(encoder.get("provisional")),
        titles=_titles(books),
        samples=tuple(Card(0, 0.0, p, "picture", ()) for p in samples),
        suggestions=tuple(_suggestions(index, books)),
    )


def _titles(books: list[BookSummary]) -> tuple[tuple[str, int], ...]:
    """(title, id); books of the same title are told apart by their place among them."""
    seen: dict[str, int] = {}
    titles = []
    for book in books:
        seen[book.title] = seen.get(book.title, 0) + 1
        again = f" ({seen[book.title]})" if seen[book.title] > 1 else ""
        titles.append((f"{book.title}{again}", book.id))
    return tuple(titles)


def _samples(index: PanelIndex, books: list[BookSummary]) -> list[Panel]:
    """One talking panel from the middle of each of some books, spread over the library."""
    filled = [book for book in books if book.panels]
    step = max(1, len(filled) // _SAMPLES)
    rounds = max(1, _SAMPLES // len(filled[::step])) if filled else 0
    found: dict[int, Panel] = {}
    for book in filled[::step]:
        for part in range(rounds):
            at = book.panels * (2 * part + 1) // (2 * rounds + 1)
            panels = index.browse({"book_id": book.id, "has_dialogue": True}, k=1, offset=at // 2)
            found.update((p.id, p) for p in panels or index.browse({"book_id": book.id}, k=1, offset=at))
    return list(found.values())[:_SAMPLES]


def _suggestions(index: PanelIndex, books: list[BookSummary]) -> list[str]:
    """Short whole lines of dialogue that make good first questions, from each of some books in turn."""
    rounds = zip_longest(*(_good_lines(index, book) for book in books[:_SAMPLES]))
    lines = dict.fromkeys(line for some in rounds for line in some if line)
    return list(lines)[:_SUGGESTIONS]


def _good_lines(index: PanelIndex, book: BookSummary) -> list[str]:
    """Two lines of a book that say enough to be looked for, not its very first."""
    panels = index.browse({"book_id": book.id, "has_dialogue": True}, k=_LOOKED_AT)
    lines = (" ".join(line.split()) for panel in panels for line in panel.dialogue.splitlines())
    good = [line for line in lines if _GOOD_LINE.fullmatch(line)]
    return good[len(good) // 3 :: max(1, len(good) // 2)][:2]


def _searched(index: PanelIndex, view: View) -> int:
    counts = library(index)
    return counts.with_words if view is View.DIALOGUE else counts.panels


# ---------------------------------------------------------------------- errors


def friendly(error: PanelseekError) -> str:
    """One sentence for the person at the page. Details that name places on this machine stay in the log."""
    if isinstance(error, UsageError | PictureError):
        return sentence(str(error))
    if isinstance(error, SourceError):
        return "The comics of this panel cannot be read just now: were they moved, or is their drive missing?"
    log.error("%s: %s", type(error).__name__, error)
    return "The index cannot be searched just now. Whoever started the server finds the reason in its log."


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
