"""Indexes written straight into catalog, vectors and generation: thousands of panels without an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index_builder.write import CatalogWriter, write_generation
from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.spec import DIMENSION
from retrieval.records import Box
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.layout import catalog_url
from retrieval.store.settings import EncoderRecord
from retrieval.store.vectors import VectorStore
from tests.conftest import FloatRows, GridEncoder, QuarterEncoder, unit

PAGE = (1000, 1400)


@dataclass(frozen=True)
class Row:
    """A panel to write: its place and its dialogue."""

    book: str
    page: int
    panel: int
    box: tuple[float, float, float, float] = (0, 0, 100, 100)
    dialogue: str = ""


def clustered(count: int, seed: int, clusters: int = 60) -> FloatRows:
    """Return (count, 512) unit rows around random centres, as the images of a series are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, DIMENSION))
    rows = centres[rng.integers(0, clusters, count)] + 0.7 * rng.normal(size=(count, DIMENSION))
    return unit(rows.astype(np.float32))


def dialogue_vectors(texts: Sequence[str]) -> FloatRows:
    """Return (P, 512) dialogue vectors of the texts."""
    return np.stack([GridEncoder.dialogue(text) for text in texts])


def write_index(
    folder: Path, rows: Sequence[Row], picture: FloatRows, index_type: str = "auto", regions: FloatRows | None = None
) -> Path:
    """Write an index of panels in which panel i has vector row i and id i + 1; return its folder.

    rows: those of one page stand together. picture: (P, 512). regions: (P, R, 512) region vectors.
    """
    folder.mkdir(parents=True)
    dialogue = dialogue_vectors([row.dialogue for row in rows])
    gate = np.full((len(rows), 3), 1 / 3, np.float32)
    regions_per_panel = 0 if regions is None else regions.shape[1]
    vectors = VectorStore(folder / "vectors", regions=regions_per_panel)
    sums = vectors.append(0, PanelEmbeddings(picture, dialogue, unit(picture + dialogue), gate, regions))
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(folder.parent / "comics")
        books = {name: catalog.book_id(source, f"{name} path", name, "folder") for name in {r.book for r in rows}}
        pages: dict[tuple[str, int], list[NewPanel]] = {}
        for place, row in enumerate(rows):
            own = (0.2, 0.3, 0.5)
            panel = NewPanel(
                row.panel, Box(*row.box), row.dialogue, "annotation", place, own, vector_checksums=sums[place]
            )
            pages.setdefault((row.book, row.page), []).append(panel)
        catalog.write_pages(
            [
                NewPage(books[book], f"{number}.png", number, "stat", "digest", *PAGE, tuple(panels))
                for (book, number), panels in pages.items()
            ]
        )
        encoder = GridEncoder() if regions is None else QuarterEncoder()
        record = EncoderRecord(encoder.name, encoder.name, encoder.fingerprint)
        catalog.write_settings(encoder=record, regions=regions_per_panel)
        write_generation(folder, 1, catalog, vectors, index_type)
        catalog.switch_generation(1)
    return folder


def stored(folder: Path, view: str) -> FloatRows:
    """Return the vectors on disk, read without the code under test, with length 1."""
    files = sorted((folder / "vectors").glob(f"{view}-*.f16"))
    raw = np.concatenate([np.fromfile(file, "<f2").reshape(-1, DIMENSION) for file in files])
    return unit(raw.astype(np.float32))


def library(count: int, seed: int) -> list[Row]:
    """Return panels in 7 books, 5 on a page, of many sizes; two in three have dialogue."""
    rng = np.random.default_rng(seed)
    words = ["rain", "night", "frog", "potion", "harbor", "never", "here", "chance", "cat", "dragon", "soup"]
    rows = []
    for n in range(count):
        page, panel = divmod(n, 5)
        box = (0, 0, float(rng.integers(50, 1000)), float(rng.integers(50, 1400)))
        dialogue = " ".join(rng.choice(words, rng.integers(1, 6))) if rng.random() < 0.66 else ""
        rows.append(Row(f"Book {page % 7}", page // 7 + 1, panel + 1, box, dialogue))
    return rows
