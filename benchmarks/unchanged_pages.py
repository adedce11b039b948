"""Measure the time of building a large library again, unchanged and with one book added.

    python benchmarks/unchanged_pages.py [--pages 100000] [--keep FOLDER] [--json]

Makes books of 100 tiny pages, every second one a CBZ, and builds them with an encoder that takes no time. Prints the
time of each stage of the next builds. --keep leaves library and index in FOLDER for the next run.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures.rows import Figures
from index_builder import BuildReport, build_index
from index_builder.sources import BookRef, find_books
from retrieval.encoder.protocol import PanelEmbeddings, PanelInput, QueryInput
from retrieval.encoder.spec import DIMENSION, EncoderSpec
from retrieval.progress import ProgressCallback, no_progress
from retrieval.records import View

PAGES_A_BOOK = 100


class FreeEncoder:
    """An encoder of random unit vectors, all different, in almost no time."""

    name = fingerprint = "free"
    provisional = False
    spec = EncoderSpec()
    settings: dict[str, Any]

    def __init__(self) -> None:
        self.settings = {}
        self._rng = np.random.default_rng(1)

    def encode(
        self, panels: Sequence[PanelInput], *, batch_size: int = 32, progress: ProgressCallback = no_progress
    ) -> PanelEmbeddings:
        rows = self._rng.standard_normal((len(panels), DIMENSION)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return PanelEmbeddings(rows, rows, rows, np.tile(np.array([1, 0, 0], np.float32), (len(panels), 1)))

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> Any:
        raise NotImplementedError


def tiny_page(number: int) -> bytes:
    """Return a PNG of 8 x 8 pixels, a different one for each number."""
    out = io.BytesIO()
    dots = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(dots).save(out, "PNG")
    return out.getvalue()


def make_book(library: Path, number: int) -> None:
    """Write a book, a CBZ if its number is odd."""
    pages = {f"{page:03}.png": tiny_page(PAGES_A_BOOK * number + page) for page in range(PAGES_A_BOOK)}
    place = library / f"series {number // 40}" / f"book {number}"
    place.parent.mkdir(parents=True, exist_ok=True)
    if number % 2:
        with zipfile.ZipFile(place.with_suffix(".cbz"), "w") as archive:
            for name, data in pages.items():
                archive.writestr(name, data)
        return
    place.mkdir(exist_ok=True)
    for name, data in pages.items():
        (place / name).write_bytes(data)


def build(library: Path, index: Path) -> BuildReport:
    # large batches make few commits: the first build is not measured
    options = {"page_is_panel": True, "thumbnails": False, "batch_size": 4096}
    return build_index([library], index, encoder=FreeEncoder(), **options)


def prepare(folder: Path, books: int) -> None:
    """Make the library and its index, unless they exist."""
    if (folder / "ready").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(books):
        make_book(folder / "comics", number)
    print(f"{PAGES_A_BOOK * books:,} pages made; building them")
    show("first build", build(folder / "comics", folder / "an.index"), 0.0)
    (folder / "ready").touch()


def walk_seconds(library: Path) -> float:
    """Return the seconds to find all books and their pages on disk, without a catalog."""
    begin = time.perf_counter()
    pages = sum(len(book.pages) for book in find_books(library) if isinstance(book, BookRef))
    seconds = time.perf_counter() - begin
    print(f"walk alone: {pages:,} pages in {seconds:.2f} s")
    return seconds


def show(title: str, report: BuildReport, walk: float) -> None:
    parts = {**report.seconds}
    total = parts.pop("total")
    if walk:
        parts["scan"] -= walk
        parts = {"walk": walk, "catalog and status": parts.pop("scan"), **parts}
    named = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
    rest = total - sum(parts.values())
    print(f"{title}: {total:.2f} s ({named}, rest {rest:.2f}); {report.pages_unchanged:,} pages unchanged, ", end="")
    print(f"{report.pages_new:,} new, {report.encoded:,} panels encoded")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    figures = Figures("unchanged_pages", arguments.json)
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        books = arguments.pages // PAGES_A_BOOK
        prepare(folder, books)
        comics, index = folder / "comics", folder / "an.index"
        build(comics, index)
        walk = walk_seconds(comics)
        unchanged = build(comics, index)
        show("nothing changed", unchanged, walk)
        figures.add("nothing changed", unchanged.seconds["total"], "s", walk, "the walk over the files alone")
        added = sum(1 for _ in comics.glob("series */*"))
        make_book(comics, added)
        grown = build(comics, index)
        show("one book added", grown, walk)
        figures.add("one book added", grown.seconds["total"], "s", unchanged.seconds["total"], "nothing changed")


if __name__ == "__main__":
    main()
