"""The search form as HTML: its fields, the query image and the filters. `query.js` fills it in and reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrieval.overview.facets import Facet
from retrieval.records import Panel
from ui.web.search.filters import filter_menus
from ui.web.search.search_state import Crop, SearchState
from ui.web.shell.addresses import panel_image
from ui.web.shell.messages import NO_ARTWORK_SEARCH
from ui.web.shell.templating import render
from ui.web.shell.text import describe

VIEW_NAMES = {"dialogue": "Dialogue", "picture": "Artwork", "any": "Both", "fused": "Combined"}
"""Names on screen of the choices of `Query.view`."""

_TEXT_VIEWS = ("picture", "any")
"""Views in which text is compared with artwork."""


def search_form(searches_artwork: bool = True) -> str:
    """Return the form; the places of its image, its filters and the results are empty.

    searches_artwork: False if the encoder cannot compare text with artwork, which disables these views.
    """
    disabled = () if searches_artwork else _TEXT_VIEWS
    return render("search/form.html", view_names=VIEW_NAMES, disabled=disabled, reason=NO_ARTWORK_SEARCH)


def empty_slot() -> str:
    """Return the place for a query image: dropped, pasted, chosen, or taken with the camera."""
    return render("search/empty_slot.html")


def panel_slot(panel: Panel, crop: Crop | None) -> str:
    """Return a panel as the query image, dimmed outside the crop."""
    source = f"{panel_image(panel)}&side=960"
    return render("search/image_slot.html", source=source, webp=None, alt=describe(panel), crop=crop)


def upload_slot(webp: bytes, crop: Crop | None) -> str:
    """Return an upload as the query image, dimmed outside the crop."""
    return render("search/image_slot.html", source="", webp=webp, alt="Your image", crop=crop)


def filters(values: Mapping[str, Sequence[Facet]], state: SearchState) -> str:
    """Return the menu of every filter that has a choice, with the number of panels that each value leaves."""
    return render("search/filters.html", menus=filter_menus(values, state))
