"""Look-alikes as the page shows them: groups of panels of several books, and what visitors take apart. No Gradio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from retrieval.overview.lookalikes import LookalikePanel, RejectedPairs, with_panels
from ui.web.library.handlers import whole
from ui.web.shell.jobs import Job, Moment

GROUPS_AT_ONCE = 30
MOST_SHOWN = 60
"""Panels of one group that are sent; a group of hundreds is no group to look through."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Some groups, from `start` on of `of`; `more` says how many panels of each were left out."""

    groups: tuple[tuple[LookalikePanel, ...], ...]
    more: tuple[int, ...]
    start: int
    of: int
    apart: int

    @property
    def following(self) -> int | None:
        after = self.start + GROUPS_AT_ONCE
        return after if after < self.of else None


class Finder:
    """Looks for look-alikes in the generation that is searched, when somebody first wants to see them."""

    def __init__(self, index: PanelIndex, sentence: Callable[[PanelseekError], str]) -> None:
        self._index = index
        self._said = RejectedPairs(index.folder)
        self.job = Job(sentence)

    @property
    def generation(self) -> int:
        """Of the index, as it is searched now."""
        return self._index.generation.number

    def groups(self, start: object = 0) -> Groups | None:
        """Groups from `start` on; None where nobody looked for them yet."""
        self._index.refresh()
        found = self._index.lookalikes()
        if found is None:
            return None
        first = whole(start)
        some = [with_panels(self._index, group) for group in found[first : first + GROUPS_AT_ONCE]]
        return Groups(
            tuple(tuple(group[:MOST_SHOWN]) for group in some),
            tuple(max(0, len(group) - MOST_SHOWN) for group in some),
            first,
            len(found),
            len(self._said.pairs()),
        )

    def look(self) -> Moment:
        """Begin to look, unless somebody did."""
        self.job.start(lambda job: self._index.lookalikes(job.told) and None)
        return self.job.moment()

    def apart(self, asked: Mapping[str, Any]) -> None:
        """Remember that `panel` is none of `others`, or with `back` that it may be after all.

        Raises `UsageError` for ids that are no panels of this index.
        """
        panel, others = whole(asked.get("panel"), -1), [whole(each, -1) for each in _few(asked.get("others"))]
        known = self._index.catalog.panels.get([panel, *others])
        if panel not in known or not others or not set(others) <= set(known):
            raise UsageError("That is not a panel of this index.")
        if asked.get("back") is True:
            self._said.remove(panel, others)
        else:
            self._said.add(panel, others)


def _few(value: Any) -> list[Any]:
    return value[:MOST_SHOWN] if isinstance(value, list) else []
