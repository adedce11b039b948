"""Panels whose vectors are damaged are encoded again from the comics, with the boxes and text of the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from index_builder.write import WritableIndex
from retrieval.encoder.inputs import panel_input
from retrieval.encoder.protocol import Encoder
from retrieval.errors import PanelseekError
from retrieval.panel_images import PanelImages
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import Panel
from retrieval.verify.vectors import damaged_panels, described

_BATCH = 64
"""Panels encoded between two commits; whole pages, so a little more."""


@dataclass
class EncodedAgain:
    """Outcome of encoding panels with damaged vectors again, a line for each panel."""

    encoded: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def encode_damaged(index: WritableIndex, encoder: Callable[[], Encoder], progress: ProgressCallback) -> EncodedAgain:
    """Compare all vectors with their checksums; encode damaged ones again under new rows.

    A panel whose comic cannot be read keeps its damaged row, which nothing is derived from. A missing page with damaged
    vectors is forgotten, and read as a new one if it comes back.
    """
    places = index.catalog.panels.vector_places(with_missing=True)
    damaged, result = damaged_panels(index.vectors, places, progress), EncodedAgain()
    if not damaged:
        return result
    present = index.catalog.panels.get(damaged)
    _forget_missing(index, [panel_id for panel_id in damaged if panel_id not in present], result)
    by_page: dict[int, list[Panel]] = defaultdict(list)
    for panel in present.values():
        by_page[panel.page_id].append(panel)
    images = PanelImages(index.catalog, index.thumbnails)
    report = StageProgress(progress, "encoding again", "panels", len(present))
    batch: list[tuple[Panel, Any]] = []
    for place, panels in enumerate(by_page.values(), 1):
        batch += _inputs(images, panels, result)
        if len(batch) >= _BATCH or place == len(by_page):
            _write(index, encoder, batch, result)
            report(len(result.encoded))
            batch = []
    return result


def _forget_missing(index: WritableIndex, panels: Sequence[int], result: EncodedAgain) -> None:
    pages = index.catalog.pages.pages_of_panels(panels)
    if pages:
        index.catalog.drop_pages(list(pages))
        result.left_out += [
            f"missing page {name}: removed, and read as new if it comes back" for name in pages.values()
        ]


def _inputs(images: PanelImages, panels: Sequence[Panel], result: EncodedAgain) -> list[tuple[Panel, Any]]:
    """Return the panels of one page as encoder input; none if its comic cannot be read."""
    found, reason = [], "its box is outside the page"
    try:
        page = images.page_image(panels[0].page_id)
        inputs = [(panel, panel_input(page, panel.box, panel.dialogue, panel.number)) for panel in panels]
        found = [(panel, item) for panel, item in inputs if item is not None]
    except PanelseekError as error:
        reason = str(error)
    readable = {panel.id for panel, _ in found}
    result.left_out += [
        f"{described(panel.id, panel)}: left out of the search ({reason})"
        for panel in panels
        if panel.id not in readable
    ]
    return found


def _write(
    index: WritableIndex, encoder: Callable[[], Encoder], batch: list[tuple[Panel, Any]], result: EncodedAgain
) -> None:
    """Encode panels, and write their vectors before the rows that name them."""
    if not batch:
        return
    encoded = encoder().encode([item for _, item in batch])
    finite = encoded.finite()
    kept = [panel for (panel, _), usable in zip(batch, finite, strict=True) if usable]
    first = index.next_row()
    sums = index.vectors.append(first, encoded.take(finite))
    rows = [(panel.id, first + place, sums[place]) for place, panel in enumerate(kept)]
    index.thumbnails.copy([(panel.vector_row, row) for panel, (_, row, _) in zip(kept, rows, strict=True)])
    index.catalog.replace_vectors(rows)
    result.encoded += [described(panel.id, panel) for panel in kept]
    result.left_out += [
        f"{described(panel.id, panel)}: left out of the search (the encoder gave vectors that are not numbers)"
        for (panel, _), usable in zip(batch, finite, strict=True)
        if not usable
    ]
