"""Collections of panels: kept, listed, opened and changed. No Gradio, no HTML.

Every change names its collection, its panel and the wanted state, and is one transaction: of two visitors at once
neither loses the other's change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.collections import Collections, KeptPanel, Place, add_panels, kept_panels, places_of, remove_panels
from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from retrieval.names import name_key
from retrieval.records import Panel
from ui.web.shell.messages import NO_SUCH_COLLECTION
from ui.web.shell.parameters import find_panel, parse_integer, parse_text

STARRED = "Starred"
"""Name of the collection that the star of a panel adds to."""

PANELS_PER_BATCH = 60
COLLECTIONS_PER_BATCH = 60
MAX_LISTED = 500
"""Collections that are listed with check marks for one panel; others are reached by typing their names."""

MAX_STATES = 600
"""Panels whose stars are requested at once; a list of results has 480."""

_FACES = 4
_FACE_CANDIDATES = 12
"""First panels of a collection among which those with a thumbnail are found."""


@dataclass(frozen=True, slots=True)
class KeptState:
    """Where a panel is kept. starred: in `STARRED`. count: number of collections. first: the name of one of them."""

    starred: bool
    count: int
    first: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A collection that a panel may be kept in. exists: False for `STARRED` before its first panel."""

    name: str
    kept: bool
    exists: bool = True


@dataclass(frozen=True, slots=True)
class Choices:
    """The collections for one panel; `more` others are not listed."""

    panel: Panel
    choices: tuple[Choice, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Cover:
    """A collection with up to four of its panels."""

    name: str
    count: int
    faces: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class CollectionList:
    """A batch of the `total` collections, from place `start` on."""

    covers: tuple[Cover, ...]
    total: int
    start: int

    @property
    def next_start(self) -> int | None:
        """Return where the next batch begins, None after the last."""
        after = self.start + COLLECTIONS_PER_BATCH
        return after if after < self.total else None


@dataclass(frozen=True, slots=True)
class OpenCollection:
    """A collection with a batch of its `total` panels, from place `start` on, in the order of keeping."""

    name: str
    members: tuple[KeptPanel, ...]
    total: int
    start: int

    @property
    def next_start(self) -> int | None:
        """Return where the next batch begins, None after the last."""
        after = self.start + PANELS_PER_BATCH
        return after if after < self.total else None


# ------------------------------------------------------------------------ one panel


def kept_states(index: PanelIndex, payload: Mapping[str, Any]) -> dict[int, KeptState]:
    """Return where the panels of `{"panels": [ids]}` are kept, by id; without those that are in no collection."""
    values = payload.get("panels")
    ids = [parse_integer(value, -1) for value in values[:MAX_STATES]] if isinstance(values, list) else []
    return {panel: _state(places) for panel, places in places_of(index, ids).items()}


def _state(places: list[Place]) -> KeptState:
    names = [place.name for place in places]
    return KeptState(any(_is_starred(name) for name in names), len(names), names[0])


def _is_starred(name: str) -> bool:
    return name_key(name) == name_key(STARRED)


def choices(index: PanelIndex, payload: Mapping[str, Any]) -> Choices:
    """Return the collections for `{"panel": id}`, `STARRED` first. Raises `UsageError` if the index has no such panel.

    Those that have the panel are listed in any case.
    """
    panel = find_panel(index, payload.get("panel"))
    kept = {place.name for place in places_of(index, [panel.id]).get(panel.id, ())}
    names = [each.name for each in Collections(index.folder).summaries()]
    listed = [name for place, name in enumerate(names) if place < MAX_LISTED or name in kept]
    listed.sort(key=lambda name: not _is_starred(name))
    found = [Choice(name, name in kept) for name in listed]
    if not any(_is_starred(name) for name in names):
        found.insert(0, Choice(STARRED, False, exists=False))
    return Choices(panel, tuple(found), len(names) - len(listed))


def keep(index: PanelIndex, payload: Mapping[str, Any]) -> KeptState | None:
    """Keep a panel or not for `{"panel", "name", "kept", "exists"}`; return where it is kept then, None for nowhere.

    exists: True if the collection must be there: it may have been renamed or deleted meanwhile. Without a name, the
    collection is `STARRED`. Raises `UsageError` for an unknown panel or collection, and for a name that is too long.
    """
    panel = find_panel(index, payload.get("panel"))
    name = parse_name(payload, "name") if "name" in payload else STARRED
    if payload.get("kept") is True:
        add_panels(index, name, [panel.id], create=payload.get("exists") is not True)
    elif any(name_key(place.name) == name_key(name) for place in places_of(index, [panel.id]).get(panel.id, ())):
        remove_panels(index, name, [panel.id])
    return kept_states(index, {"panels": [panel.id]}).get(panel.id)


# ------------------------------------------------------------------------ the tab


def list_collections(index: PanelIndex, payload: Mapping[str, Any]) -> CollectionList:
    """Return the collections from `start` on, in order of their names."""
    index.refresh()
    start = parse_integer(payload.get("start"))
    found = Collections(index.folder).summaries()
    shown = found[start : start + COLLECTIONS_PER_BATCH]
    return CollectionList(
        tuple(Cover(each.name, each.panels, _faces(index, each.name)) for each in shown), len(found), start
    )


def _faces(index: PanelIndex, name: str) -> tuple[Panel, ...]:
    try:
        found = kept_panels(index, name, _FACE_CANDIDATES)
    except UsageError:  # deleted since it was listed
        return ()
    return tuple(kept.panel for kept in found if kept.panel is not None)[:_FACES]


def open_collection(index: PanelIndex, payload: Mapping[str, Any]) -> OpenCollection:
    """Return panels for `{"open": name, "start"}`. Raises `UsageError` if there is no such collection."""
    index.refresh()
    wanted, start = parse_name(payload, "open"), parse_integer(payload.get("start"))
    summaries = Collections(index.folder).summaries()
    found = next((each for each in summaries if name_key(each.name) == name_key(wanted)), None)
    if found is None:
        raise UsageError(NO_SUCH_COLLECTION)
    members = kept_panels(index, found.name, PANELS_PER_BATCH, start)
    return OpenCollection(found.name, tuple(members), found.panels, start)


def change_collection(index: PanelIndex, payload: Mapping[str, Any]) -> None:
    """Change the collection `name`: `do` is "delete", "rename" (to `new`) or "remove" (the member `panel`).

    Raises `UsageError` if the collection is not there, if the new name is taken, or for anything else to do.
    """
    name, do = parse_name(payload, "name"), payload.get("do")
    stored = Collections(index.folder)
    if do == "delete":
        stored.delete(name)
    elif do == "rename":
        stored.rename(name, parse_name(payload, "new"))
    elif do == "remove":
        stored.remove(name, [parse_integer(payload.get("panel"), -1)])
    else:
        raise UsageError("a collection can be renamed or deleted, and panels can be removed from it")


def parse_name(payload: Mapping[str, Any], field: str) -> str:
    """Return the name of a collection as a browser sent it; half characters, which no file stores, become "?"."""
    return parse_text(payload, field).encode("utf-8", "replace").decode()
