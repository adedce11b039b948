"""A batch of whole pages, and its pages as catalog records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from index_builder.decode.records import DecodedPage, DecodedPanel
from index_builder.plan.plan import PageJob
from index_builder.write.pages.records import new_page
from index_builder.write.pages.texts import TextPage
from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.store.catalog.records import NewPage, NewPanel, PageCopy


@dataclass
class Batch:
    """Whole pages to write together.

    copies: pages with the content of another page, with its id and the vector rows of its panels. texts: pages of
    which only the text was read.
    """

    pages: list[tuple[PageJob, DecodedPage]] = field(default_factory=list)
    copies: list[tuple[PageJob, int, list[int]]] = field(default_factory=list)
    texts: list[TextPage] = field(default_factory=list)

    @property
    def panels(self) -> int:
        """Number of panels in the batch."""
        encoded = sum(len(page.panels or ()) for _, page in self.pages)
        return encoded + sum(len(rows) for *_, rows in self.copies) + sum(len(page.stored) for page in self.texts)

    @property
    def decoded_panels(self) -> list[DecodedPanel]:
        """The panels of the decoded pages, in order."""
        return [panel for _, page in self.pages for panel in page.panels or ()]

    @property
    def page_count(self) -> int:
        """Number of pages in the batch."""
        return len(self.pages) + len(self.copies) + len(self.texts)


def new_pages(batch: Batch, first_row: int, embeddings: PanelEmbeddings, sums: Sequence[bytes]) -> Iterator[NewPage]:
    """Return the pages of a batch as catalog records; panel i of the batch has vector row `first_row + i`."""
    gates = embeddings.gate.tolist()
    norms = [None] * len(gates) if embeddings.picture_norms is None else embeddings.picture_norms.tolist()
    row = 0
    for job, page in batch.pages:
        panels = page.panels or ()
        own = slice(row, row + len(panels))
        yield new_page(job, page, _new_panels(panels, first_row + row, gates[own], sums[own], norms[own]))
        row += len(panels)


def _new_panels(
    panels: Iterable[DecodedPanel],
    first_row: int,
    gates: Sequence[Sequence[float]],
    sums: Sequence[bytes],
    norms: Sequence[float | None],
) -> Iterator[NewPanel]:
    rows = zip(panels, gates, sums, norms, strict=True)
    for place, (panel, (picture, dialogue, composition), one, norm) in enumerate(rows):
        detected = panel.detected
        yield NewPanel(
            number=detected.number,
            box=detected.box,
            dialogue=detected.text or "",
            box_source=detected.box_source,
            vector_row=first_row + place,
            gate=(picture, dialogue, composition),
            sound_effects=detected.sound_effects,
            text_source=detected.text_source,
            vector_checksums=one,
            picture_norm=norm,
        )


def page_copies(batch: Batch, first_row: int) -> Iterator[PageCopy]:
    """Return the copies of a batch as catalog records; copied vector rows follow each other from `first_row` on."""
    row = first_row
    for job, copy_from, copied in batch.copies:
        rows = {old: row + i for i, old in enumerate(copied)}
        row += len(copied)
        yield PageCopy(copy_from, job.book_id, job.page.name, job.page.number, job.fingerprint, job.label, rows)
