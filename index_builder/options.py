"""How to build: checked when made, stored with the index."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index_builder.dialogue import parse_language
from retrieval.books import DEFAULT_LIMITS, ReadLimits
from retrieval.errors import UsageError

INDEX_KINDS = ("auto", "exact", "ivfpq")
STRIPS = ("auto", "yes", "no")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Settings of one build; raises `UsageError` when one makes no sense.

    index_kind: auto (exact below 9,984 vectors a view, IVF-PQ from there on), exact or ivfpq.
    page_is_panel: every picture is one panel already; no panel finder, annotations still count.
    right_to_left: reading order of found panels where neither a page's annotation nor its book's metadata says.
    story_only: leave out pages that are labelled as something else (covers, advertisements, ...).
    annotations: files and folders with annotations of the collection; None: those the index was built with before.
    workers: processes that decode pages; 0 decodes in this process. batch_size: panels per encoder batch.
    strips: join the slices of vertical strips where they say that they are some (auto), always, or never.
    max_pixels, max_bytes, max_members, max_ratio: see `retrieval.books.ReadLimits`; what is beyond is skipped.
    dpi: resolution of PDF pages that have to be drawn; None: 150, and in an index that exists, as it was built.
    thumbnails: keep small pictures for the page.
    regions: keep vectors for the parts of each panel, so that a piece of it finds it; None: where the encoder has
    them, and in an index that exists, as it was built.
    ocr: read the words of panels that no annotation tells. keep_ocr: but leave what was read before as it is,
    whichever engine, version or language it was read with. language: of the comics, such as en or ja; None: as the
    index was built, else auto.
    """

    index_kind: str = "auto"
    page_is_panel: bool = False
    right_to_left: bool = False
    story_only: bool = False
    annotations: tuple[str, ...] | None = None
    workers: int | None = None
    batch_size: int = 32
    max_pixels: int = DEFAULT_LIMITS.max_pixels
    max_bytes: int = DEFAULT_LIMITS.max_bytes
    max_members: int = DEFAULT_LIMITS.max_members
    max_ratio: int = DEFAULT_LIMITS.max_ratio
    dpi: int | None = None
    strips: str = "auto"
    thumbnails: bool = True
    regions: bool | None = None
    ocr: bool = True
    keep_ocr: bool = False
    language: str | None = None

    def __post_init__(self) -> None:
        if self.annotations is not None:
            object.__setattr__(self, "annotations", _paths(self.annotations))
        if self.index_kind not in INDEX_KINDS:
            raise UsageError(f"no index kind is called {self.index_kind!r}: choose {', '.join(INDEX_KINDS)}")
        if self.strips not in STRIPS:
            raise UsageError(f"strips must be one of {', '.join(STRIPS)}; found {self.strips!r}")
        for name, least in (("batch_size", 1), ("workers", 0)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise UsageError(f"{name} must be a whole number from {least} on; found {value!r}")
        self.limits  # noqa: B018 (checks its own settings)
        if self.keep_ocr and not self.ocr:
            raise UsageError("keep_ocr asks for OCR, and OCR is switched off: choose one of the two")
        if self.language is not None:
            object.__setattr__(self, "language", parse_language(self.language))

    @property
    def limits(self) -> ReadLimits:
        """The settings for reading books, which asking needs as well."""
        return ReadLimits.from_options(asdict(self))

    @property
    def worker_count(self) -> int:
        """Processes to decode with: as asked, else one for each core, at most 8."""
        return min(8, os.cpu_count() or 1) if self.workers is None else self.workers

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _paths(value: Any) -> tuple[str, ...]:
    """Absolute paths as text, ready to be stored."""
    given = [value] if isinstance(value, str | Path) else list(value)
    return tuple(dict.fromkeys(str(Path(path).expanduser().absolute()) for path in given))
