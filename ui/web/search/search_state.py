"""One search, and how an address writes it: `?q=rain&book=Harbour&like=17&crop=0.1,0,0.5,1`.

An address carries everything but an uploaded image. For that it has only a name (`picture=`), which means something in
the browser that uploaded it and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from retrieval.errors import UsageError
from ui.web.shell.parameters import MAX_ADDRESS_CHARS, MAX_QUERY_CHARS, parse_panel_id

FILTERS = (
    "book",
    "series",
    "number",
    "volume",
    "year",
    "writer",
    "artist",
    "character",
    "publisher",
    "genre",
    "language",
    "label",
    "has_dialogue",
    "aspect",
)
"""Filters that the web app offers, in this order, by their names in `retrieval.filters.Filter`."""

SINGLE_VALUE_FILTERS = ("book", "has_dialogue", "aspect")
"""Filters whose menu takes one value at a time; an address may name several of all but `has_dialogue`."""

VIEWS = ("dialogue", "picture", "any", "fused")
"""Choices of `Query.view`; without one the view follows the query."""

GROUPS = ("page", "book")

_MAX_FILTER_VALUES = 50
_MAX_PARAMETERS = 400


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of an image to search with: left, top, width and height as fractions of the image."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class SearchState:
    """One search of a visitor.

    text, negative: the query text, and the text to exclude. upload: path of an uploaded image. upload_lost: True if the
    address names an upload that is not on this server. like: id of a panel whose image is the query image. crop: the
    part of the query image to use. view: see `VIEWS`; None follows the query. where: values of `FILTERS`.
    exclude: id of a panel that is left out. group: "page" or "book" for one result of each, "" for all.
    """

    text: str = ""
    negative: str = ""
    upload: str | None = None
    upload_lost: bool = False
    like: int | None = None
    crop: Crop | None = None
    view: str | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: int | None = None
    group: str = ""

    @property
    def has_query(self) -> bool:
        """True if there is something to search for; filters alone only browse."""
        return self.like is not None or self.upload is not None or bool(self.text.strip())

    @property
    def is_empty(self) -> bool:
        """True if there is neither a query nor a filter nor text to exclude."""
        return not self.has_query and not self.where and not self.negative.strip()

    def filters(self) -> dict[str, Any]:
        """Return `where` as `Query.where` takes it."""
        filters: dict[str, Any] = {}
        for name, values in self.where.items():
            if name == "has_dialogue":
                filters[name] = values[0] == "yes"
            else:
                single = name in SINGLE_VALUE_FILTERS and len(values) == 1
                filters[name] = values[0] if single else list(values)
        return filters


def parse_address(address: str, upload: str | None = None) -> SearchState:
    """Return the search that an address stands for. upload: path of the upload it names, None if it is not here.

    Unknown parameters and values are ignored. Raises `UsageError` for a panel id or a crop that is none.
    """
    parameters = parse_qs(address.lstrip("?")[:MAX_ADDRESS_CHARS], max_num_fields=_MAX_PARAMETERS)

    def first(name: str) -> str:
        return parameters.get(name, [""])[0][:MAX_QUERY_CHARS]

    return SearchState(
        text=first("q"),
        negative=first("not"),
        upload=upload if first("picture") else None,
        upload_lost=bool(first("picture")) and upload is None,
        like=parse_panel_id(first("like")) if first("like") else None,
        crop=_crop(first("crop")),
        view=_choice(first("view"), VIEWS),
        where={name: tuple(parameters[name][:_MAX_FILTER_VALUES]) for name in FILTERS if name in parameters},
        exclude=parse_panel_id(first("exclude")) if first("exclude") else None,
        group=_choice(first("group"), GROUPS) or "",
    )


def _choice(value: str, choices: tuple[str, ...]) -> str | None:
    return value if value in choices else None


def _crop(value: str) -> Crop | None:
    if not value:
        return None
    try:
        left, top, width, height = (float(part) for part in value.split(","))
    except ValueError:
        raise UsageError("the crop is not left,top,width,height, each from 0 to 1", hint="draw it again") from None
    left, top = min(max(left, 0.0), 1.0), min(max(top, 0.0), 1.0)
    width, height = min(width, 1 - left), min(height, 1 - top)
    if not (width > 0 and height > 0 and math.isfinite(left + top)):
        raise UsageError("the crop has no area", hint="draw it again")
    return Crop(left, top, width, height)
