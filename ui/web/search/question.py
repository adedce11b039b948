"""A question, and how it is written in the address of the page: `?q=rain&book=Harbour&like=17&crop=0.1,0,0.5,1`.

The address carries everything but an uploaded picture; for that it has only a name (`picture=`), which means
something in the browser that uploaded it and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from retrieval.errors import UsageError

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
"""Filters that the page offers, in the order in which it does, by the names that searches know them by."""

ONE_VALUE = ("book", "has_dialogue", "aspect")
"""Filters of which one value at a time holds; of the others any of several."""

FOLDS = ("page", "book")
WORDS_IN = ("said", "drawn", "both")
VIEWS = ("picture", "dialogue", "fused")

MAX_WORDS = 2_000
"""Letters of a question that are looked at; the encoder reads 128 tokens anyway."""

_MOST_VALUES = 50
_LARGEST_ID = 2**53


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a picture that asks: left, top, width and height as fractions of the picture."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Question:
    """One search as a person put it; small and plain, since it travels in addresses.

    text, without: words asked for and words taken away. picture: where an upload lies on this machine; lost: whether
    the address speaks of an upload that is not here. like: the id of a panel whose picture asks. crop: the part of
    either that does. words_in: said, drawn or both; view: picture, dialogue or fused; None lets the question decide.
    where: values of `FILTERS`. elsewhere: a panel that is left out. fold: "page" or "book", one panel of each.
    """

    text: str = ""
    without: str = ""
    picture: str | None = None
    lost: bool = False
    like: int | None = None
    crop: Crop | None = None
    words_in: str | None = None
    view: str | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: int | None = None
    fold: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is something to search for; filters alone only browse."""
        return self.like is not None or self.picture is not None or bool(self.text.strip())

    @property
    def empty(self) -> bool:
        return not self.asks and not self.where and not self.without.strip()

    def filters(self) -> dict[str, Any]:
        """`where` as searches take it."""
        found: dict[str, Any] = {}
        for name, values in self.where.items():
            if name == "has_dialogue":
                found[name] = values[0] == "yes"
            else:
                found[name] = values[0] if name in ONE_VALUE else list(values)
        return found


def read_address(address: str, upload: str | None = None) -> Question:
    """The question that an address asks. `upload`: where the upload it speaks of lies, None when it is not here.

    Raises `UsageError` where a number or a part is none; other parts and values that mean nothing are passed over.
    """
    given = parse_qs(address.lstrip("?")[:20_000], max_num_fields=400)

    def one(name: str, length: int = MAX_WORDS) -> str:
        return given.get(name, [""])[0][:length]

    return Question(
        text=one("q"),
        without=one("without"),
        picture=upload if one("picture") else None,
        lost=bool(one("picture")) and upload is None,
        like=checked_id(one("like")) if one("like") else None,
        crop=_crop(one("crop")),
        words_in=_choice(one("words"), WORDS_IN),
        view=_choice(one("in"), VIEWS),
        where={name: tuple(given[name][:_MOST_VALUES]) for name in FILTERS if name in given},
        elsewhere=checked_id(one("elsewhere")) if one("elsewhere") else None,
        fold=_choice(one("fold"), FOLDS) or "",
    )


def address(**parts: Any) -> str:
    """An address with these parts, those that are empty left out; a list gives a part several times."""
    given = [(name, value) for name, values in parts.items() for value in _each(values)]
    return "?" + urlencode([(name, str(value)) for name, value in given if value not in (None, "")])


def _each(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def with_part(address: str, name: str, value: object | None) -> str:
    """An address with one part set, or taken away."""
    given = {n: v for n, v in parse_qs(address.lstrip("?")).items() if n != name}
    if value is not None:
        given[name] = [str(value)]
    return "?" + urlencode(given, doseq=True)


def in_search(address: str) -> bool:
    """Whether an address is one of the view `search`, whose parts are a question."""
    return parse_qs(address.lstrip("?")).get("view", ["search"])[0] == "search"


def checked_id(value: object) -> int:
    """A panel id from a browser as a number; raises `UsageError` for anything else."""
    whole = isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdecimal()
    if not whole or int(str(value)[:20]) > _LARGEST_ID:
        raise UsageError("That is not a panel of this index.")
    return int(str(value))


def _choice(value: str, choices: tuple[str, ...]) -> str | None:
    return value if value in choices else None


def _crop(value: str) -> Crop | None:
    if not value:
        return None
    try:
        left, top, width, height = (float(part) for part in value.split(","))
    except ValueError:
        raise UsageError("The part of the picture is given as left,top,width,height, from 0 to 1.") from None
    left, top = min(max(left, 0.0), 1.0), min(max(top, 0.0), 1.0)
    width, height = min(width, 1 - left), min(height, 1 - top)
    if not (width > 0 and height > 0 and math.isfinite(left + top)):
        raise UsageError("The part of the picture has no area: draw it again.")
    return Crop(left, top, width, height)
