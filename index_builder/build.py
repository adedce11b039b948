"""Build an index: plan, decode, encode, write, derive.

Data flows one way. A batch is whole pages; its vectors are synced before the one transaction that names them,
so a build killed at any moment continues where it stopped and encodes at most the batch in flight again.
"""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from index_builder.annotations.collection import Collection
from index_builder.decode.decode import DecodedPage, Failed, PageTask, decode_page
from index_builder.decode.workers import PageDecoder
from index_builder.dialogue import AUTO, OcrCacheWriter, OcrSettings, threads_per_worker
from index_builder.options import BuildOptions
from index_builder.plan.content_hashes import write_contents
from index_builder.plan.moves import settle_moves
from index_builder.plan.plan import BACK, CHANGED, GONE, LEFT_OUT, MOVED, NEW, UNCHANGED, PageJob, Plan, make_plan
from index_builder.report import BuildReport, OcrCounts, Progress, Stopwatch
from index_builder.write.purge import reclaim
from retrieval.books import DEFAULT_LIMITS
from retrieval.encoder.protocol import Encoder
from retrieval.errors import EncoderMismatch, IndexError_, IndexLocked, PanelseekError, SourceError, UsageError
from retrieval.index import catalog_url, mismatch
from retrieval.store.catalog.catalog import Catalog, NewPage, NewPanel, PageCopy, PageUpdate
from retrieval.store.generation import Generation, open_generation, remove_others, shards_of, write_generation
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorShards

log = logging.getLogger("panelseek")

_PANELS_PER_COMMIT = 64
"""Panels encoded between two commits: what a crash can cost, against one sync to disk."""

_NOTES_A_PAGE = 5
"""Remarks on one page that the report names; the others are counted."""


def build_index(
    sources: Sequence[str | Path],
    index: str | Path,
    *,
    encoder: str | Encoder = "auto",
    device: str | None = None,
    catalog: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    load: Callable[[str, str | None], Encoder] | None = None,
    **options: Any,
) -> BuildReport:
    """Bring the index in folder `index` up to date with `sources`; run it again at any time.

    sources: folders, archives or pictures. encoder: a name or path for `load_encoder`, or an encoder; `auto`
    is the one the index was built with, if there is one. catalog: an SQLAlchemy URL for the catalog of a new
    index (default: SQLite inside it). load: what loads the encoder (name, device), for callers that keep it.
    options: see `BuildOptions`.

    Raises `SourceError` when a source is missing or nothing could be read, `IndexLocked` when another build
    is writing, `EncoderMismatch` when the index holds another encoder's vectors, `UsageError` for options.
    """
    try:
        chosen = BuildOptions(**options)
    except TypeError as error:
        raise UsageError(f"build does not take this: {error}") from error
    folder = Path(index).expanduser().absolute()
    paths = checked_sources(sources)
    made = not folder.exists()
    with writer_lock(folder):
        try:
            store = _open_catalog(folder, catalog)
        except PanelseekError:
            if made:
                _remove_empty(folder)
            raise
        try:
            build = _Build(folder, store, chosen, encoder, device, progress or (lambda _: None), load or load_by_name)
            return build.run(paths)
        except Exception:
            empty = store.last_vector_row() < 0
            store.close()
            if made and empty:
                _remove_empty(folder)
            raise
        finally:
            store.close()


def load_by_name(name: str, device: str | None) -> Encoder:
    from retrieval.encoder import load_encoder  # torch loads late

    return load_encoder(name, device=device)


def checked_sources(sources: Sequence[str | Path]) -> list[Path]:
    """The sources as absolute paths, without those inside others. Raises `SourceError` for one that is missing."""
    if isinstance(sources, str | Path):
        sources = [sources]
    if not sources:
        raise UsageError("no source given: name a folder of comics, a book file or a picture")
    paths = list(dict.fromkeys(Path(s).expanduser().resolve() for s in sources))
    for path in paths:
        if any("\ud800" <= c <= "\udfff" for c in str(path)):
            raise SourceError(f"{str(path)!r} has a name that is not valid UTF-8: rename it")
        if not path.exists():
            raise SourceError(f"{path} does not exist: give a folder of comics, a book file or a picture")
    return [p for p in paths if not any(p != q and p.is_relative_to(q) for q in paths)]


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """One writer at a time; the system lets go of the lock when the process dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "writer.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise IndexLocked(f"another build is writing {folder}: wait for it to end, or stop it") from None
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_TROUBLE:
            raise _unwritable(folder, error) from error
        raise
    finally:
        lock.release()


def next_generation(
    folder: Path, catalog: Catalog, shards: VectorShards, base: Generation | None = None
) -> dict[str, Any]:
    """Write what is searched anew, of the kind the last build chose, and switch to it; returns its manifest.

    base: the generation to start from; without one everything is made from catalog and vectors alone.
    """
    number = (catalog.setting("generation") or 0) + 1
    kind = ((catalog.setting("built") or {}).get("options") or {}).get("index_kind", "auto")
    manifest = write_generation(folder, number, catalog, shards, kind, base)
    catalog.remember(generation=number, dirty=False)
    remove_others(folder, number)
    return manifest


def current_generation(folder: Path, catalog: Catalog) -> Generation | None:
    """What is searched now; None where there is nothing yet or it is damaged."""
    number = catalog.setting("generation")
    try:
        return None if number is None else open_generation(folder, number)
    except IndexError_:
        return None


_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}


def _unwritable(folder: Path, error: OSError) -> IndexError_:
    return IndexError_(
        f"{folder} cannot be written ({error.strerror or error}): check the disk and its permissions, "
        "then run the same build again; what was written is kept"
    )


def _open_catalog(folder: Path, url: str | None) -> Catalog:
    current = catalog_url(folder)
    chosen = current if url is None else _chosen_url(url)
    if chosen == current:
        return Catalog.create(current)
    if (folder / "catalog.sqlite").exists() or (folder / "catalog.url").exists():
        shown = current.render_as_string(hide_password=True)
        raise UsageError(f"{folder} keeps its catalog at {shown}: leave out --catalog, or build elsewhere")
    made = Catalog.create(chosen)
    (folder / "catalog.url").write_text(chosen.render_as_string(hide_password=False) + "\n")  # now known to work
    return made


def _chosen_url(text: str) -> URL:
    """The database asked for: an absolute place, so that the index opens from anywhere."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise UsageError(f"--catalog takes an SQLAlchemy URL, like postgresql+psycopg://...; found {text!r}") from error
    if url.get_backend_name() != "sqlite":
        return url
    if url.database in (None, "", ":memory:"):
        raise UsageError("a catalog in memory would be lost with this process: name a file, or leave out --catalog")
    return url.set(database=str(Path(str(url.database)).expanduser().absolute()))


def _remove_empty(folder: Path) -> None:
    """Take away the folder of an index that never came to hold anything."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@dataclass
class _Batch:
    """Whole pages waiting to be written together. `copies`: pages whose content is that of another page, with its id
    and the vector rows of its panels; nothing is written between finding those and writing the batch.
    """

    pages: list[tuple[PageJob, DecodedPage]] = field(default_factory=list)
    copies: list[tuple[PageJob, int, list[int]]] = field(default_factory=list)

    @property
    def panels(self) -> int:
        return sum(len(page.panels or ()) for _, page in self.pages) + sum(len(rows) for *_, rows in self.copies)


class _Build:
    """One run of `build_index`, under the writer lock."""

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        options: BuildOptions,
        encoder: str | Encoder,
        device: str | None,
        progress: Callable[[Progress], None],
        load: Callable[[str, str | None], Encoder],
    ) -> None:
        self.folder = folder
        self.catalog = catalog
        self.options = options
        self.shards = shards_of(folder, catalog)
        self.thumbnails = Thumbnails(folder)
        self.watch = Stopwatch()
        self.notes: list[tuple[str, str]] = []
        self.ocr = OcrCounts()
        self.encoded = 0
        self.copied = 0
        self._wanted, self._device = encoder, device
        self._encoder: Encoder | None = None
        self._progress = progress
        self._load_encoder = load
        # One page a worker: about one commit a second, as OCR takes, and fewer pages than are in flight.
        self._ocr_cache = OcrCacheWriter(folder, pages_per_commit=max(1, options.worker_count))
        self._pages_done = 0
        self._encoding_since = 0.0

    def run(self, sources: list[Path]) -> BuildReport:
        self._check_sources(sources)
        self._check_parts()
        self._settle_dpi()
        self._check_encoder_first()
        named = self._named_rows()
        self.shards.truncate(named)
        self.thumbnails.truncate(named)
        with self.watch.stage("scan"):
            plan = make_plan(
                sources, self.catalog, self.options, self._scanning, self._collection(), self._ocr_settings()
            )
        self.notes += [*plan.notes, *plan.collection.notes]
        try:
            self._settle_moves(plan)
            self._encode(plan)
        finally:
            plan.close()
        for source_id, skipped in plan.skipped.items():
            self.catalog.replace_skipped(source_id, skipped)
        if not self.catalog.counts()["panels"] and self.catalog.setting("generation") is None:
            raise SourceError(_nothing(plan))
        with self.watch.stage("index"):
            self._derive()
        return self._report(plan)

    # -------------------------------------------------------------------- start

    def _check_sources(self, sources: list[Path]) -> None:
        """A source inside another one would index its pages twice."""
        for known in self.catalog.sources():
            for path in sources:
                inner, outer = (path, known) if path.is_relative_to(known) else (known, path)
                if inner != outer and inner.is_relative_to(outer):
                    raise UsageError(
                        f"{path} and {known}, a source of this index already, lie inside each other: "
                        f"build {outer if outer == known else known} again, or use another --index"
                    )

    def _check_parts(self) -> None:
        """What the first build of an index decided holds for all its panels."""
        has, wanted = bool(self.shards.parts), self.options.parts
        if self.catalog.last_vector_row() >= 0 and wanted is not None and wanted != has:
            found, other = ("keeps", "--no-parts") if has else ("does not keep", "--parts")
            raise UsageError(
                f"{self.folder} {found} vectors of the parts of panels: leave out {other}, or use another --index"
            )

    def _settle_dpi(self) -> None:
        """All drawn pages of an index have one resolution: boxes are in its pixels, and asking draws them again."""
        known = self.catalog.setting("dpi") if self.catalog.last_vector_row() >= 0 else None
        wanted = self.options.dpi
        if None not in (known, wanted) and wanted != known:
            raise UsageError(
                f"{self.folder} has PDF pages drawn at {known} dpi: leave out --dpi, or use another --index"
            )
        dpi = wanted or known or DEFAULT_LIMITS.dpi
        self.options = replace(self.options, dpi=dpi)
        if dpi != known:
            self.catalog.remember(dpi=dpi)

    def _check_encoder_first(self) -> None:
        """An encoder given as an object, or another name than before, is compared before any work."""
        built_by = self.catalog.setting("encoder")
        if not isinstance(self._wanted, str):
            self._use(self._wanted, self._wanted.name)
        elif built_by is None or self._wanted not in ("auto", built_by["load"], built_by["name"]):
            self._load(self._wanted)

    @property
    def encoder(self) -> Encoder:
        """Loaded when the first page needs it: a build with nothing to do does not wait for torch."""
        if self._encoder is None:
            self._load((self.catalog.setting("encoder") or {}).get("load", self._wanted))
        assert self._encoder is not None
        return self._encoder

    def _load(self, name: Any) -> None:
        with self.watch.stage("load encoder"):
            found = self._load_encoder(name, self._device)
        path = Path(str(name)).expanduser()
        self._use(found, str(path.absolute()) if path.is_file() else found.name)

    def _use(self, encoder: Encoder, load: str) -> None:
        built_by = self.catalog.setting("encoder")
        if self.catalog.last_vector_row() < 0:
            built_by = None  # a build that was stopped before its first page decided nothing
        if built_by is not None and built_by["fingerprint"] != encoder.fingerprint:
            raise EncoderMismatch(mismatch(self.folder, built_by, encoder))
        if built_by is None:
            self.catalog.remember(
                encoder={
                    "name": encoder.name,
                    "load": load,
                    "fingerprint": encoder.fingerprint,
                    "settings": encoder.settings,
                    "provisional": encoder.provisional,
                },
                parts=self._chosen_parts(encoder),
            )
            self.shards = shards_of(self.folder, self.catalog)
            self.shards.truncate(0)
        self._encoder = encoder

    def _chosen_parts(self, encoder: Encoder) -> int:
        """How many vectors a panel of a new index gets beside its own."""
        parts = int(encoder.settings.get("parts", 0))
        if self.options.parts and not parts:
            raise UsageError(f"encoder {encoder.name} gives no vectors for the parts of a panel: leave out --parts")
        return 0 if self.options.parts is False else parts

    def _named_rows(self) -> int:
        """Rows that the catalog or the searched generation name; anything after is an unnamed tail."""
        rows = self.catalog.last_vector_row() + 1
        generation = current_generation(self.folder, self.catalog)  # derived: where it is damaged, it is made again
        views = generation.views.values() if generation else ()
        return max([rows, *(int(v.rows.max()) + 1 for v in views if len(v))])

    def _collection(self) -> Collection:
        """The annotations of the collection; an index keeps to those it was built with until told otherwise."""
        paths = self.options.annotations
        if paths is None:
            paths = tuple(self.catalog.setting("annotations") or ())
        collection = Collection.open([Path(path) for path in paths])
        if list(paths) != (self.catalog.setting("annotations") or []):
            self.catalog.remember(annotations=list(paths))
        return collection

    def _scanning(self, pages: int) -> None:
        self._progress(Progress("scan", pages, 0, 0, 0.0, None))

    def _ocr_settings(self) -> OcrSettings | None:
        """How words are read in this build; the language chosen for an index stays with it."""
        if not self.options.ocr:
            return None
        language = self.options.language or self.catalog.setting("language") or AUTO
        if language != self.catalog.setting("language"):
            self.catalog.remember(language=language)
        return OcrSettings(self.folder, language, threads_per_worker(self.options.worker_count))

    # ------------------------------------------------------------------- encode

    def _settle_moves(self, plan: Plan) -> None:
        def told(done: int, total: int) -> None:
            self._progress(Progress("compare", done, total, 0, 0.0, None))

        with self.watch.stage("compare"):
            self.thumbnails.forget(settle_moves(plan, self.catalog, self.options.worker_count, told))

    def _encode(self, plan: Plan) -> None:
        self._encoding_since = time.perf_counter()
        decoder = PageDecoder[PageJob](self.options.worker_count)
        with self._contents(plan) as contents, self._ocr_cache, decoder:
            self._encode_pages(plan, decoder.decode((job, _told(job, contents)) for job in plan.read()))

    @contextmanager
    def _contents(self, plan: Plan) -> Iterator[str | None]:
        """The file of what the index knows already; None where there is nothing to compare."""
        if not plan.jobs or self.catalog.last_vector_row() < 0:
            yield None
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "contents.npy"
            write_contents(self.catalog.digests(), path)
            yield str(path)

    def _encode_pages(self, plan: Plan, pages: Iterator[tuple[PageJob, DecodedPage | Failed]]) -> None:
        batch = _Batch()
        while True:
            with self.watch.stage("decode"):
                item = next(pages, None)
            if item is None:
                break
            if not self._settle(plan, batch, *item):
                self._pages_done += 1
            if batch.panels >= max(_PANELS_PER_COMMIT, self.options.batch_size):
                self._write(batch)
                batch = _Batch()
            self._tell(plan, len(batch.pages) + len(batch.copies))
        self._write(batch)
        self._tell(plan)

    def _settle(self, plan: Plan, batch: _Batch, job: PageJob, outcome: DecodedPage | Failed) -> bool:
        """Put a page into the batch, or deal with one that is unreadable or unchanged. True when it is in the batch."""
        known = job.known
        if isinstance(outcome, DecodedPage) and outcome.panels is None:
            if known is not None and outcome.digest == known.digest:
                plan.fates[BACK if known.gone else UNCHANGED] += 1
                self.catalog.update_pages([PageUpdate(known.id, job.page.number, job.stat)])
                return False
            if self.catalog.page_with(outcome.digest) is None:  # it changed since it was looked for
                outcome = decode_page(job.task)
        if isinstance(outcome, Failed):
            plan.skipped[job.source_id].append((job.label, outcome.reason))
            if known is not None and not known.gone:
                self.catalog.mark_gone([known.id])
                plan.fates[GONE] += 1
            return False
        self._ocr_cache.add(outcome.ocr_lines)
        self.notes += [(job.label, note) for note in _fewer(outcome.notes)]
        self._count_words(outcome)
        plan.fates[NEW if known is None else CHANGED] += 1
        twin = None if job.reread else self.catalog.page_with(outcome.digest)
        if twin is not None:
            batch.copies.append((job, *twin))
        else:
            batch.pages.append((job, outcome))
        return True

    def _count_words(self, page: DecodedPage) -> None:
        if page.ocr is None:
            return
        read = [p.found for p in page.panels or () if p.found.words_from == "ocr"]
        self.ocr.engine = page.reader or ""
        self.ocr.pages += page.ocr.seconds > 0
        self.ocr.remembered += page.ocr.seconds == 0
        self.ocr.seconds = round(self.ocr.seconds + page.ocr.seconds, 3)
        self.ocr.words += sum(len((panel.text or "").split()) for panel in read)
        self.ocr.effects += sum(len(panel.effects.split()) for panel in read)

    def _write(self, batch: _Batch) -> None:
        self._ocr_cache.flush()  # before the pages, so that no page with OCR text lacks its lines
        if batch.copies:
            self._write_copies(batch)
        if batch.pages:
            self._write_pages(batch)
        self._pages_done += len(batch.pages) + len(batch.copies)

    def _write_copies(self, batch: _Batch) -> None:
        """Twins of pages that the index has: a panel of its own each, with a copy of the same vectors."""
        with self.watch.stage("write"):
            rows = [row for *_, donated in batch.copies for row in donated]
            first = self._next_row()
            self.shards.copy(first, np.array(rows, np.int64))
            self.thumbnails.copy([(row, first + i) for i, row in enumerate(rows)])
            self.thumbnails.forget(self.catalog.copy_pages(list(_page_copies(batch, first))))
        self.copied += len(rows)

    def _write_pages(self, batch: _Batch) -> None:
        panels = [panel for _, page in batch.pages for panel in page.panels or ()]
        encoder = self.encoder
        with self.watch.stage("encode"):
            encoded = encoder.encode([p.input for p in panels], batch_size=self.options.batch_size)
        with self.watch.stage("write"):
            first = self._next_row()
            self.shards.append(first, encoded)
            if self.options.thumbnails:
                pictures = [(first + i, p.thumbnail) for i, p in enumerate(panels) if p.thumbnail]
                self.thumbnails.put(pictures)
            self.thumbnails.forget(self.catalog.write_pages(list(_new_pages(batch, first, encoded.gate.tolist()))))
        self.encoded += len(panels)

    def _next_row(self) -> int:
        return max(self.catalog.last_vector_row() + 1, self.shards.rows())

    def _tell(self, plan: Plan, waiting: int = 0) -> None:
        """Say how far it is; `waiting` pages are decoded and read, and not yet written."""
        elapsed = time.perf_counter() - self._encoding_since
        rate = self.encoded / elapsed if elapsed > 0 else 0.0
        done = self._pages_done + waiting
        left = elapsed / done * (plan.jobs - done) if done else None
        self._progress(Progress("encode", done, plan.jobs, self.encoded + self.copied, rate, left))

    # ------------------------------------------------------------------- derive

    def _derive(self) -> None:
        """Write the next generation where something changed, switch to it, and clean up behind it.

        Whether something changed is asked of the catalog: an earlier build may have been stopped just before this.
        """
        current = self.catalog.setting("generation")
        if current is None or self.catalog.setting("dirty") or not self._still_good(current):
            number = (current or 0) + 1
            base = current_generation(self.folder, self.catalog)
            write_generation(
                self.folder, number, self.catalog, self.shards, self.options.index_kind, base, self._deriving
            )
            built = {
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "options": self.options.as_dict(),
            }
            self.catalog.remember(generation=number, built=built, dirty=False)
        remove_others(self.folder, self.catalog.setting("generation"))
        if self.catalog.setting("reclaim"):
            reclaim(self.folder, self.catalog, self.shards)  # a source was being forgotten when the process died
        self.catalog.checkpoint()

    def _deriving(self, doing: str, done: int, total: int) -> None:
        self._progress(Progress("index", 0, 0, self.encoded, 0.0, None, doing, done, total))

    def _still_good(self, number: int) -> bool:
        """Whether the current generation opens and is of the kind asked for."""
        try:
            open_generation(self.folder, number)
        except IndexError_:
            return False
        built = self.catalog.setting("built") or {}
        wanted = self.options.index_kind
        return wanted in ("auto", built.get("options", {}).get("index_kind"))

    # ------------------------------------------------------------------- report

    def _report(self, plan: Plan) -> BuildReport:
        counts = self.catalog.counts()
        generation = self.catalog.setting("generation")
        manifest = open_generation(self.folder, generation).manifest
        views = {
            name: {key: view.get(key) for key in ("kind", "panels", "recall_at_10")}
            for name, view in manifest["views"].items()
        }
        encoding = sum(self.watch.seconds.get(s, 0.0) for s in ("decode", "encode", "write"))
        skipped = [item for items in plan.skipped.values() for item in items]
        return BuildReport(
            index=os.fspath(self.folder),
            books=counts["books"],
            pages=counts["pages"],
            panels=counts["panels"],
            panels_with_dialogue=counts["panels_with_dialogue"],
            doubtful_pages=counts["doubtful_pages"],
            pages_new=plan.fates[NEW],
            pages_changed=plan.fates[CHANGED],
            pages_moved=plan.fates[MOVED],
            pages_gone=plan.fates[GONE],
            pages_back=plan.fates[BACK],
            pages_unchanged=plan.fates[UNCHANGED],
            pages_left_out=plan.fates[LEFT_OUT],
            annotations=plan.collection.counts,
            encoded=self.encoded,
            copied=self.copied,
            panels_per_second=round(self.encoded / encoding, 1) if encoding else 0.0,
            encoder=self.catalog.setting("encoder"),
            generation=generation,
            views=views,
            skipped=tuple(skipped),
            notes=tuple(self.notes),
            seconds=self.watch.result(),
            ocr=self.ocr,
        )


def _fewer(notes: Sequence[str]) -> list[str]:
    """The first remarks on a page: thousands of one page would hide those of all others."""
    more = len(notes) - _NOTES_A_PAGE
    return [*notes[:_NOTES_A_PAGE], *([f"and {more:,} more remarks on this page"] if more > 0 else [])]


def _new_pages(batch: _Batch, first_row: int, gates: list[list[float]]) -> Iterator[NewPage]:
    """The batch as catalog rows; panel i of the batch has vector row `first_row + i`."""
    row = 0
    for job, page in batch.pages:
        panels = []
        for panel in page.panels or ():
            picture, dialogue, composition = gates[row]
            gate = (picture, dialogue, composition)
            found = panel.found
            panels.append(
                NewPanel(
                    number=found.number,
                    box=found.box,
                    dialogue=found.text or "",
                    origin=found.origin,
                    vector_row=first_row + row,
                    gate=gate,
                    effects=found.effects,
                    words_from=found.words_from,
                )
            )
            row += 1
        yield NewPage(
            job.book_id,
            job.page.name,
            job.page.number,
            job.stat,
            page.digest,
            page.width,
            page.height,
            tuple(panels),
            label=job.page_label,
            reader=page.reader,
        )


def _told(job: PageJob, contents: str | None) -> PageTask:
    """The task of a page, with what the index knows already; a page whose words are wanted anew is known, and read."""
    return job.task if job.reread else replace(job.task, contents=contents)


def _page_copies(batch: _Batch, first_row: int) -> Iterator[PageCopy]:
    """The batch's copies; the i-th of their vector rows is `first_row + i`."""
    row = first_row
    for job, donor, donated in batch.copies:
        rows = {old: row + i for i, old in enumerate(donated)}
        row += len(donated)
        yield PageCopy(donor, job.book_id, job.page.name, job.page.number, job.stat, job.page_label, rows)


def _nothing(plan: Plan) -> str:
    """The sentence for a build that found nothing to index."""
    skipped = [item for items in plan.skipped.values() for item in items]
    shown = "; ".join(f"{path}: {reason}" for path, reason in skipped[:5])
    more = f" (and {len(skipped) - 5} more)" if len(skipped) > 5 else ""
    left_out = plan.fates[LEFT_OUT]
    story = f" {left_out:,} pages are labelled as something else than the story" if left_out else ""
    return f"no page could be indexed. {shown}{more}{story}".rstrip()
