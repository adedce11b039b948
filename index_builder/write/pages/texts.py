"""New texts for pages whose panels are encoded already: their image vectors stay, and only the text is encoded.

A panel with another text gets a new vector row: copies of its image and region vectors, and new dialogue and fused
vectors. Any other panel of the page keeps its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index_builder.decode.records import DecodedPage, DecodedPanel
from index_builder.plan.plan import PageJob
from index_builder.write.pages.records import new_page
from index_builder.write.store import WritableIndex
from retrieval.encoder.protocol import PanelEmbeddings, TextEncoder
from retrieval.records import View
from retrieval.store.catalog.records import EncodedPanel, NewPanel
from retrieval.store.vectors import REGIONS

Pair = tuple[DecodedPanel, EncodedPanel]


@dataclass(frozen=True, slots=True)
class TextPage:
    """A page with its text read again, and its panels as they are stored, in the same order."""

    job: PageJob
    page: DecodedPage
    stored: tuple[EncodedPanel, ...]

    @property
    def pairs(self) -> list[Pair]:
        """Each panel as it was read now and as it is stored."""
        return list(zip(self.page.panels or (), self.stored, strict=True))

    @property
    def changed(self) -> list[Pair]:
        """The panels that have another text now."""
        return [(read, stored) for read, stored in self.pairs if _text(read) != stored.dialogue]


def text_page(index: WritableIndex, job: PageJob, page: DecodedPage) -> TextPage | None:
    """Return a page with its stored panels; None if it must be encoded again.

    That is so if it has other panels now, if a stored row or vector is damaged, or if a length is not known.
    """
    if job.previous is None:
        return None
    stored = tuple(index.catalog.panels.encoded(job.previous.id))
    places = [(panel.number, panel.box) for panel in stored]
    if places != [(panel.detected.number, panel.detected.box) for panel in page.panels or ()]:
        return None
    if any(panel.picture_norm is None for panel in stored):
        return None
    if index.intact_rows(job.previous.id, [panel.id for panel in stored]) is None:
        return None
    return TextPage(job, page, stored)


def encode_texts(index: WritableIndex, encoder: TextEncoder, pairs: Sequence[Pair]) -> PanelEmbeddings:
    """Return the vectors of panels with new texts; images and regions are the stored ones."""
    rows = np.array([stored.vector_row for _, stored in pairs], np.int64)
    norms = np.array([stored.picture_norm for _, stored in pairs], np.float32)
    images: NDArray[np.float32] = index.vectors.read(View.PICTURE, rows) * norms[:, None]
    found = encoder.encode_texts([read.input for read, _ in pairs], images)
    regions = None
    if index.vectors.regions:
        flat = index.vectors.read_stored(REGIONS, index.vectors.region_rows(rows))
        regions = flat.reshape(len(rows), index.vectors.regions, -1)
    picture = index.vectors.read_stored(View.PICTURE, rows)
    return PanelEmbeddings(picture, found.dialogue, found.fused, found.gate, regions, norms)


def write_texts(index: WritableIndex, pages: Sequence[TextPage], embeddings: PanelEmbeddings, thumbnails: bool) -> None:
    """Write the pages; embeddings: of all their changed panels, in order."""
    changed = [pair for page in pages for pair in page.changed]
    rows: dict[int, int] = {}
    sums: list[bytes] = []
    if changed:
        first = index.next_row()
        sums = index.vectors.append(first, embeddings)
        rows = {stored.vector_row: first + place for place, (_, stored) in enumerate(changed)}
        if thumbnails:
            index.thumbnails.copy(list(rows.items()))
    gates, new_sums = iter(embeddings.gate.tolist()), iter(sums)
    new = [new_page(page.job, page.page, _new_panels(page, rows, gates, new_sums)) for page in pages]
    index.catalog.write_pages(new)  # the old thumbnails stay until the purge: the searched generation names their rows


def _new_panels(
    page: TextPage, rows: dict[int, int], gates: Iterator[Sequence[float]], sums: Iterator[bytes]
) -> Iterator[NewPanel]:
    for read, stored in page.pairs:
        row = rows.get(stored.vector_row)
        gate = stored.gate if row is None else next(gates)
        yield NewPanel(
            number=stored.number,
            box=stored.box,
            dialogue=_text(read),
            box_source=read.detected.box_source,
            vector_row=stored.vector_row if row is None else row,
            gate=(gate[0], gate[1], gate[2]),
            sound_effects=read.detected.sound_effects,
            text_source=read.detected.text_source,
            vector_checksums=stored.vector_checksums if row is None else next(sums),
            picture_norm=stored.picture_norm,
        )


def _text(panel: DecodedPanel) -> str:
    return panel.detected.text or ""
