"""Panels that speak with several vectors: a piece finds its panel, and the score is that of the likest pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from index_builder import build_index
from retrieval import PanelIndex, verify_index
from retrieval.encoder.protocol import DIMENSION, PanelEmbeddings, QueryVectors
from retrieval.errors import IndexDamaged, UsageError
from retrieval.records import View
from retrieval.store.vectors import VectorStore
from tests.conftest import FloatRows, GridEncoder, QuarterEncoder, draw_page, panel_boxes, unit
from tests.searching.synthetic import clustered, library, write_index

COUNT, PARTS = 300, 3


def some_parts(count: int, seed: int) -> FloatRows:
    return clustered(count * PARTS, seed).reshape(count, PARTS, DIMENSION)


@pytest.fixture(params=["exact", "ivfpq"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    rows, parts = library(COUNT, 1), some_parts(COUNT, 3)
    folder = write_index(tmp_path / "i", rows, clustered(COUNT, 2), request.param, parts)
    with PanelIndex.open(folder, encoder=QuarterEncoder()) as opened:
        yield opened


def everything() -> FloatRows:
    """(COUNT, 1 + PARTS, 512) as rounded on disk."""
    joined = np.concatenate([clustered(COUNT, 2)[:, None], some_parts(COUNT, 3)], axis=1)
    return unit(joined.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("vectors", [1, 4])
def test_scores_are_those_of_the_likest_pair(index: PanelIndex, vectors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against plain NumPy over all pairs, for queries of one and of several vectors."""
    asked = clustered(vectors, 9)
    monkeypatch.setattr(QuarterEncoder, "encode_query_parts", lambda _, queries: [QueryVectors(asked)])
    expected = np.einsum("vd,npd->nvp", asked, everything()).max(axis=(1, 2))
    for exact in (True, False):
        hits = index.search(image=np.zeros((9, 9, 3), np.uint8), k=10, exact=exact)
        np.testing.assert_allclose([h.score for h in hits], np.sort(expected)[::-1][:10], atol=2e-6)
        assert [h.panel.id for h in hits][:3] == (np.argsort(-expected)[:3] + 1).tolist()


def test_filters_and_pages_of_results_see_parts_too(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = clustered(1, 9)
    monkeypatch.setattr(QuarterEncoder, "encode_query_parts", lambda _, queries: [QueryVectors(asked)])
    scores = np.einsum("vd,npd->nvp", asked, everything()).max(axis=(1, 2))
    picture = np.zeros((9, 9, 3), np.uint8)
    hits = index.search(image=picture, where={"book": "Book 3"}, k=5, offset=5)
    allowed = [p.id - 1 for p in index.browse(where={"book": "Book 3"}, k=1000)]
    np.testing.assert_allclose([h.score for h in hits], np.sort(scores[allowed])[::-1][5:10], atol=2e-6)


def test_panels_that_show_the_pictures_windows_come_first(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order by cosine plus what is shown, against plain NumPy; the score stays the cosine, and pages join."""
    asked, sizes = clustered(2, 9), (clustered(4, 10), clustered(3, 11), np.empty((0, DIMENSION), np.float32))
    monkeypatch.setattr(
        QuarterEncoder, "encode_query_parts", lambda _, queries: [QueryVectors(asked, sizes)] * len(queries)
    )
    scores = np.einsum("vd,npd->nvp", asked, everything()).max(axis=(1, 2))
    each = [np.einsum("wd,npd->nwp", size, everything()).max(axis=2) for size in sizes[:2]]
    shown = np.maximum(np.sort(each[0])[:, 1:].mean(axis=1), np.sort(each[1])[:, 1:].mean(axis=1))
    near = np.argsort(-scores)[:200]
    near = near[np.argsort(-(scores + shown)[near])]
    expected = [*near, *np.argsort(-scores)[200:]]
    picture = np.zeros((9, 9, 3), np.uint8)
    hits = index.search(image=picture, k=COUNT, exact=True)
    np.testing.assert_allclose([h.score for h in hits], scores[expected], atol=2e-6)
    pages = [
        h.panel.id for start in range(0, 230, 23) for h in index.search(image=picture, k=23, offset=start, exact=True)
    ]
    assert pages == [h.panel.id for h in hits][:230]


def test_every_panel_once(index: PanelIndex) -> None:
    """However many of its vectors are candidates."""
    hits = index.search(panel=7, k=COUNT)
    assert len({h.panel.id for h in hits}) == len(hits) == COUNT
    assert (hits[0].panel.id, hits[0].score) == (7, pytest.approx(1.0, abs=1e-5))


def built(tmp_path: Path, name: str, **options: Any) -> Path:
    comics = tmp_path / "comics" / "book"
    comics.mkdir(parents=True, exist_ok=True)
    for n in range(3):
        draw_page(n).save(comics / f"{n}.png")
    build_index([tmp_path / "comics"], tmp_path / name, encoder=QuarterEncoder(), workers=0, ocr=False, **options)
    return tmp_path / name


def test_a_piece_finds_its_panel(tmp_path: Path) -> None:
    """A quarter of a panel, from file to hit; without parts its score is far from 1."""
    x, y, w, h = panel_boxes(4)[2]
    piece = draw_page(1).crop((x, y, x + w // 2, y + h // 2))
    scores = {}
    for name, options in (("with", {}), ("without", {"regions": False})):
        with PanelIndex.open(built(tmp_path, name, **options), encoder=QuarterEncoder()) as index:
            best = index.search(image=piece, k=1)[0]
            scores[name] = best.score
            assert index.info()["regions"] == (4 if name == "with" else 0)
            if name == "with":
                assert (best.panel.page_path.endswith("1.png"), best.panel.number) == (True, 3)
    assert scores["with"] > 0.98 > scores["without"]


def test_the_first_build_decides(tmp_path: Path) -> None:
    """Later builds follow it without being told, and are refused when told otherwise."""
    folder = built(tmp_path, "i", parts=False)
    Image.new("RGB", (300, 300), "red").save(tmp_path / "comics" / "book" / "new.png")
    build_index([tmp_path / "comics"], folder, encoder=QuarterEncoder(), workers=0, ocr=False)
    assert not list((folder / "vectors").glob("parts-*"))
    with pytest.raises(UsageError, match="does not keep vectors of the parts of panels: leave out --parts"):
        build_index([tmp_path / "comics"], folder, encoder=QuarterEncoder(), workers=0, ocr=False, parts=True)


def test_an_encoder_without_parts_says_so(tmp_path: Path) -> None:
    draw_page(1).save(tmp_path / "1.png")
    with pytest.raises(UsageError, match="encoder grid gives no vectors for the parts of a panel: leave out --parts"):
        build_index([tmp_path / "1.png"], tmp_path / "i", encoder=GridEncoder(), workers=0, ocr=False, parts=True)


def test_verify_reads_the_parts(tmp_path: Path) -> None:
    """A flipped byte in a part's vector is found; a tail that nobody names is cut off by the next build."""
    folder = built(tmp_path, "i")
    assert verify_index(folder, encoder=QuarterEncoder()).sound
    file = folder / "vectors" / "parts-00000.f16"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:4096])
    build_index([tmp_path / "comics"], folder, encoder=QuarterEncoder(), workers=0, ocr=False)
    assert file.read_bytes() == whole
    damaged = bytearray(whole)
    damaged[101] ^= 1
    file.write_bytes(damaged)
    problems = verify_index(folder, encoder=QuarterEncoder(), sample=0).problems
    assert any("picture vectors are not those that were written" in p.found for p in problems)


def test_parts_lie_across_shards(tmp_path: Path) -> None:
    """R rows for each row, in files of their own, whatever file a row begins in."""
    parts, rows = some_parts(12, 5), clustered(12, 6)
    shards = VectorStore(tmp_path, shard_rows=5, regions=PARTS)
    encoded = PanelEmbeddings(rows, rows, rows, np.zeros((12, 3), np.float32), parts)
    shards.append(0, encoded)
    assert shards.rows() == 12
    read = shards.read_regions(np.array([11, 0, 4])).reshape(3, PARTS, DIMENSION)
    np.testing.assert_allclose(read, parts[[11, 0, 4]], atol=1e-3)
    shards.truncate(4)
    assert (shards.rows(), len(list(tmp_path.glob("parts-*")))) == (4, 3)
    for view in View:
        (tmp_path / f"{view}-00000.f16").write_bytes(bytes(5 * 1024))
    with pytest.raises(IndexDamaged, match="holds 12 parts vectors and the catalog names 15"):
        shards.truncate(5)
