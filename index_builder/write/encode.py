"""Encoding and writing of decoded pages, in batches of whole pages, landed in plan order.

The vectors of a batch are synced before the one transaction that names them. A build killed at any moment continues
where it stopped, and encodes at most the batch in flight again. A GPU has two in flight: it encodes one while the one
before it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from index_builder.decode.records import DecodedPage, DecodeError, DecodeResult
from index_builder.dialogue import OcrCacheWriter
from index_builder.options import BuildOptions
from index_builder.plan.plan import PageJob, PageStatus, Plan, present_status
from index_builder.report import OcrCounts, StageTimer
from index_builder.write.pages.rows import Batch, new_pages, page_copies
from index_builder.write.pages.texts import TextPage, encode_texts, text_page, write_texts
from index_builder.write.running.publish import Publisher
from index_builder.write.store import WritableIndex
from retrieval.encoder.protocol import Encoder, PanelEmbeddings, can_encode_texts, on_cpu
from retrieval.store.catalog.records import PageUpdate

_PANELS_PER_COMMIT = 64
"""Panels encoded between two commits: more lose more in a crash, fewer cost more syncs to disk."""

_BATCH_SIZE, _BATCH_SIZE_GPU = 32, 256
"""Panels per encoder batch, unless the options say otherwise."""

_WARNINGS_PER_PAGE = 5
"""Warnings about one page that the report lists; the others are counted."""

Job = tuple[PageJob, DecodeResult]

HandedOut = tuple[Batch, Callable[[], PanelEmbeddings]]
"""A batch that is being encoded, and what waits for its vectors."""


class PageWriter:
    """Takes decoded pages in plan order, encodes their panels and writes them.

    encoded, reused: panels encoded, and panels that took the vectors of an identical page. texts: panels that got
    another text. pages_done: pages settled.
    """

    def __init__(
        self,
        index: WritableIndex,
        encoder: Callable[[], Encoder],
        options: BuildOptions,
        timer: StageTimer,
        ocr_cache: OcrCacheWriter,
        publisher: Publisher,
    ) -> None:
        self._index = index
        self._encoder = encoder
        self._options = options
        self._timer = timer
        self._ocr_cache = ocr_cache
        self._publisher = publisher
        self._background = ThreadPoolExecutor(1, "encode")
        self._handed_out: HandedOut | None = None
        self._batch_size = options.batch_size or _BATCH_SIZE
        self.ocr = OcrCounts()
        self.warnings: list[tuple[str, str]] = []
        self.encoded = 0
        self.reused = 0
        self.texts = 0
        self.pages_done = 0

    @property
    def searchable(self) -> int:
        """Panels with new vectors that can be searched already."""
        return self._publisher.searchable

    @property
    def written(self) -> int:
        """Panels with new vectors."""
        return self.encoded + self.reused + self.texts

    def write(
        self, plan: Plan, results: Iterator[Job], decode_again: Callable[[PageJob], DecodeResult]
    ) -> Iterator[int]:
        """Encode and write all pages; yield the number of pages done, or waiting in a batch, after each page.

        Several calls may follow each other, each for other results; the number begins at 0 with each.
        decode_again: decodes a page in this process, whose content changed since it was hashed.
        """
        batch, book = Batch(), None
        self.pages_done = 0
        while True:
            with self._timer.stage("decode"):
                item = next(results, None)
            if item is None:
                break
            batch = self._publish_if_due(plan, batch, between_books=item[0].book_id != book)
            book = item[0].book_id
            if not self._settle(plan, batch, *item, decode_again):
                self.pages_done += 1
            if batch.panels >= max(_PANELS_PER_COMMIT, self._batch_size):
                self._land(plan, batch)
                batch = Batch()
            yield self.pages_done + batch.page_count + (self._handed_out[0].page_count if self._handed_out else 0)
        self._land(plan, batch)
        self._write_handed_out(plan)
        yield self.pages_done

    def _publish_if_due(self, plan: Plan, batch: Batch, *, between_books: bool) -> Batch:
        """Write the batch and publish all pages before the next one, if it is time; return the batch to fill."""
        if not self._publisher.is_due(self.written + batch.panels, between_books=between_books):
            return batch
        self._land(plan, batch)
        self._write_handed_out(plan)
        self.publish()
        return Batch()

    def publish(self) -> None:
        """Publish everything written so far."""
        with self._timer.stage("index"):
            self._publisher.publish(self.written)

    def _settle(
        self,
        plan: Plan,
        batch: Batch,
        job: PageJob,
        result: DecodeResult,
        decode_again: Callable[[PageJob], DecodeResult],
    ) -> bool:
        """Add a page to the batch and return True; or record one that is unreadable or unchanged."""
        previous, catalog = job.previous, self._index.catalog
        if isinstance(result, DecodedPage) and result.panels is None:
            if previous is not None and result.digest == previous.digest:
                plan.status_counts[present_status(previous)] += 1
                catalog.update_pages([PageUpdate(previous.id, job.page.number, job.fingerprint)])
                return False
            if self._reusable(result.digest) is None:
                result = decode_again(job)
        again = None
        if isinstance(result, DecodedPage) and result.text_only:
            again = text_page(self._index, job, result)
            if again is None:
                result = self._decode_panels(job, result, decode_again)
        if isinstance(result, DecodeError):
            self._skip(plan, job, result.reason)
            return False
        self._record(job, result)
        if not job.counted:
            plan.status_counts[PageStatus.NEW if previous is None else PageStatus.CHANGED] += 1
        duplicate = None if job.task.ocr_only else self._reusable(result.digest)
        if again is not None:
            batch.texts.append(again)
        elif duplicate is not None:
            batch.copies.append((job, *duplicate))
        else:
            batch.pages.append((job, result))
        return True

    def _decode_panels(
        self, job: PageJob, page: DecodedPage, decode_again: Callable[[PageJob], DecodeResult]
    ) -> DecodeResult:
        """Return a page with its images as well; OCR does not run twice."""
        if page.ocr is not None and not page.ocr.from_cache:
            self._ocr_cache.add(page.ocr)
            self._ocr_cache.flush()
        result = decode_again(job)
        return replace(result, ocr=page.ocr) if isinstance(result, DecodedPage) else result

    def _skip(self, plan: Plan, job: PageJob, reason: str) -> None:
        """Record a page that cannot be indexed; what was indexed of it before is missing."""
        plan.skipped[job.task.source_id].append((job.display_path, reason))
        if job.previous is not None and not job.previous.missing:
            self._index.catalog.mark_missing([job.previous.id])
            plan.status_counts[PageStatus.MISSING] += 1

    def _reusable(self, digest: str) -> tuple[int, list[int]] | None:
        """Return a page with this content and the vector rows of its panels, if all is what was written."""
        for page_id, panels in self._index.catalog.pages.pages_by_digest(digest):
            rows = self._index.intact_rows(page_id, panels)
            if rows is not None:
                return page_id, rows
        return None

    def _record(self, job: PageJob, page: DecodedPage) -> None:
        """Keep the OCR lines, the warnings and the OCR counts of a page."""
        self.warnings += [(job.display_path, text) for text in _first_warnings(page.warnings)]
        if page.ocr is None:
            return
        if not page.ocr.from_cache:
            self._ocr_cache.add(page.ocr)
        read = [p.detected for p in page.panels or () if p.detected.text_source == "ocr"]
        self.ocr.engine = page.ocr_engine or ""
        self.ocr.pages += not page.ocr.from_cache
        self.ocr.cached += page.ocr.from_cache
        self.ocr.seconds = round(self.ocr.seconds + page.ocr.seconds, 3)
        self.ocr.words += sum(len((panel.text or "").split()) for panel in read)
        self.ocr.sound_effects += sum(len(panel.sound_effects.split()) for panel in read)

    def _land(self, plan: Plan, batch: Batch) -> None:
        """Encode and write a batch. On a GPU, start to encode it, and write the one before it meanwhile."""
        in_background = bool(batch.pages) and not on_cpu(self._encoder())  # loading it is a stage of its own
        if in_background:
            self._batch_size = self._options.batch_size or _BATCH_SIZE_GPU
        encode = partial(self._encode, batch)
        wait = self._background.submit(encode).result if in_background else encode
        self._write_handed_out(plan)
        self._handed_out = batch, wait
        if not in_background:
            self._write_handed_out(plan)

    def _encode(self, batch: Batch) -> PanelEmbeddings:
        panels = [panel.input for panel in batch.decoded_panels]
        return self._encoder().encode(panels, batch_size=self._batch_size)

    def _write_handed_out(self, plan: Plan) -> None:
        """Wait for the vectors of the batch that is being encoded, if there is one, and write it."""
        if self._handed_out is None:
            return
        (batch, wait), self._handed_out = self._handed_out, None
        self.pages_done += batch.page_count
        self._ocr_cache.flush()  # before the pages, so that every page with OCR text has its lines stored
        if batch.copies:
            self._write_copies(batch)
        if batch.pages:
            with self._timer.stage("encode"):
                embeddings = wait()
            if not embeddings.finite().all():
                batch, embeddings = self._skip_not_finite(plan, batch, embeddings)
            if batch.pages:
                self._write_pages(batch, embeddings)
        if batch.texts:
            self._write_texts(plan, batch.texts)

    def _write_texts(self, plan: Plan, pages: Sequence[TextPage]) -> None:
        """Encode and write the texts of pages with known image vectors."""
        encoder = self._encoder()
        assert can_encode_texts(encoder)  # else no page is a text page
        with self._timer.stage("encode"):
            pairs = [pair for page in pages for pair in page.changed]
            embeddings = encode_texts(self._index, encoder, pairs)
        if not embeddings.finite().all():
            for page in pages:
                self._skip(plan, page.job, "the encoder gave vectors that are not numbers; build with another --device")
            return
        with self._timer.stage("write"):
            write_texts(self._index, pages, embeddings, self._options.thumbnails)
        self.texts += len(pairs)

    def _skip_not_finite(self, plan: Plan, batch: Batch, embeddings: PanelEmbeddings) -> tuple[Batch, PanelEmbeddings]:
        """Skip pages with vectors that are not numbers: they must never be stored. Return the others."""
        finite, kept, start = embeddings.finite(), np.ones(len(embeddings.picture), bool), 0
        others = Batch(copies=batch.copies, texts=batch.texts)
        for job, page in batch.pages:
            own = slice(start, start + len(page.panels or ()))
            if finite[own].all():
                others.pages.append((job, page))
            else:
                kept[own] = False
                plan.status_counts[PageStatus.NEW if job.previous is None else PageStatus.CHANGED] -= 1
                self._skip(plan, job, "the encoder gave vectors that are not numbers; build with another --device")
            start = own.stop
        return others, embeddings.take(kept)

    def _write_copies(self, batch: Batch) -> None:
        """Write pages with the content of others: new panels with copies of the same vectors."""
        index = self._index
        with self._timer.stage("write"):
            rows = [row for *_, copied in batch.copies for row in copied]
            first = index.next_row()
            index.vectors.copy(first, np.array(rows, np.int64))
            index.thumbnails.copy([(row, first + i) for i, row in enumerate(rows)])
            index.thumbnails.remove(index.catalog.copy_pages(list(page_copies(batch, first))))
        self.reused += len(rows)

    def _write_pages(self, batch: Batch, embeddings: PanelEmbeddings) -> None:
        index, panels = self._index, batch.decoded_panels
        with self._timer.stage("write"):
            first = index.next_row()
            sums = index.vectors.append(first, embeddings)
            if self._options.thumbnails:
                index.thumbnails.put(
                    [(first + i, p.thumbnail) for i, p in enumerate(panels) if p.thumbnail],
                    [(first + i, p.keypoints) for i, p in enumerate(panels) if p.keypoints],
                )
            pages = list(new_pages(batch, first, embeddings, sums))
            index.thumbnails.remove(index.catalog.write_pages(pages))
        self.encoded += len(panels)


def _first_warnings(warnings: Sequence[str]) -> list[str]:
    """Return the first warnings of a page: thousands of one page would hide those of all others."""
    more = len(warnings) - _WARNINGS_PER_PAGE
    return [*warnings[:_WARNINGS_PER_PAGE], *([f"and {more:,} more warnings for this page"] if more > 0 else [])]
