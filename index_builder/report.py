"""What a build says while it runs and when it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a build. stage: scan, compare, encode or index. `seconds_left` is None while nobody can tell.

    detail: what the index stage does, with `vectors_done` of `vectors_total` (0 while nobody can tell).
    """

    stage: str
    pages_done: int
    pages_total: int
    panels_done: int
    panels_per_second: float
    seconds_left: float | None
    detail: str = ""
    vectors_done: int = 0
    vectors_total: int = 0


@dataclass(slots=True)
class OcrCounts:
    """What OCR did in a build.

    engine: its name and version, "" where no page needed it. pages: read now; remembered: whose reading was kept from
    before. seconds: that engines took, all processes together. words: of dialogue in panels; effects: words kept apart.
    """

    engine: str = ""
    pages: int = 0
    cached: int = 0
    seconds: float = 0.0
    words: int = 0
    sound_effects: int = 0


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The end of a build.

    books, pages, panels, ...: what the index now holds; doubtful pages are kept whole besides the panels found on
    them. pages_*: the fates of pages in this build; one that moved is
    neither new nor gone; left out are those that only the story was wanted without. annotations: what became of the
    entries of the collection's annotations: entries, pages they gave something to, labelled pages, ambiguous ones
    (refused), unused entries; empty without. encoded: panels encoded in this build; copied: panels of pages whose
    content the index had already, which took its vectors. skipped: (path, reason) of what could not be read;
    warnings: (path, remark) of what was read with a doubt. seconds: by stage, where `decode` is the time the
    encoder waited for pages. views: kind and measured recall@10 of each vector index. ocr: see `OcrCounts`.
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
        """Ready for JSON: skipped and notes become objects."""
        found = asdict(self)
        found["skipped"] = [{"path": p, "reason": r} for p, r in self.skipped]
        found["notes"] = [{"path": p, "note": n} for p, n in self.warnings]
        return found


@dataclass
class Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def result(self) -> dict[str, float]:
        """Rounded, with the total."""
        total = time.perf_counter() - self.started
        return {**{k: round(v, 3) for k, v in self.seconds.items()}, "total": round(total, 3)}
