"""The tab `search`: the browser sends an address and gets the results as HTML."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from retrieval.errors import PanelseekError, PictureError
from retrieval.index import PanelIndex
from ui.output.notes import build_notes
from ui.web.gradio_compat import upload_folder
from ui.web.search import form, handlers, images, markup
from ui.web.search.search_state import SearchState, parse_address
from ui.web.search.welcome import library_summary
from ui.web.shell.markup import notice
from ui.web.shell.messages import user_message
from ui.web.shell.parameters import MAX_ADDRESS_CHARS, Payload, find_panel, parse_text
from ui.web.shell.scripts import script

INLINE_THUMBNAILS = 8
"""Results whose thumbnails (15 KB each) come with the answer, so that the first row needs no further request."""


def search_tab(index: PanelIndex) -> None:
    """Add the components of the tab."""

    def search(payload: Payload) -> Payload:
        """See `answer`."""
        return answer(index, payload)

    def filters(payload: Payload) -> str:
        """Return the filters of an address with their counts, as HTML. Fetched after the results, which do not wait."""
        try:
            state = parse_address(parse_text(payload, "address", MAX_ADDRESS_CHARS))
        except PanelseekError:
            return ""  # the results show what is wrong
        try:
            return form.filters(handlers.filter_values(index, state), state)
        except PanelseekError:
            return form.filters(dict.fromkeys(state.where, ()), state)  # so that they can be removed

    gr.HTML(
        form.search_form(markup.searches_artwork(library_summary(index).encoder)),
        js_on_load=script("search"),
        server_functions=[search, filters],
        elem_id="search-view",
        apply_default_css=False,
    )


def answer(index: PanelIndex, payload: Payload) -> Payload:
    """Return the results for `{"address", "upload", "start", "count", "preview"}` as HTML, part by part.

    upload: where Gradio put the image that the address names. start: number of results that are shown already; only
    further cards are returned then. count: number of results to begin with. preview: whether to return the upload as an
    image to show.
    """
    address = parse_text(payload, "address", MAX_ADDRESS_CHARS)
    try:
        state = parse_address(address, _upload(payload.get("upload")))
        start = payload.get("start")
        if isinstance(start, int) and start > 0:
            return _more(index, state, address, start)
        slot = _slot(index, state, bool(payload.get("preview")))
        found = _first(index, state, address, _count(payload))
        return {"slot": slot, **found, "generation": index.generation.number}
    except PictureError as error:
        return {"problem": notice(user_message(error)), "unusable": True}
    except PanelseekError as error:
        return {"problem": notice(user_message(error))}


def _first(index: PanelIndex, state: SearchState, address: str, count: int) -> Payload:
    if state.is_empty:
        index.refresh()
        home = markup.upload_lost() if state.upload_lost else _welcome(index)
        return {"empty": home, "more": False}
    results = handlers.search(index, state, count=count)
    thumbnails = index.thumbnails([card.panel for card in results.cards[:INLINE_THUMBNAILS]])
    return {
        "summary": markup.summary(results, library_summary(index).encoder),
        "empty": "" if results.cards else markup.no_results(results),
        "cards": markup.cards(results, address, thumbnails),
        "more": results.more,
        "end": markup.end(results),
        "has_query": state.has_query,
    }


def _welcome(index: PanelIndex) -> str:
    return markup.welcome(library_summary(index), build_notes(index.folder))


def _more(index: PanelIndex, state: SearchState, address: str, start: int) -> Payload:
    results = handlers.search(index, state, min(start, handlers.MAX_RESULTS))
    return {"cards": markup.cards(results, address), "more": results.more, "end": markup.end(results)}


def _count(payload: Payload) -> int:
    """Return how many results to begin with."""
    count = payload.get("count")
    return min(max(count, handlers.BATCH), handlers.MAX_RESULTS) if isinstance(count, int) else handlers.BATCH


def _slot(index: PanelIndex, state: SearchState, preview: bool) -> str | None:
    """Return the query image as HTML; None leaves the one that is shown."""
    if state.like is not None:
        return form.panel_slot(find_panel(index, state.like), state.crop)
    if state.upload is not None:
        return form.upload_slot(images.upload_preview(state.upload), state.crop) if preview else None
    return form.empty_slot()


def _upload(path: object) -> str | None:
    """Return the path of an upload; None for any other path."""
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    try:
        resolved = Path(path).resolve()
    except (OSError, RuntimeError):  # too long, or a loop of links
        return None
    return str(resolved) if resolved.is_relative_to(upload_folder()) else None
