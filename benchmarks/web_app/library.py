"""A synthetic library: clustered vectors, dialogues of five words, and thumbnails cut from the sample comics."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import sample_data
from index_builder.write import CatalogWriter, write_generation
from retrieval.encoder import load_encoder
from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.spec import DIMENSION
from retrieval.images.keypoints import pack_thumbnail_keypoints
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.records import Box
from retrieval.store.catalog.records import NewPage, NewPanel
from retrieval.store.layout import catalog_url, generation_folder
from retrieval.store.settings import EncoderRecord
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore

WORDS = [a + b for a in ("lan", "har", "mor", "sil", "ver", "kin", "tol", "bra", "cor", "fen") for b in
         ("tern", "bour", "ning", "ence", "dict", "dred", "king", "low", "ver", "dle", "mist", "gate")]  # fmt: skip
BATCH = 2_000
"""Panels written at once."""


def make_library(folder: Path, panels: int, regions: int, *, with_thumbnails: bool = True) -> None:
    """Write an index of panels in books of 200, five on a page, unless it is there.

    A library that was interrupted goes on after its last batch: what a batch holds depends on its place only.
    """
    if is_complete(folder):
        return
    encoder = load_encoder("small")
    folder.mkdir(parents=True, exist_ok=True)
    centres = np.random.default_rng(1).normal(size=(max(10, panels // 50), DIMENSION)).astype(np.float32)
    vectors = VectorStore(folder / "vectors", regions=regions)
    images = [encode_thumbnail(piece(seed)) for seed in range(64 if with_thumbnails else 0)]
    keypoints = [pack_thumbnail_keypoints(webp) for webp in images]
    thumbnails = Thumbnails(folder)
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        source = catalog.source_id(folder / "comics")
        written = catalog.panels.last_vector_row() + 1
        vectors.truncate(written)
        thumbnails.truncate(written)
        for start in range(written, panels, BATCH):
            count, rng = min(BATCH, panels - start), np.random.default_rng((1, start))
            sums = vectors.append(start, encoded(rng, centres, count, regions))
            if with_thumbnails:
                rows = range(start, start + count)
                stored = ([(row, kind[row % len(kind)]) for row in rows] for kind in (images, keypoints))
                thumbnails.put(*stored)
            catalog.write_pages(list(pages(catalog, source, rng, start, sums)))
            print(f"{start + count:,} panels written", file=sys.stderr)
        record = EncoderRecord("small", "small", encoder.fingerprint, encoder.settings)
        catalog.write_settings(encoder=record, regions=regions)
        print("training and filling the vector indexes", file=sys.stderr)
        shutil.rmtree(generation_folder(folder, 1), ignore_errors=True)
        write_generation(folder, 1, catalog, vectors, "auto")
        catalog.switch_generation(1)


def is_complete(folder: Path) -> bool:
    """Return True if there is a library that can be searched."""
    if not (folder / "catalog.sqlite").exists():
        return False
    with CatalogWriter.create(catalog_url(folder)) as catalog:
        return catalog.settings().generation is not None


def encoded(rng: np.random.Generator, centres: np.ndarray, count: int, regions: int) -> PanelEmbeddings:
    """Return embeddings of `count` panels around random centres."""

    def near(shape: tuple[int, ...]) -> Any:
        rows = centres[rng.integers(0, len(centres), shape[0])].reshape(shape[0], *([1] * (len(shape) - 2)), DIMENSION)
        vectors = (rows + 0.7 * rng.standard_normal(shape, np.float32)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

    flat = (count, DIMENSION)
    gate = np.full((count, 3), 1 / 3, np.float32)
    region_vectors = near((count, regions, DIMENSION)) if regions else None
    return PanelEmbeddings(near(flat), near(flat), near(flat), gate, region_vectors)


def pages(
    catalog: CatalogWriter, source: int, rng: np.random.Generator, start: int, sums: list[bytes]
) -> Iterator[NewPage]:
    """Return the pages of panels with these checksums, whose first vector row is `start`."""
    books: dict[int, int] = {}
    for first in range(start, start + len(sums), 5):
        own = sums[first - start : first - start + 5]
        number = first // 200
        if number not in books:
            books[number] = catalog.book_id(source, f"Book {number}", f"Book {number}", "folder")
        book = books[number]
        dialogues = [" ".join(WORDS[n] for n in row) for row in rng.integers(0, len(WORDS), (5, 5))]
        panels = tuple(
            NewPanel(
                number=i + 1,
                box=Box(0, 280 * i, 1000, 270),
                dialogue=dialogues[i],
                box_source="annotation",
                vector_row=first + i,
                gate=(0.4, 0.4, 0.2),
                vector_checksums=checksums,
            )
            for i, checksums in enumerate(own)
        )
        place = first % 200 // 5 + 1
        yield NewPage(book, f"{place:03}.png", place, "fingerprint", f"digest{first}", 1000, 1400, panels)


def piece(seed: int) -> Image.Image:
    """Return a piece of a page of the sample comics, of the size of a panel, the same for the same seed."""
    pages = sorted(Path(sample_data.__file__).with_name("comics").rglob("*.jpg"))
    rng = np.random.default_rng(seed)
    with Image.open(pages[rng.integers(len(pages))]) as page:
        left, top = rng.random(2) * (0.55, 0.7)
        box = (left * page.width, top * page.height, (left + 0.45) * page.width, (top + 0.3) * page.height)
        return page.convert("RGB").crop(tuple(round(side) for side in box))


def drawing(seed: int) -> Image.Image:
    """Return 480 x 320 pixels of soft random colours, the same for the same seed."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(small).resize((480, 320), Image.Resampling.BICUBIC)
