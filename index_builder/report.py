"""The report of a build, and the time that its stages took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class OcrCounts:
    """Counts of OCR in a build.

    - engine: its name and version, "" if no page needed it.
    - pages: number of recognized pages.
    - cached: number of pages with lines from the cache.
    - seconds: time of all engines, summed over processes.
    - words: words of dialogue.
    - sound_effects: words of sound effects.
    """

    engine: str = ""
    pages: int = 0
    cached: int = 0
    seconds: float = 0.0
    words: int = 0
    sound_effects: int = 0


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The result of a build.

    - books, pages, panels, panels_with_dialogue, low_confidence_pages: counts of the index after the build. Pages with
      low-confidence panels are also indexed as a whole.
    - pages_*: pages of this build by status. A moved page is neither new nor missing, an excluded one is not part of
      the story.
    - annotations: entries of the collection's annotations, pages they describe, labelled pages, ambiguous and unused
      entries. Empty without annotations.
    - encoded: panels encoded in this build.
    - reused: panels with vectors of identical pages.
    - skipped: (path, reason) pairs of unreadable files.
    - warnings: (path, text) pairs of files that were read in part.
    - seconds: by stage. `decode` is the time that the encoder waited for pages.
    - views: type and measured recall@10 of each vector index.
    """

    index: str
    books: int
    pages: int
    panels: int
    panels_with_dialogue: int
    low_confidence_pages: int
    pages_new: int
    pages_changed: int
    pages_moved: int
    pages_missing: int
    pages_restored: int
    pages_unchanged: int
    pages_excluded: int
    annotations: dict[str, int]
    encoded: int
    reused: int
    panels_per_second: float
    encoder: dict[str, Any]
    generation: int
    views: dict[str, Any]
    skipped: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]
    seconds: dict[str, float]
    ocr: OcrCounts

    def as_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON; skipped and warnings become objects."""
        skipped = [{"path": p, "reason": r} for p, r in self.skipped]
        warnings = [{"path": p, "warning": w} for p, w in self.warnings]
        return {**asdict(self), "skipped": skipped, "warnings": warnings}


@dataclass
class StageTimer:
    """Seconds by stage. The time of a stage inside another one counts for the inner one only."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    _inside: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        begin, outside = time.perf_counter(), self._inside
        self._inside = 0.0
        try:
            yield
        finally:
            taken = time.perf_counter() - begin
            self.seconds[name] = self.seconds.get(name, 0.0) + taken - self._inside
            self._inside = outside + taken

    def result(self) -> dict[str, float]:
        """Return the seconds of each stage and in total, rounded to milliseconds."""
        total = time.perf_counter() - self.started
        return {**{k: round(v, 3) for k, v in self.seconds.items()}, "total": round(total, 3)}
