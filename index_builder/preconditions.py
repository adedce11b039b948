"""Preconditions of a build: sources, options and encoder agree with the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from index_builder.options import BuildOptions
from index_builder.report import StageTimer
from index_builder.write import WritableIndex
from retrieval.books import DEFAULT_LIMITS
from retrieval.encoder.protocol import Encoder, has_constant_gate
from retrieval.errors import SourceError, UsageError
from retrieval.index import encoder_mismatch
from retrieval.names import composed
from retrieval.store.settings import EncoderRecord
from retrieval.values import path_argument

EncoderLoader = Callable[[str, str | None], Encoder]
"""Loads an encoder by its name or path, and device."""


def load_by_name(name: str, device: str | None) -> Encoder:
    """Load an encoder by its name or path."""
    from retrieval.encoder import load_encoder  # imports torch

    return load_encoder(name, device=device)


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
        encoder: str | Encoder,
        device: str | None,
        load: EncoderLoader,
        options: BuildOptions,
        timer: StageTimer,
    ) -> None:
        self._index = index
        self._requested = encoder
        self._device = device
        self._load_encoder = load
        self._options = options
        self._timer = timer
        self._encoder: Encoder | None = None

    def check(self) -> None:
        """Compare an encoder object, or another name than before, with the index before any work."""
        built_by = self._index.catalog.settings().encoder
        if not isinstance(self._requested, str):
            self._use(self._requested, self._requested.name)
        elif built_by is None or self._requested not in ("auto", built_by.load, built_by.name):
            self._load(self._requested)

    def get(self) -> Encoder:
        """Return the encoder, loaded at the first use: a build with nothing to do does not import torch."""
        if self._encoder is None:
            built_by = self._index.catalog.settings().encoder
            assert isinstance(self._requested, str)  # an object was taken in `check`
            self._load(built_by.load if built_by else self._requested)
        assert self._encoder is not None
        return self._encoder

    def _load(self, name: str) -> None:
        with self._timer.stage("load encoder"):
            encoder = self._load_encoder(name, self._device)
        path = Path(name).expanduser()
        self._use(encoder, str(path.absolute()) if path.is_file() else encoder.name)

    def _use(self, encoder: Encoder, load: str) -> None:
        index = self._index
        # an index without pages takes any encoder: its first build was stopped early
        built_by = None if index.empty else index.catalog.settings().encoder
        if built_by is not None and built_by.fingerprint != encoder.fingerprint:
            raise encoder_mismatch(index.folder, built_by, encoder)
        if built_by is None:
            index.catalog.write_settings(encoder=_record(encoder, load), regions=self._regions(encoder))
            index.reopen_vectors()
        self._encoder = encoder

    def _regions(self, encoder: Encoder) -> int:
        """Return the number of region vectors per panel of a new index."""
        regions = encoder.spec.regions
        if self._options.regions and not regions:
            raise UsageError(f"encoder {encoder.name} has no region vectors", hint="leave out --regions")
        return 0 if self._options.regions is False else regions


def _record(encoder: Encoder, load: str) -> EncoderRecord:
    return EncoderRecord(
        name=encoder.name,
        load=load,
        fingerprint=encoder.fingerprint,
        settings=encoder.settings,
        provisional=encoder.provisional,
        constant_gate=has_constant_gate(encoder),
    )
