"""The panels of a collection as the index has them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.collections.store import Collections, Member
from retrieval.errors import UsageError
from retrieval.records import Panel
from retrieval.search.open_index import OpenIndex


@dataclass(frozen=True, slots=True)
class KeptPanel:
    """A member of a collection. panel: None if no book of the index has it any more."""

    member: Member
    panel: Panel | None


def add_panels(index: OpenIndex, name: str, panel_ids: Sequence[int]) -> int:
    """Add panels to a collection, which is made if it is missing; return how many are new in it.

    Raises `UsageError` for ids that are not in the index; nothing is added then.
    """
    ids = list(dict.fromkeys(int(i) for i in panel_ids))
    panels, digests = index.catalog.panels.get(ids), index.catalog.pages.digests_of_panels(ids)
    unknown = [i for i in ids if i not in panels]
    if unknown:
        listed = ", ".join(map(str, unknown[:10]))
        raise UsageError(f"no panel has the id {listed}", hint="take ids from the results of a search")
    return Collections(index.folder).add(name, [_as_member(panels[i], digests[i]) for i in ids])


def kept_panels(index: OpenIndex, name: str) -> list[KeptPanel]:
    """Return the panels of a collection in order. Raises `UsageError` for a name that is not there.

    A panel whose id is gone, because its comics were removed and added again, is found by the content of its page and
    its box.
    """
    members = Collections(index.folder).members(name)
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
