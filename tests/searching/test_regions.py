"""Region vectors: a crop finds its panel, and the most similar pair of vectors gives the score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from index_builder import build_index
from retrieval import PanelIndex, verify_index
from retrieval.encoder.protocol import PanelEmbeddings, QueryVectors
from retrieval.encoder.spec import DIMENSION
from retrieval.errors import IndexDamaged, UsageError
from retrieval.records import View
from retrieval.store.vectors import VectorStore
from tests.conftest import FloatRows, GridEncoder, QuarterEncoder, draw_page, panel_boxes, unit
from tests.searching.synthetic import clustered, library, write_index

COUNT, REGIONS = 300, 3


def region_vectors(count: int, seed: int) -> FloatRows:
    return clustered(count * REGIONS, seed).reshape(count, REGIONS, DIMENSION)


@pytest.fixture(params=["exact", "ivfpq"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    rows, regions = library(COUNT, 1), region_vectors(COUNT, 3)
    folder = write_index(tmp_path / "i", rows, clustered(COUNT, 2), request.param, regions)
    with PanelIndex.open(folder, encoder=QuarterEncoder()) as opened:
        yield opened


def all_vectors() -> FloatRows:
    """Return (COUNT, 1 + REGIONS, 512) vectors as rounded on disk."""
    joined = np.concatenate([clustered(COUNT, 2)[:, None], region_vectors(COUNT, 3)], axis=1)
    return unit(joined.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("vectors", [1, 4])
def test_the_most_similar_pair_gives_the_score(
    index: PanelIndex, vectors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores equal plain NumPy over all pairs, for queries of one and of several vectors."""
    query = clustered(vectors, 9)
    monkeypatch.setattr(QuarterEncoder, "encode_query_regions", lambda _, queries: [QueryVectors(query)])
    expected = np.einsum("vd,npd->nvp", query, all_vectors()).max(axis=(1, 2))
    for exact in (True, False):
        hits = index.search(image=np.zeros((9, 9, 3), np.uint8), k=10, exact=exact)
        np.testing.assert_allclose([h.score for h in hits], np.sort(expected)[::-1][:10], atol=2e-6)
        assert [h.panel.id for h in hits][:3] == (np.argsort(-expected)[:3] + 1).tolist()


def test_filters_and_result_pages_with_regions(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    query = clustered(1, 9)
    monkeypatch.setattr(QuarterEncoder, "encode_query_regions", lambda _, queries: [QueryVectors(query)])
    scores = np.einsum("vd,npd->nvp", query, all_vectors()).max(axis=(1, 2))
    picture = np.zeros((9, 9, 3), np.uint8)
    hits = index.search(image=picture, where={"book": "Book 3"}, k=5, offset=5)
    allowed = [p.id - 1 for p in index.browse(where={"book": "Book 3"}, k=1000)]
    np.testing.assert_allclose([h.score for h in hits], np.sort(scores[allowed])[::-1][5:10], atol=2e-6)


def test_panels_that_show_more_of_the_query_come_first(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is cosine plus coverage, against plain NumPy; the score stays the cosine, and result pages join."""
    query, sizes = clustered(2, 9), (clustered(4, 10), clustered(3, 11), np.empty((0, DIMENSION), np.float32))
    monkeypatch.setattr(
        QuarterEncoder, "encode_query_regions", lambda _, queries: [QueryVectors(query, sizes)] * len(queries)
    )
    scores = np.einsum("vd,npd->nvp", query, all_vectors()).max(axis=(1, 2))
    by_size = [np.einsum("wd,npd->nwp", size, all_vectors()).max(axis=2) for size in sizes[:2]]
    coverage = np.maximum(np.sort(by_size[0])[:, 1:].mean(axis=1), np.sort(by_size[1])[:, 1:].mean(axis=1))
    near = np.argsort(-scores)[:200]
    near = near[np.argsort(-(scores + coverage)[near])]
    expected = [*near, *np.argsort(-scores)[200:]]
    picture = np.zeros((9, 9, 3), np.uint8)
    hits = index.search(image=picture, k=COUNT, exact=True)
    np.testing.assert_allclose([h.score for h in hits], scores[expected], atol=2e-6)
    pages = [
        h.panel.id for start in range(0, 230, 23) for h in index.search(image=picture, k=23, offset=start, exact=True)
    ]
    assert pages == [h.panel.id for h in hits][:230]


def test_every_panel_is_found_once(index: PanelIndex) -> None:
    """A panel is one hit, for any number of its vectors among the candidates."""
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


def test_a_crop_finds_its_panel(tmp_path: Path) -> None:
    """A quarter of a panel is found from file to hit; without regions its score is far from 1."""
    x, y, w, h = panel_boxes(4)[2]
    quarter = draw_page(1).crop((x, y, x + w // 2, y + h // 2))
    scores = {}
    for name, options in (("with", {}), ("without", {"regions": False})):
        with PanelIndex.open(built(tmp_path, name, **options), encoder=QuarterEncoder()) as index:
            best = index.search(image=quarter, k=1)[0]
            scores[name] = best.score
            assert index.info()["regions"] == (4 if name == "with" else 0)
            if name == "with":
                assert (best.panel.page_path.endswith("1.png"), best.panel.number) == (True, 3)
    assert scores["with"] > 0.98 > scores["without"]


def test_the_first_build_decides(tmp_path: Path) -> None:
    """Later builds use regions as the first one did; another choice is refused."""
    folder = built(tmp_path, "i", regions=False)
    Image.new("RGB", (300, 300), "red").save(tmp_path / "comics" / "book" / "new.png")
    build_index([tmp_path / "comics"], folder, encoder=QuarterEncoder(), workers=0, ocr=False)
    assert not list((folder / "vectors").glob("regions-*"))
    message = "the index does not have region vectors of its panels\nleave out --regions"
    with pytest.raises(UsageError, match=message):
        build_index([tmp_path / "comics"], folder, encoder=QuarterEncoder(), workers=0, ocr=False, regions=True)


def test_an_encoder_without_regions_is_refused(tmp_path: Path) -> None:
    draw_page(1).save(tmp_path / "1.png")
    with pytest.raises(UsageError, match="encoder grid has no region vectors\nleave out --regions"):
        build_index([tmp_path / "1.png"], tmp_path / "i", encoder=GridEncoder(), workers=0, ocr=False, regions=True)


def test_verify_checks_the_regions(tmp_path: Path) -> None:
    """A flipped byte in a region vector is found; a tail without panels is cut off by the next build."""
    folder = built(tmp_path, "i")
    assert verify_index(folder, encoder=QuarterEncoder()).sound
    file = folder / "vectors" / "regions-00000.f16"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:4096])
    build_index([tmp_path / "comics"], folder, encoder=QuarterEncoder(), workers=0, ocr=False)
    assert file.read_bytes() == whole
    damaged = bytearray(whole)
    damaged[101] ^= 1
    file.write_bytes(damaged)
    problems = verify_index(folder, encoder=QuarterEncoder(), sample=0).problems
    assert [p.found.split(": ")[1] for p in problems] == ["its region vectors are not what was written"]


def test_regions_across_files(tmp_path: Path) -> None:
    """Each row has R region rows, in files of their own, which may divide them."""
    regions, rows = region_vectors(12, 5), clustered(12, 6)
    vectors = VectorStore(tmp_path, shard_rows=5, regions=REGIONS)
    encoded = PanelEmbeddings(rows, rows, rows, np.zeros((12, 3), np.float32), regions)
    vectors.append(0, encoded)
    assert vectors.rows() == 12
    read = vectors.read_regions(np.array([11, 0, 4])).reshape(3, REGIONS, DIMENSION)
    np.testing.assert_allclose(read, regions[[11, 0, 4]], atol=1e-3)
    vectors.truncate(4)
    assert (vectors.rows(), len(list(tmp_path.glob("regions-*")))) == (4, 3)
    for view in View:
        (tmp_path / f"{view}-00000.f16").write_bytes(bytes(5 * 1024))
    with pytest.raises(IndexDamaged, match="the folder has 12 regions vectors; the catalog names 15"):
        vectors.truncate(5)
