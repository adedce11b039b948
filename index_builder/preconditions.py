"""Preconditions of a build: sources, options and encoder agree with the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from index_builder.decode.records import DecodeSettings
from index_builder.int8 import (
    Decoder,
    calibrated,
    check_can_calibrate,
    check_object,
    check_precision_of_index,
    keep_ranges,
    sample_images,
)
from index_builder.options import BuildOptions
from index_builder.plan.plan import Plan
from index_builder.report import StageTimer
from index_builder.write import WritableIndex
from retrieval.books import DEFAULT_LIMITS
from retrieval.encoder.protocol import Encoder, has_constant_gate
from retrieval.encoder.runtime.int8_ranges import ranges_file, restore_ranges, write_ranges
from retrieval.errors import SourceError, UsageError
from retrieval.names import composed
from retrieval.progress import ProgressCallback
from retrieval.search.index_encoder import (
    EncoderLoader,
    can_be_loaded,
    check_fingerprint,
    encoder_record,
    load_recorded,
    load_requested,
    missing_record,
)
from retrieval.store.settings import EncoderRecord
from retrieval.values import path_argument


def resolve_sources(sources: Sequence[str | Path]) -> list[Path]:
    """Return the sources as absolute paths, without those inside others. Raises `SourceError` for a missing one."""
    if isinstance(sources, str | Path):
        sources = [sources]
    if not sources:
        raise UsageError("no source given", hint="name a folder of comics, a book file or an image")
    paths = list(dict.fromkeys(_as_on_disk(path_argument("a source", s)).resolve() for s in sources))
    for path in paths:
        if any("\ud800" <= c <= "\udfff" for c in str(path)):
            raise SourceError(f"{str(path)!r} has a name that is not valid UTF-8", hint="rename it")
        if not path.exists():
            raise SourceError("no such file or folder", path, "give a folder of comics, a book file or an image")
    return [p for p in paths if not any(p != q and p.is_relative_to(q) for q in paths)]


def _as_on_disk(path: Path) -> Path:
    """Return a path with the accents of its names composed or decomposed as they are on disk."""
    if path.exists():
        return path
    found = Path(path.anchor)
    try:
        for part in path.parts[1 if path.anchor else 0 :]:
            entries = (found / part,) if (found / part).exists() else found.iterdir()
            found = next((entry for entry in entries if composed(entry.name) == composed(part)), found / part)
    except OSError:  # a folder is missing, or cannot be listed
        return path
    return found


def check_nesting(index: WritableIndex, sources: Sequence[Path]) -> None:
    """Raise `UsageError` for a source inside a source of the index, or around it: its pages would be indexed twice."""
    for indexed in index.catalog.library.sources():
        for path in sources:
            if path != indexed and (path.is_relative_to(indexed) or indexed.is_relative_to(path)):
                problem = f"this path and {indexed}, already a source of the index, lie inside each other"
                raise UsageError(problem, path, f"build {indexed} again, or use another --index")


def check_regions(index: WritableIndex, options: BuildOptions) -> None:
    """Raise `UsageError` for another choice of regions than that of the first build."""
    has = index.vectors.regions > 0
    if not index.empty and options.regions is not None and options.regions != has:
        verb, flag = ("has", "--no-regions") if has else ("does not have", "--regions")
        problem = f"the index {verb} region vectors of its panels"
        raise UsageError(problem, index.folder, f"leave out {flag}, or use another --index")


def settle_dpi(index: WritableIndex, options: BuildOptions) -> BuildOptions:
    """Return the options with the resolution of rendered PDF pages; all pages of an index have the same.

    Boxes are in pixels of these pages, and a search renders them again. Raises `UsageError` for another resolution.
    """
    stored = None if index.empty else index.catalog.settings().dpi
    if None not in (stored, options.dpi) and options.dpi != stored:
        problem = f"the index has PDF pages drawn at {stored} dpi"
        raise UsageError(problem, index.folder, "leave out --dpi, or use another --index")
    dpi = options.dpi or stored or DEFAULT_LIMITS.dpi
    if dpi != stored:
        index.catalog.write_settings(dpi=dpi)
    return replace(options, dpi=dpi)


class BuildEncoder:
    """The encoder of a build: loaded when the first page needs it, checked against the index, recorded with it."""

    def __init__(
        self,
        index: WritableIndex,
        encoder: str | Path | Encoder,
        device: str | None,
        load: EncoderLoader,
        options: BuildOptions,
        timer: StageTimer,
    ) -> None:
        self._index = index
        self._requested = str(encoder) if isinstance(encoder, Path) else encoder
        self._device = device
        self._load_encoder = load
        self._options = options
        self._timer = timer
        self._encoder: Encoder | None = None
        self._exact: Encoder | None = None

    def check(self) -> None:
        """Compare an encoder object, or another name or precision than before, with the index before any work.

        A damaged basis of the region vectors is written again from the encoder.
        """
        recorded = self._recorded()
        if recorded is not None and not self._index.empty:
            check_precision_of_index(self._options.precision, recorded, self._index.folder)
            if recorded.int8:
                restore_ranges(self._index.folder, recorded.int8)
        if not isinstance(self._requested, str):
            check_object(self._options.precision, self._requested)
            self._use(self._requested)
        elif self._is_new_int8():
            self._exact = self._load_encoder(self._requested, self._device or "cpu", "float32")
            check_can_calibrate(self._exact)
        elif (
            recorded is None
            or self._requested not in ("auto", recorded.load, recorded.name)
            or self._index.vectors.damaged_basis()
        ):
            self._load()

    def prepare(self, plan: Plan, settings: DecodeSettings, executor: Decoder, progress: ProgressCallback) -> None:
        """In a new index in int8, measure its ranges on panels of the plan, and load the encoder with them."""
        if self._exact is None or not plan.jobs:
            return
        with self._timer.stage("calibrate int8"):
            ranges = calibrated(self._exact, sample_images(plan, settings, executor), progress)
        write_ranges(self._index.folder, ranges)
        self._exact = None
        with self._timer.stage("load encoder"):
            assert isinstance(self._requested, str)
            file = ranges_file(self._index.folder, ranges.sha256)
            encoder = self._load_encoder(self._requested, self._device or "cpu", "int8", calibration=file)
        self._use(encoder)

    def get(self) -> Encoder:
        """Return the encoder, loaded at the first use: a build with nothing to do does not import torch."""
        if self._encoder is None:
            self._load()
        assert self._encoder is not None
        return self._encoder

    @property
    def loaded(self) -> Encoder | None:
        """The encoder, if anything needed it so far."""
        return self._encoder

    def _recorded(self) -> EncoderRecord | None:
        """Return the record of the encoder; None in a new index. Raises `IndexDamaged` for pages without a record."""
        recorded = self._index.catalog.settings().encoder
        if recorded is None and not self._index.empty:
            raise missing_record(self._index.folder)
        return recorded

    def _is_new_int8(self) -> bool:
        """Return True for an index without pages that is to be built in int8."""
        return self._index.empty and self._options.precision == "int8"

    def _load(self) -> None:
        recorded, folder, name = self._recorded(), self._index.folder, self._requested
        precision = self._options.precision
        if recorded is not None and recorded.int8 and self._index.empty and precision != "auto":
            recorded = None  # of a build that was stopped early
        assert isinstance(name, str)  # an object was taken in `check`
        with self._timer.stage("load encoder"):
            if recorded is not None and name in ("auto", recorded.load, recorded.name):
                encoder = load_recorded(recorded, folder, self._device, self._load_encoder, precision)
            elif recorded is None or self._index.empty:
                encoder = self._load_encoder(name, self._device, precision)
            else:
                encoder = load_requested(name, recorded, folder, self._device, self._load_encoder, precision)
        self._use(encoder)

    def _use(self, encoder: Encoder) -> None:
        """Record the encoder with a new index; compare it with that of another, and record where it lies now."""
        index = self._index
        keep_ranges(index.folder, encoder)
        record = encoder_record(encoder, index.folder, has_constant_gate(encoder))
        # an index without pages takes any encoder: its first build was stopped early
        built_by = None if index.empty else self._recorded()
        if built_by is None:
            index.begin_vectors(encoder, record, self._regions(encoder))
        else:
            check_fingerprint(encoder, built_by, index.folder)
            index.restore_basis(encoder)
            moved = replace(built_by, load=record.load, relative=record.relative, precision=record.precision)
            if moved != built_by and can_be_loaded(moved):
                index.catalog.write_settings(encoder=moved)
        self._encoder = encoder

    def _regions(self, encoder: Encoder) -> int:
        """Return the number of region vectors per panel of a new index."""
        regions = encoder.spec.regions
        if self._options.regions and not regions:
            raise UsageError(f"encoder {encoder.name} has no region vectors", hint="leave out --regions")
        return 0 if self._options.regions is False else regions
