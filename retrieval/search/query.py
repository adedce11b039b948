"""One search request: its fields, their defaults and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from retrieval.errors import UsageError
from retrieval.filters import Filter
from retrieval.names import check_text
from retrieval.records import View
from retrieval.values import number, plain, switch, whole_number

ANY_VIEW = "any"
"""Value of `Query.view` that searches text both in dialogue and in pictures."""

_LEAST = {"k": 1, "offset": 0, "per_page": 1, "per_book": 1, "nprobe": 1, "panel": 1}
"""Fields that are whole numbers, and the lowest value of each."""


class QueryFields(TypedDict, total=False):
    """Keyword arguments of `PanelIndex.search`: the fields of `Query`; a test compares the two."""

    text: str | None
    image: Any
    panel: int | None
    negative_text: str | None
    view: View | str | None
    where: Filter | Mapping[str, Any] | None
    k: int
    offset: int
    min_score: float | None
    per_page: int | None
    per_book: int | None
    exact: bool
    nprobe: int | None
    include_self: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One search; every field except the query itself has a sensible default.

    text, image (see `retrieval.images.sources`), both, or panel (id of an indexed panel): what to search for.
    negative_text: panels with this text or its meaning move to the end.
    view: the vectors to compare with: picture, dialogue or fused. None follows the query: an image -> picture,
    text -> dialogue, both -> fused, a panel -> picture. "any" searches text in dialogue and picture and merges the
    two rankings; negative text then counts in both.
    where: see `retrieval.filters.Filter`. k: number of hits, after the first `offset`. min_score: lowest cosine.
    per_page, per_book: most hits of one page or book. exact: score every panel. nprobe: IVF lists to search.
    include_self: whether a panel query may find that panel too.
    """

    text: str | None = None
    image: Any = None
    panel: int | None = None
    negative_text: str | None = None
    view: View | str | None = None
    where: Filter | Mapping[str, Any] | None = None
    k: int = 12
    offset: int = 0
    min_score: float | None = None
    per_page: int | None = None
    per_book: int | None = None
    exact: bool = False
    nprobe: int | None = None
    include_self: bool = True

    def __post_init__(self) -> None:
        """Turn NumPy scalars into Python values; `validate` checks them."""
        for field in fields(self):
            if field.name not in ("image", "where"):
                object.__setattr__(self, field.name, plain(getattr(self, field.name)))

    def validate(self) -> Query:
        """Return the query if its fields make sense together. Raises `UsageError` otherwise."""
        if self.panel is not None and (self.text is not None or self.image is not None):
            raise UsageError("a panel is a query by itself", hint="leave out text and image, or leave out panel")
        for name in ("text", "negative_text"):
            text = getattr(self, name)
            if text is not None and not isinstance(text, str):
                raise UsageError(f"{name} must be text; found {text!r}")
            check_text(name, text or "")
        if self.panel is None and self.image is None and not self.query_text:
            only = "; negative text only removes results" if self.negative else ""
            raise UsageError(f"nothing to search for{only}", hint="give text, an image, or the id of an indexed panel")
        for name, least in _LEAST.items():
            whole_number(name, getattr(self, name), least, optional=name not in ("k", "offset"))
        for name in ("exact", "include_self"):
            switch(name, getattr(self, name))
        if self.min_score is not None:
            number("min_score", self.min_score, "a finite number; cosines are from -1 to 1")
        self.resolved_view()
        Filter.of(self.where)
        return self

    def resolved_view(self) -> View:
        """Return the view whose vectors are compared; of "any", that of the dialogue. Raises `UsageError`."""
        if self.view is not None and self.view != ANY_VIEW:
            try:
                return View(self.view)
            except ValueError:
                choices = ", ".join([*View, ANY_VIEW])
                raise UsageError(f"no view is called {self.view!r}", hint=f"choose {choices}") from None
        if self.image is not None:
            return View.FUSED if self.query_text else View.PICTURE
        return View.DIALOGUE if self.query_text else View.PICTURE

    @property
    def query_text(self) -> str:
        """The text without blanks around it."""
        return (self.text or "").strip()

    @property
    def negative(self) -> str:
        """The negative text without blanks around it."""
        return (self.negative_text or "").strip()

    @property
    def negative_views(self) -> tuple[View, ...]:
        """The views in which panels are compared with the negative text."""
        if not self.negative:
            return ()
        if self.view == ANY_VIEW:
            return (View.DIALOGUE, View.PICTURE)
        in_pictures = self.view is not None and View(self.view) is View.PICTURE and bool(self.query_text)
        return (View.PICTURE,) if in_pictures else (View.DIALOGUE,)

    @property
    def searches_two_views(self) -> bool:
        """True if text alone is searched in dialogue and in pictures."""
        return self.view == ANY_VIEW and bool(self.query_text) and self.image is None

    @property
    def needed(self) -> int:
        """Number of hits to find before the first `offset` are dropped."""
        return self.offset + self.k


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """The part of a query that one view answers."""

    query: Query
    view: View


def split_by_view(query: Query) -> list[ViewQuery]:
    """Return one part for each view that the query searches: one, or two for text in any view."""
    if query.searches_two_views:
        return [ViewQuery(query, View.DIALOGUE), ViewQuery(query, View.PICTURE)]
    return [ViewQuery(query, query.resolved_view())]
