"""What happens when, in the view `search`: the browser asks with an address and gets the answer as HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from retrieval.errors import PanelseekError, PictureError
from retrieval.index import PanelIndex
from ui.web.search import form, handlers, layout, markup
from ui.web.search.calibration import Strangers
from ui.web.search.question import Question, read_address
from ui.web.search.welcome import glance
from ui.web.shell.markup import notice
from ui.web.shell.messages import friendly

Answer = dict[str, Any]

SENT_ALONG = 8
"""Hits whose small pictures come with the answer, 15 KB each: the first row is there without another request."""


def search_view(page: gr.Blocks, index: PanelIndex) -> None:
    """Adds the components of the view to the page."""
    strangers = Strangers(index)

    def search(asked: Answer) -> Answer:
        """See `answer`."""
        return answer(index, asked)

    def narrow(asked: Answer) -> str:
        """The filters of an address with their counts, as HTML; fetched beside the answer, which does not wait."""
        try:
            question = read_address(_text(asked, "address"))
        except PanelseekError:
            return ""  # the answer says what is wrong
        try:
            return form.narrow(handlers.narrowing(index, question), question)
        except PanelseekError:
            return form.narrow(dict.fromkeys(question.where, ()), question)  # so that they can be taken away

    def far(asked: Answer) -> Answer:
        """What strangers reach, by view, for the kind of question that was asked, as far as it is known by now."""
        views = [str(view) for view in asked.get("views") or []]
        try:
            found = strangers.lines(_text(asked, "asked"), views[:3])
        except PanelseekError:
            return {"lines": {}, "measuring": False}
        return {"lines": found.by_view, "measuring": found.measuring}

    layout.search(search, narrow, far)
    programs(index)


def programs(index: PanelIndex) -> None:
    """Not on screen: what gives programs their own way in, `/search`, with JSON as the answer."""
    text, picture, button, found = layout.programs()

    def for_programs(text: str, picture: str | None) -> dict[str, Any]:
        """Search by words, a picture, or both; the best 24 hits as JSON."""
        try:
            return handlers.search_panels(index, Question(text=text or "", picture=picture))
        except PanelseekError as error:
            raise gr.Error(friendly(error), print_exception=False) from None

    button.click(for_programs, [text, picture], found, api_name="search")


def answer(index: PanelIndex, asked: Answer) -> Answer:
    """The answer to `{"address", "upload", "start", "count", "preview"}` as HTML, part by part.

    upload: where Gradio put the picture that the address speaks of. start: hits that are on the page already; with
    them only further cards come. count: hits that were on the page when it was left, to have as many again. preview:
    whether the upload is to be sent back as a picture to show.
    """
    here, upload = _text(asked, "address"), _upload(asked.get("upload"))
    try:
        question = read_address(here, upload)
        start = asked.get("start")
        if isinstance(start, int) and start > 0:
            return _more(index, question, here, start)
        slot = _slot(index, question, bool(asked.get("preview")))
        found = _first(index, question, here, _count(asked))
        return {"slot": slot, **found, "generation": index.generation.number}
    except PictureError as error:
        return {"problem": notice(friendly(error)), "unusable": True}
    except PanelseekError as error:
        return {"problem": notice(friendly(error))}


def _first(index: PanelIndex, question: Question, here: str, count: int) -> Answer:
    if question.empty:
        index.refresh()
        return {"wall": markup.lost() if question.lost else markup.welcome(glance(index)), "more": False}
    found = handlers.ask(index, question, count=count)
    small = index.thumbnails([card.panel for card in found.cards[:SENT_ALONG]])
    return {
        "summary": markup.summary(found, glance(index).encoder),
        "wall": "" if found.cards else markup.nothing(found),
        "cards": markup.cards(found, here, small),
        "more": found.more,
        "end": markup.end(found),
        "asked": found.asked,
    }


def _more(index: PanelIndex, question: Question, here: str, start: int) -> Answer:
    found = handlers.ask(index, question, min(start, handlers.MOST_HITS))
    return {"cards": markup.cards(found, here), "more": found.more, "end": markup.end(found)}


def _count(asked: Answer) -> int:
    """How many hits an answer begins with; a browser may ask for anything."""
    count = asked.get("count")
    return min(max(count, handlers.AT_ONCE), handlers.MOST_HITS) if isinstance(count, int) else handlers.AT_ONCE


def _slot(index: PanelIndex, question: Question, preview: bool) -> str | None:
    """The picture of the question; None leaves the one on the page."""
    if question.like is not None:
        return form.panel_slot(index.panel(question.like), question.crop)
    if question.picture is not None:
        return form.upload_slot(handlers.preview(question.picture), question.crop) if preview else None
    return form.empty_slot()


def _upload(path: object) -> str | None:
    """Where an upload lies; whatever else a browser names is none."""
    if not isinstance(path, str) or not path:
        return None
    place = Path(path).resolve()
    return str(place) if place.is_relative_to(Path(get_upload_folder()).resolve()) else None


def _text(asked: Answer, name: str) -> str:
    value = asked.get(name) if isinstance(asked, dict) else None
    return value if isinstance(value, str) else ""
