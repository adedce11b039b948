"""What happens when, in the view `search`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from ui.web.frame.markup import notice
from ui.web.search import handlers, layout, markup
from ui.web.search.handlers import Question
from ui.web.search.layout import ANY_BOOK, Asking

Answer = tuple[str, Any, Question | None, int]
"""The results' HTML, the `More results` button, the question as asked, and how many hits are shown."""


def search_view(page: gr.Blocks, index: PanelIndex) -> None:
    """Adds the components of the view to the page."""
    asked = gr.State(None)  # the question that the results answer: small and plain, one per visitor
    shown = gr.State(0)

    asking = layout.question()
    hits, more = layout.results()
    chosen = layout.chosen_panel()
    button, answer = layout.programs()

    on = Page(index)
    button.click(on.for_programs, [asking.text, asking.picture], answer, api_name="search")
    _wire(page, on, asking, (hits, more, asked, shown), chosen)


def _wire(page: gr.Blocks, on: Page, asking: Asking, answer: tuple[Any, ...], chosen: gr.HTML) -> None:
    """What happens when. A newer search always wins over one that is still under way."""
    hits, more, asked, shown = answer
    quiet: dict[str, Any] = {"api_visibility": "private"}
    newest: dict[str, Any] = {**quiet, "trigger_mode": "always_last"}

    page.load(on.opened, None, [hits, asking.book], show_progress="hidden", **quiet)
    search = {"fn": on.search, "inputs": asking.inputs, "outputs": list(answer), "show_progress_on": hits}
    gr.on([asking.text.submit, asking.search.click, asking.picture.upload], **search, **newest)
    hits.ask(on.take, None, asking.text, show_progress="hidden", **quiet).then(**search, **newest)
    more.click(on.more, [asked, shown], list(answer), show_progress_on=more, **newest)
    for part in (hits, chosen):
        part.choose(on.choose, None, chosen, show_progress="hidden", **newest)
        part.like(on.like, [asking.count], [*answer, chosen], show_progress_on=hits, **newest)
    asking.clear.click(on.clear, None, [*asking.inputs, *answer], show_progress="hidden", **newest)


class Page:
    """The handlers as the page calls them: components' values in, components' values out, errors as sentences.

    It holds the index and nothing of anybody's questions.
    """

    def __init__(self, index: PanelIndex) -> None:
        self._index = index

    def opened(self) -> tuple[str, Any]:
        """The library at a glance, and its books to choose from."""
        library = handlers.library(self._index)
        books = [("All books", ANY_BOOK), *library.titles]
        return markup.welcome(library), gr.Dropdown(choices=books)

    def search(self, *values: Any) -> Answer:
        return self._answer(_question(*values))

    def more(self, question: Question | None, shown: int) -> Answer:
        """The same question again, for as many hits more as the person gets at a time."""
        if question is None:
            return "", gr.Button(visible=False), None, 0
        return self._answer(question, shown + question.count)

    def like(self, count: int, event: gr.EventData) -> tuple[Any, ...]:
        """More like a panel: the panel is the question. Closes the chosen panel."""
        try:
            question = Question(panel=handlers.checked_id(_detail(event, "panel")), count=_count(count))
        except PanelseekError as error:
            return (*_failed(error), "")
        return (*self._answer(question), "")

    def choose(self, event: gr.EventData) -> str:
        """A panel on its page."""
        try:
            return markup.chosen(handlers.choose(self._index, _detail(event, "panel")))
        except PanelseekError as error:
            return markup.problem(handlers.friendly(error))

    def take(self, event: gr.EventData) -> str:
        """A suggested line becomes the words of the question."""
        return str(_detail(event, "text") or "")[: handlers.MAX_WORDS]

    def clear(self) -> tuple[Any, ...]:
        """Everything as it was when the page opened."""
        question = Question()
        values = ("", None, "", ANY_BOOK, question.words, question.one_per_page, question.count)
        return (*values, markup.welcome(handlers.library(self._index)), gr.Button(visible=False), None, 0)

    def for_programs(self, text: str, picture: str | None) -> dict[str, Any]:
        """Search by words, a picture, or both; the best 24 hits as JSON."""
        try:
            return handlers.search_panels(self._index, Question(text=text or "", picture=picture))
        except PanelseekError as error:
            raise gr.Error(handlers.friendly(error), print_exception=False) from None

    def _answer(self, question: Question, shown: int | None = None) -> Answer:
        try:
            results = handlers.ask(self._index, question, shown)
        except PanelseekError as error:
            return _failed(error)
        return markup.results(results), gr.Button(visible=results.more), question, len(results.cards)


def _question(
    text: str, picture: str | None, view: str, book: int, words: str, one_per_page: bool, count: int
) -> Question:
    """The components' values, in the order of `Asking.inputs`, as a question."""
    return Question(
        text=text or "",
        picture=picture,
        view=view or None,
        book=None if book in (None, ANY_BOOK) else int(book),
        words=words,
        one_per_page=bool(one_per_page),
        count=_count(count),
    )


def _count(value: Any) -> int:
    return value if value in handlers.COUNTS else Question().count


def _failed(error: PanelseekError) -> Answer:
    return notice(handlers.friendly(error)), gr.Button(visible=False), None, 0


def _detail(event: gr.EventData, name: str) -> Any:
    """What came with a click; a browser may send anything."""
    return event._data.get(name) if isinstance(event._data, dict) else None
