"""The panels of a collection as the index has them now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrieval.collections.store import Collections, Member
from retrieval.errors import UsageError
from retrieval.names import name_key
from retrieval.records import Panel
from retrieval.search.open_index import OpenIndex


@dataclass(frozen=True, slots=True)
class KeptPanel:
    """A member of a collection. panel: None if no book of the index has it any more."""

    member: Member
    panel: Panel | None


@dataclass(frozen=True, slots=True)
class Place:
    """A collection that a panel is in. member: the panel id stored there; another one if it was indexed anew."""

    name: str
    member: int


def add_panels(index: OpenIndex, name: str, panel_ids: Sequence[int], create: bool = True) -> int:
    """Add panels to a collection; return how many are new in it.

    create: make the collection if it is missing. Raises `UsageError` for ids that are not in the index; nothing is
    added then.
    """
    ids = list(dict.fromkeys(int(i) for i in panel_ids))
    panels, digests = index.catalog.panels.get(ids), index.catalog.pages.digests_of_panels(ids)
    unknown = [i for i in ids if i not in panels]
    if unknown:
        listed = ", ".join(map(str, unknown[:10]))
        raise UsageError(f"no panel has the id {listed}", hint="take ids from the results of a search")
    there = places_of(index, ids)
    new = [i for i in ids if all(name_key(place.name) != name_key(name) for place in there.get(i, ()))]
    return Collections(index.folder).add(name, [_as_member(panels[i], digests[i]) for i in new], create)


def remove_panels(index: OpenIndex, name: str, panel_ids: Iterable[int]) -> int:
    """Take panels out of a collection; return how many were in it.

    A panel that was indexed anew under another id is found as `kept_panels` finds it; an id that is gone is taken out
    as it is stored.
    """
    ids = list(dict.fromkeys(int(i) for i in panel_ids))
    there = places_of(index, ids)
    stored = [place.member for i in ids for place in there.get(i, ()) if name_key(place.name) == name_key(name)]
    return Collections(index.folder).remove(name, [*ids, *stored])


def places_of(index: OpenIndex, panel_ids: Iterable[int]) -> dict[int, list[Place]]:
    """Return the collections that panels are in, in order of their names, by panel id; without those in none."""
    wanted = set(panel_ids)
    digests = index.catalog.pages.digests_of_panels(sorted(wanted))
    found = Collections(index.folder).holding(wanted, set(digests.values()))
    panels = index.catalog.panels.get({member.panel for _, member in found})
    places: dict[int, list[Place]] = {}
    for name, member in found:
        panel = panels.get(member.panel) or _find_again(index, member)
        if panel is not None and panel.id in wanted:
            places.setdefault(panel.id, []).append(Place(name, member.panel))
    return places


def kept_panels(index: OpenIndex, name: str, limit: int = -1, offset: int = 0) -> list[KeptPanel]:
    """Return the panels of a collection in order. Raises `UsageError` for a name that is not there.

    limit, offset: at most so many, from this place on; -1 returns all. A panel whose id is gone, because its comics
    were removed and added again, is found by the content of its page and its box.
    """
    members = Collections(index.folder).members(name, limit, offset)
    panels = index.catalog.panels.get(member.panel for member in members)
    return [KeptPanel(member, panels.get(member.panel) or _find_again(index, member)) for member in members]


def _as_member(panel: Panel, digest: str) -> Member:
    return Member(panel.id, digest, panel.box, panel.book, panel.page_number, panel.number)


def _find_again(index: OpenIndex, member: Member) -> Panel | None:
    """Return the panel with the same box on a present page of the same content."""
    for page_id, _ in index.catalog.pages.pages_by_digest(member.digest):
        for panel in index.page_panels(page_id):
            if panel.box == member.box:
                return panel
    return None
