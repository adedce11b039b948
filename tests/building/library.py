"""A library of tiny drawn comics, and what an index of it holds, written down so that two can be compared."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import text

from index_builder import BuildReport, build_index
from retrieval import PanelIndex, verify_index
from retrieval.records import Panel, View
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from retrieval.store.vectors import VectorStore
from tests.conftest import GridEncoder, draw_page, panel_boxes

SIZE = (200, 300)
Boxes = Sequence[Sequence[float]]


def stage1(texts: Sequence[str | None], boxes: Boxes | None = None, size: tuple[int, int] = SIZE) -> bytes:
    """A page's annotation in the form of the published model's training."""
    boxes = panel_boxes(len(texts), size) if boxes is None else boxes
    panels = [{"bbox": list(b), "text": t} for b, t in zip(boxes, texts, strict=True)]
    return json.dumps({"image_width": size[0], "image_height": size[1], "panels": panels}).encode()


def drawn(seed: int, panels: int = 4, size: tuple[int, int] = SIZE) -> bytes:
    """A drawn page as PNG bytes."""
    out = io.BytesIO()
    draw_page(seed, panels, size).save(out, "PNG")
    return out.getvalue()


def plain(shade: int, size: tuple[int, int] = (32, 32)) -> bytes:
    """Return a small image of one grey, as PNG bytes."""
    out = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(out, "PNG")
    return out.getvalue()


def speckled(seed: int) -> bytes:
    """Return a small image unlike any other, as PNG bytes: quick to draw and to compare."""
    out = io.BytesIO()
    dots = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(dots.repeat(4, 0).repeat(4, 1)).save(out, "PNG")
    return out.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def page(path: Path, seed: int, texts: Sequence[str | None] = ("", "", "", ""), boxes: Boxes | None = None) -> Path:
    """Write a drawn page and its annotation; `path` has no suffix."""
    put(path.with_name(path.name + ".json"), stage1(texts, boxes))
    return put(path.with_name(path.name + ".png"), drawn(seed, max(len(texts), 1)))


def cbz(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def build(sources: Path | Sequence[Path], index: Path, encoder: Any = None, **options: Any) -> BuildReport:
    """Build in this process by default: it is quick, and the encoder can count."""
    sources = [sources] if isinstance(sources, Path) else sources
    return build_index(sources, index, encoder=encoder or GridEncoder(), **{"workers": 0, "ocr": False} | options)


def panels(index: Path) -> list[Panel]:
    """All panels in order of book, page and panel."""
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        return opened.browse(k=10_000)


def by_place(index: Path) -> dict[tuple[str, int], Panel]:
    """Panels by (page's path, panel number)."""
    return {(p.page_path, p.number): p for p in panels(index)}


_ROWS = """
SELECT source.path AS root, book.path, book.title, book.book_format, page.name, page.number AS place, page.digest,
       page.width, page.height, page.missing, panel.number, x, y, w, h, dialogue, box_source,
       gate_picture, gate_dialogue, gate_composition, vector_row
FROM source JOIN book ON book.source_id = source.id JOIN page ON page.book_id = book.id
LEFT JOIN panel ON panel.page_id = page.id
ORDER BY root, book.path, place, page.name, panel.number
"""


def content(index: Path) -> list[tuple[Any, ...]]:
    """Return all content of the catalog, with vectors in place of row numbers, in an order that no build decides."""
    shards = VectorStore(index / "vectors")
    with Catalog.open(catalog_url(index)) as catalog, catalog.engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(_ROWS))]
    return [(*row[:-1], *(_bytes(shards, view, row[-1]) for view in View)) for row in rows]


def _bytes(shards: VectorStore, view: View, row: int | None) -> bytes:
    return b"" if row is None else shards.read(view, np.array([row], np.int64)).tobytes()


def answers(index: Path, words: Sequence[str] = ()) -> list[list[tuple[Any, ...]]]:
    """Return the hits of every panel as a query and of some texts: (score, page path, number), without ids.

    Equal scores have no order of their own between two indexes, so they are put in the order of places.
    """
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        everything = opened.browse(k=10_000)
        found = [opened.search(panel=p.id, k=5) for p in everything[:: max(1, len(everything) // 20)]]
        found += [opened.search(text=w, k=50) for w in words]
    return [sorted((-round(h.score, 4), h.panel.page_path, h.panel.number) for h in hits) for hits in found]


def same_as_clean(big: Path, index: Path) -> None:
    """Compare content and hits with those of an uninterrupted build, and verify the index."""
    clean = index.with_name("clean.index")
    build(big, clean)
    assert content(index) == content(clean)
    words = ["page 7", "word11", "here"]
    assert answers(index, words) == answers(clean, words)
    assert verify_index(index, encoder=GridEncoder()).problems == ()
