"""The options of a build: checked when they are made, stored with the index."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from index_builder.dialogue import parse_language
from retrieval.books import DEFAULT_LIMITS, ReadLimits
from retrieval.encoder.runtime.precision import check_precision
from retrieval.errors import UsageError
from retrieval.values import path_argument, switch, whole_number

INDEX_KINDS = ("auto", "exact", "ivfpq")
STRIPS = ("auto", "yes", "no")
OCR_MODES = ("auto", "now", "later", "no")

_LEAST = {"batch_size": 1, "workers": 0, "max_pixels": 1, "max_bytes": 1, "max_members": 1, "max_ratio": 1, "dpi": 1}
"""Options that are whole numbers, and the lowest value of each."""

_CHOSEN_LATER = ("workers", "batch_size", "dpi")
"""Of these, None leaves the choice to the build."""

_SWITCHES = ("page_is_panel", "right_to_left", "story_only", "thumbnails", "keypoints", "regions", "keep_ocr")

_MAX_DEFAULT_WORKERS = 8
"""Processes at most if `workers` is not given: bounds memory on machines with many cores."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The options of one build. Raises `UsageError` for invalid values and for options that contradict each other.

    - index_kind: auto (exact below 9,984 vectors per view, IVF-PQ from there on), exact or ivfpq.
    - page_is_panel: index each page as one panel, without panel detection. Annotated boxes still count.
    - right_to_left: reading order of detected panels, unless the annotation of the page or its book has one.
    - story_only: exclude pages that are labelled as something else (covers, advertisements, ...).
    - annotations: files and folders with annotations of the collection. None: those of the last build.
    - workers: processes that decode pages. 0: decode in this process. None: one per core, at most 8.
    - batch_size: panels per encoder batch. None: 32 on a CPU, 256 on a GPU.
    - precision: number type of the encoder's network: float32, bfloat16, int8 or auto. See `load_encoder`; in an
      index that has pages, auto is the precision that it was built with. int8 is calibrated on panels of the first
      pages, and an index in int8 stays in int8.
    - max_pixels, max_bytes, max_members, max_ratio: see `retrieval.books.ReadLimits`. Pages beyond them are skipped.
    - dpi: resolution of rendered PDF pages. None: that of the index, else 150.
    - strips: join the slices of vertical strips if a book looks like one (auto), always (yes), or never (no).
    - thumbnails: store thumbnails for the web app and for searches by image.
    - keypoints: store the keypoints of the thumbnails, 20 KB a panel, which searches by image then need not compute.
    - regions: store region vectors, by which a piece of a panel finds it. None: as in the index, or, in a new one,
      if the encoder has them.
    - ocr: when to run OCR on panels without annotated text: `now` (with each page), `later` (pictures of all pages
      first), `auto` (later where more than 200 pages have to be read), `no`. True is `auto`, False `no`.
    - keep_ocr: keep existing OCR text of any engine, version or language.
    - language: language of the comics, such as en or ja. None: that of the index, else auto.
    - within: read nothing outside this folder, also not through links. None: links may lead anywhere. Not stored.
    """

    index_kind: str = "auto"
    page_is_panel: bool = False
    right_to_left: bool = False
    story_only: bool = False
    annotations: tuple[str, ...] | None = None
    workers: int | None = None
    batch_size: int | None = None
    precision: str = "auto"
    max_pixels: int = DEFAULT_LIMITS.max_pixels
    max_bytes: int = DEFAULT_LIMITS.max_bytes
    max_members: int = DEFAULT_LIMITS.max_members
    max_ratio: int = DEFAULT_LIMITS.max_ratio
    dpi: int | None = None
    strips: str = "auto"
    thumbnails: bool = True
    keypoints: bool = True
    regions: bool | None = None
    ocr: str | bool = "auto"
    keep_ocr: bool = False
    language: str | None = None
    within: str | None = None

    def __post_init__(self) -> None:
        if self.annotations is not None:
            object.__setattr__(self, "annotations", _absolute_paths(self.annotations))
        if self.within is not None:
            object.__setattr__(self, "within", os.path.realpath(Path(self.within).expanduser()))
        if self.index_kind not in INDEX_KINDS:
            problem = f"there is no index kind {self.index_kind!r}"
            raise UsageError(problem, hint=f"choose {', '.join(INDEX_KINDS)}")
        if self.strips not in STRIPS:
            raise UsageError(f"strips must be one of {', '.join(STRIPS)}; found {self.strips!r}")
        for name, least in _LEAST.items():
            value = whole_number(name, getattr(self, name), least, optional=name in _CHOSEN_LATER)
            object.__setattr__(self, name, value)
        for name in _SWITCHES:
            object.__setattr__(self, name, switch(name, getattr(self, name), optional=name == "regions"))
        object.__setattr__(self, "ocr", _ocr_mode(self.ocr))
        check_precision(self.precision)
        if self.keep_ocr and self.ocr == "no":
            raise UsageError("keep_ocr needs OCR, which is switched off", hint="choose one of the two")
        if self.language is not None:
            object.__setattr__(self, "language", parse_language(self.language))

    @property
    def limits(self) -> ReadLimits:
        """The limits for reading books, which a search needs as well."""
        return ReadLimits.from_options(asdict(self))

    @property
    def worker_count(self) -> int:
        """The number of processes that decode pages; 0 means this process."""
        return min(_MAX_DEFAULT_WORKERS, os.cpu_count() or 1) if self.workers is None else self.workers

    def as_dict(self) -> dict[str, Any]:
        """Return the options that an index remembers, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "within"}


def _ocr_mode(value: object) -> str:
    """Return when OCR runs; True is `auto`, False `no`."""
    if value in OCR_MODES and isinstance(value, str):
        return value
    return "auto" if switch("ocr", value) else "no"


def build_options(values: Mapping[str, Any]) -> BuildOptions:
    """Return the options with these values. Raises `UsageError` for invalid values and unknown names."""
    valid = [field.name for field in fields(BuildOptions)]
    unknown = [name for name in values if name not in valid]
    if unknown:
        named = ", ".join(repr(name) for name in unknown)
        raise UsageError(f"there is no build option {named}", hint=f"choose from {', '.join(valid)}")
    return BuildOptions(**values)


def _absolute_paths(paths: str | Path | tuple[str | Path, ...]) -> tuple[str, ...]:
    """Return one path or several as absolute paths in text form, without duplicates."""
    items = [paths] if isinstance(paths, str | Path) else list(paths)
    return tuple(dict.fromkeys(str(path_argument("annotations", path).absolute()) for path in items))
