"""Look-alikes: groups of panels that appear in several books, and pairs that visitors reject. No Gradio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from retrieval.overview.lookalike_groups import LookalikePanel, with_panels
from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
from retrieval.overview.rejected_pairs import RejectedPairs
from ui.web.shell.jobs import Job, JobStatus
from ui.web.shell.messages import NO_SUCH_PANEL
from ui.web.shell.parameters import parse_integer

GROUPS_PER_BATCH = 30
MAX_GROUP_PANELS = 60
"""Panels of one group that are shown."""


@dataclass(frozen=True, slots=True)
class LookalikeGroup:
    """Panels that look alike; `more` others are not shown."""

    panels: tuple[LookalikePanel, ...]
    more: int

    @property
    def count(self) -> int:
        """Return the number of panels in the group."""
        return len(self.panels) + self.more

    @property
    def books(self) -> list[str]:
        """Return the books of the panels, in their order."""
        return list(dict.fromkeys(lookalike.panel.book for lookalike in self.panels))

    def others(self, panel_id: int) -> list[int]:
        """Return the ids of the shown panels but one."""
        return [each.panel.id for each in self.panels if each.panel.id != panel_id]


@dataclass(frozen=True, slots=True)
class LookalikeList:
    """A batch of the `total` groups, from place `start` on."""

    groups: tuple[LookalikeGroup, ...]
    start: int
    total: int

    @property
    def next_start(self) -> int | None:
        """Return where the next batch begins, None after the last."""
        after = self.start + GROUPS_PER_BATCH
        return after if after < self.total else None


class LookalikeService:
    """Finds look-alikes in the current generation, on request, for all visitors."""

    def __init__(self, index: PanelIndex, describe_error: Callable[[PanelseekError], str]) -> None:
        self._index = index
        self._rejected = RejectedPairs(index.folder)
        self.job = Job(describe_error)

    @property
    def generation(self) -> int:
        """Return the number of the current generation."""
        return self._index.generation.number

    def groups(self, start: object = 0) -> LookalikeList | None:
        """Return groups from `start` on, None if they were not searched for yet."""
        self._index.refresh()
        found = load_lookalikes(self._index)
        if found is None:
            return None
        first = parse_integer(start)
        groups = [with_panels(self._index, group) for group in found[first : first + GROUPS_PER_BATCH]]
        return LookalikeList(
            tuple(
                LookalikeGroup(tuple(group[:MAX_GROUP_PANELS]), max(0, len(group) - MAX_GROUP_PANELS))
                for group in groups
            ),
            first,
            len(found),
        )

    def start(self) -> JobStatus:
        """Start the search if it is not running."""
        self.job.start(lambda progress: make_lookalikes(self._index, progress))
        return self.job.status()

    def reject(self, payload: Mapping[str, Any]) -> None:
        """Store the pairs of `panel` with each of `others` as rejected; with `undo`, remove them.

        Raises `UsageError` for ids that are not panels of this index.
        """
        panel = parse_integer(payload.get("panel"), -1)
        others = [parse_integer(value, -1) for value in _first_ids(payload.get("others"))]
        known = self._index.catalog.panels.get([panel, *others])
        if panel not in known or not others or not set(others) <= set(known):
            raise UsageError(NO_SUCH_PANEL)
        if payload.get("undo") is True:
            self._rejected.remove(panel, others)
        else:
            self._rejected.add(panel, others)


def _first_ids(value: Any) -> list[Any]:
    return value[:MAX_GROUP_PANELS] if isinstance(value, list) else []
