"""Indexes written straight into catalog, shards and generation: thousands of panels without a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index_builder.write.catalog_writer import CatalogWriter
from index_builder.write.generation_writer import write_generation
from retrieval.encoder.protocol import DIMENSION, PanelEmbeddings
from retrieval.records import Box
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.layout import catalog_url
from retrieval.store.vectors import VectorStore
from tests.conftest import FloatRows, GridEncoder, QuarterEncoder, unit

PAGE = (1000, 1400)


@dataclass(frozen=True)
class Row:
    """A panel to be written: where it is and what it says."""

    book: str
    page: int
    panel: int
    box: tuple[float, float, float, float] = (0, 0, 100, 100)
    dialogue: str = ""


def clustered(count: int, seed: int, clusters: int = 60) -> FloatRows:
    """(count, 512) unit rows around some centres, as pictures of a series are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, DIMENSION))
    rows = centres[rng.integers(0, clusters, count)] + 0.7 * rng.normal(size=(count, DIMENSION))
    return unit(rows.astype(np.float32))


def spoken(texts: Sequence[str]) -> FloatRows:
    return np.stack([GridEncoder.dialogue(text) for text in texts])


def write_index(
    folder: Path, rows: Sequence[Row], picture: FloatRows, kind: str = "auto", parts: FloatRows | None = None
) -> Path:
    """Rows of one page must stand together. Panel i gets vector row i and id i + 1; `parts` is (P, R, 512)."""
    folder.mkdir(parents=True)
    dialogue = spoken([row.dialogue for row in rows])
    gate = np.full((len(rows), 3), 1 / 3, np.float32)
    each = 0 if parts is None else parts.shape[1]
    shards = VectorStore(folder / "vectors", regions=each)
    shards.append(0, PanelEmbeddings(picture, dialogue, unit(picture + dialogue), gate, parts))
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(folder.parent / "comics")
        books = {name: catalog.book_id(source, f"{name} path", name, "folder") for name in {r.book for r in rows}}
        pages: dict[tuple[str, int], list[NewPanel]] = {}
        for place, row in enumerate(rows):
            panel = NewPanel(row.panel, Box(*row.box), row.dialogue, "annotation", place, (0.2, 0.3, 0.5))
            pages.setdefault((row.book, row.page), []).append(panel)
        catalog.write_pages(
            [
                NewPage(books[book], f"{number}.png", number, "stat", "digest", *PAGE, tuple(panels))
                for (book, number), panels in pages.items()
            ]
        )
        encoder = GridEncoder() if parts is None else QuarterEncoder()
        catalog.write_settings(
            encoder={"name": encoder.name, "load": encoder.name, "fingerprint": encoder.fingerprint, "settings": {}},
            parts=each,
        )
        write_generation(folder, 1, catalog, shards, kind)
        catalog.write_settings(generation=1)
    return folder


def stored(folder: Path, view: str) -> FloatRows:
    """The vectors as they lie on disk, read without our code, with length 1."""
    files = sorted((folder / "vectors").glob(f"{view}-*.f16"))
    raw = np.concatenate([np.fromfile(file, "<f2").reshape(-1, DIMENSION) for file in files])
    return unit(raw.astype(np.float32))


def library(count: int, seed: int) -> list[Row]:
    """Panels in 7 books, 5 on a page, of many sizes; two in three have words."""
    rng = np.random.default_rng(seed)
    words = ["rain", "night", "frog", "potion", "harbor", "never", "here", "chance", "cat", "dragon", "soup"]
    rows = []
    for n in range(count):
        page, panel = divmod(n, 5)
        box = (0, 0, float(rng.integers(50, 1000)), float(rng.integers(50, 1400)))
        said = " ".join(rng.choice(words, rng.integers(1, 6))) if rng.random() < 0.66 else ""
        rows.append(Row(f"Book {page % 7}", page // 7 + 1, panel + 1, box, said))
    return rows
