"""One run of a build under the writer lock: check, scan, detect moves, encode and write, derive, report."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from index_builder.annotations.collection import Collection
from index_builder.decode.content_hashes import write_hashes
from index_builder.decode.decode import decode_page
from index_builder.decode.executors import ExecutorFactory, make_executor
from index_builder.decode.records import DecodeResult, DecodeSettings
from index_builder.dialogue import AUTO, OcrCacheWriter, OcrSettings, threads_per_worker
from index_builder.options import BuildOptions
from index_builder.plan.moves import detect_moves
from index_builder.plan.passes import count, picture_jobs, text_jobs
from index_builder.plan.plan import PageJob, PageStatus, Plan, nothing_indexed
from index_builder.plan.running_scan import RunningScan
from index_builder.plan.scan import scan_books
from index_builder.preconditions import BuildEncoder, check_nesting, check_regions, settle_dpi
from index_builder.report import BuildReport, StageTimer
from index_builder.write import PageWriter, Publisher, StateReports, WritableIndex, derive_generation
from retrieval.build_state import remove_build_state
from retrieval.encoder.protocol import Encoder, can_encode_texts
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.search.index_encoder import EncoderLoader
from retrieval.store.generation import open_generation
from retrieval.temporary import temporary_errors

LATER_PAGES = 200
"""Pages to read above which pictures are encoded first, if the option `ocr` is auto."""


class BuildSession:
    """One run of `build_index`. executors: makes the page executors, one to hash pages and one to decode them."""

    def __init__(
        self,
        index: WritableIndex,
        options: BuildOptions,
        encoder: str | Path | Encoder,
        device: str | None,
        progress: ProgressCallback,
        load: EncoderLoader,
        executors: ExecutorFactory = make_executor,
    ) -> None:
        self._index = index
        self._options = options
        self._progress = StateReports(index.folder, progress)
        self._executors = executors
        self._timer = StageTimer()
        self._began = time.monotonic()
        self._encoder = BuildEncoder(index, encoder, device, load, options, self._timer)

    def run(self, sources: list[Path]) -> BuildReport:
        """Bring the index up to date with the sources and return the report."""
        self._check(sources)
        self._index.drop_unnamed()
        ocr = self._ocr_settings()
        plan = Plan(collection=self._collection())
        try:
            settings = self._decode_settings(sources, ocr)
            scan = self._scan(plan, sources, ocr)
            if scan.finished:
                self._detect_moves(plan, settings)
            executor = partial(self._executors, self._options.worker_count)
            self._encoder.prepare(plan, settings, executor, self._progress)
            writer = self._write_pages(scan, settings)
        finally:
            plan.close()
        for source_id, skipped in plan.skipped.items():
            self._index.catalog.replace_skipped(source_id, skipped)
        if not self._index.catalog.library.counts()["panels"] and self._index.catalog.settings().generation is None:
            raise nothing_indexed(plan)
        with self._timer.stage("index"):
            generation = derive_generation(self._index, self._options.as_dict(), self._progress)
        self._settle_repair(sources)
        remove_build_state(self._index.folder)
        return self._report(plan, writer, generation)

    def _settle_repair(self, sources: list[Path]) -> None:
        """Record that pages which a repair removed were read again."""
        waiting = self._index.catalog.settings().rebuild_sources
        left = tuple(path for path in waiting if Path(path) not in sources)
        if left != waiting:
            self._index.catalog.write_settings(rebuild_sources=left)

    # -------------------------------------------------------------------- steps

    def _check(self, sources: list[Path]) -> None:
        check_nesting(self._index, sources)
        check_regions(self._index, self._options)
        self._options = settle_dpi(self._index, self._options)
        self._encoder.check()

    def _scan(self, plan: Plan, sources: list[Path], ocr: OcrSettings | None) -> RunningScan:
        """Scan the sources; in a new index, as far as is needed to begin with the pages."""
        report = StageProgress(self._progress, "scan", "pages")
        steps = scan_books(plan, sources, self._index.catalog, self._options, ocr)
        scan = RunningScan(plan, steps, partial(self._timer.stage, "scan"), report)
        if self._index.empty:
            scan.until(lambda: plan.unread_jobs > LATER_PAGES)
        else:
            scan.finish()
        return scan

    def _detect_moves(self, plan: Plan, settings: DecodeSettings) -> None:
        report = StageProgress(self._progress, "compare", "pages", plan.jobs)
        executor = self._executors(self._options.worker_count, settings)
        with self._timer.stage("compare"), executor:
            self._index.thumbnails.remove(detect_moves(plan, self._index.catalog, executor, report))

    def _write_pages(self, scan: RunningScan, settings: DecodeSettings) -> PageWriter:
        """Encode and write the pages of a plan: in one pass, or pictures first and their text in a second one."""
        workers, plan = self._options.worker_count, scan.plan
        # one commit for each worker's page: about one a second, since OCR takes that long
        ocr_cache = OcrCacheWriter(self._index.folder, pages_per_commit=max(1, workers))
        publisher = Publisher(self._index, self._options.as_dict(), self._began)
        writer = PageWriter(self._index, self._encoder.get, self._options, self._timer, ocr_cache, publisher)
        later = self._reads_later(plan, settings)
        with self._known_hashes(plan) as hashes, ocr_cache:
            settings = replace(settings, known_hashes=hashes, text_only=self._encodes_texts(plan, later))
            if later:
                self._write_twice(writer, scan, settings)
            else:
                self._write_pass(writer, scan, "encode", scan.jobs(), plan.jobs, settings)
        if writer.texts:
            self._index.catalog.write_settings(purge_pending=True)  # the vectors that the new ones replace
        return writer

    def _write_twice(self, writer: PageWriter, scan: RunningScan, settings: DecodeSettings) -> None:
        """Write the pictures of all pages and publish them; then read and write their text."""
        plan, pictures = scan.plan, replace(settings, ocr=None)
        self._write_pass(writer, scan, "encode", picture_jobs(scan.jobs()), count(picture_jobs(plan.read())), pictures)
        if writer.written:
            writer.publish()
        texts = partial(text_jobs, plan, self._index.catalog)
        self._write_pass(writer, scan, "read", texts(), count(texts()), settings)

    def _write_pass(
        self,
        writer: PageWriter,
        scan: RunningScan,
        stage: str,
        jobs: Iterator[PageJob],
        total: int,
        settings: DecodeSettings,
    ) -> None:
        """Decode and write the pages of some jobs. total: of the jobs, if the scan is finished."""
        report, began = StageProgress(self._progress, stage, "pages", total), time.monotonic()
        before, reused, complete = writer.written, writer.reused, scan.finished
        with self._executors(self._options.worker_count, settings) as executor:
            results = executor.decode((job, job.task) for job in jobs)
            for done in writer.write(scan.plan, results, partial(_decode_again, settings)):
                panels = writer.written - before
                rate = (panels - writer.reused + reused) / max(1e-9, time.monotonic() - began)
                total = total if complete else scan.plan.jobs if scan.finished else 0
                found = 0 if scan.finished else scan.plan.jobs
                report(done, total, detail=_detail(panels, rate, writer.searchable, found))

    def _encodes_texts(self, plan: Plan, later: bool) -> bool:
        """Return True if there are pages that only lack their text, and the encoder needs no images for it."""
        waiting = later or any(job.task.ocr_only for job in plan.read())
        return waiting and can_encode_texts(self._encoder.get())

    def _reads_later(self, plan: Plan, settings: DecodeSettings) -> bool:
        """Return True if the text of pages is read in a second pass."""
        if settings.ocr is None or not plan.jobs or self._options.ocr == "now":
            return False
        if self._options.ocr == "later":
            return True
        return plan.unread_jobs > LATER_PAGES

    @contextmanager
    def _known_hashes(self, plan: Plan) -> Iterator[str | None]:
        """Return the file of content hashes in the index; None if there is nothing to compare."""
        if not plan.jobs or self._index.empty:
            yield None
            return
        with temporary_errors():
            created = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with created as folder:
            path = Path(folder) / "hashes.npy"
            with temporary_errors():
                write_hashes(self._index.catalog.pages.digests(), path)
            yield str(path)

    # ----------------------------------------------------------------- settings

    def _collection(self) -> Collection:
        """Return the annotations of the collection: those given, else those of earlier builds."""
        stored = self._index.catalog.settings().annotations
        paths = stored if self._options.annotations is None else self._options.annotations
        collection = Collection.open([Path(path) for path in paths])
        if paths != stored:
            self._index.catalog.write_settings(annotations=paths)
        return collection

    def _ocr_settings(self) -> OcrSettings | None:
        """Return the OCR settings; the language that was chosen for an index stays with it."""
        if self._options.ocr == "no":
            return None
        stored = self._index.catalog.settings().language
        language = self._options.language or stored or AUTO
        if language != stored:
            self._index.catalog.write_settings(language=language)
        return OcrSettings(self._index.folder, language, threads_per_worker(self._options.worker_count))

    def _decode_settings(self, sources: list[Path], ocr: OcrSettings | None) -> DecodeSettings:
        ids = {self._index.catalog.source_id(source): source for source in sources}
        options = self._options
        pictures = options.thumbnails, options.keypoints
        return DecodeSettings(ids, options.limits, options.page_is_panel, *pictures, ocr)

    # ------------------------------------------------------------------- report

    def _report(self, plan: Plan, writer: PageWriter, generation: int) -> BuildReport:
        index, statuses = self._index, plan.status_counts
        counts = index.catalog.library.counts()
        encoder = index.catalog.settings().encoder
        manifest = open_generation(index.folder, generation).manifest
        views = {
            name: {key: view.get(key) for key in ("index_type", "panels", "recall_at_10")}
            for name, view in manifest["views"].items()
        }
        seconds = sum(self._timer.seconds.get(stage, 0.0) for stage in ("decode", "encode", "write"))
        return BuildReport(
            index=os.fspath(index.folder),
            books=counts["books"],
            pages=counts["pages"],
            panels=counts["panels"],
            panels_with_dialogue=counts["panels_with_dialogue"],
            low_confidence_pages=counts["low_confidence_pages"],
            pages_new=statuses[PageStatus.NEW],
            pages_changed=statuses[PageStatus.CHANGED],
            pages_moved=statuses[PageStatus.MOVED],
            pages_missing=statuses[PageStatus.MISSING],
            pages_restored=statuses[PageStatus.RESTORED],
            pages_unchanged=statuses[PageStatus.UNCHANGED],
            pages_excluded=statuses[PageStatus.EXCLUDED],
            annotations=plan.collection.counts,
            encoded=writer.encoded,
            reused=writer.reused,
            panels_per_second=round(writer.encoded / seconds, 1) if seconds else 0.0,
            encoder=asdict(encoder) if encoder else {},
            generation=generation,
            views=views,
            skipped=tuple(plan.all_skipped()),
            warnings=(*plan.all_warnings(), *writer.warnings, *self._left_out(manifest["left_out"])),
            seconds=self._timer.result(),
            ocr=writer.ocr,
        )

    def _left_out(self, panels: list[int]) -> list[tuple[str, str]]:
        """Return a warning for each panel that is not searched because its vectors are damaged."""
        found = self._index.catalog.panels.get(panels).values()
        text = "its vectors are damaged, and it is left out of the search; run `panelseek verify --repair`"
        return [(panel.page_path, f"panel {panel.id}: {text}") for panel in found]


def _without_hashes(settings: DecodeSettings) -> DecodeSettings:
    """Return settings under which a page is decoded even if its content is known."""
    return replace(settings, known_hashes=None)


def _decode_again(settings: DecodeSettings, job: PageJob) -> DecodeResult:
    """Decode a page with all its panels in this process, even if its content is known."""
    task = replace(job.task, ocr_only=False, previous_digest=None) if job.task.ocr_only else job.task
    return decode_page(task, _without_hashes(settings))


def _detail(panels: int, rate: float, searchable: int, found: int) -> str:
    """Return the number of panels, those encoded in a second, how many can be searched, and the pages found so far."""
    published = f", {searchable:,} searchable" if searchable else ""
    pages = f", {found:,} pages found so far" if found else ""
    return f"{panels:,} panels, {rate:.1f} panels/s{published}{pages}"
