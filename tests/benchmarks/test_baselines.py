"""The other ways to search vectors find what they should, and synthetic libraries go on where they were interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.baselines import lance
from benchmarks.baselines.exhaustive import ExhaustiveSearch
from benchmarks.baselines.measure import Measured, in_turn, nearest, stored_vectors
from benchmarks.web_app import library
from retrieval import PanelIndex
from retrieval.records import View
from retrieval.store.scoring import all_scores


def unit(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return random unit vectors."""
    rows = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "BATCH", 40)


@pytest.mark.parametrize("per_panel", [1, 3])
def test_the_exhaustive_search_finds_the_nearest(per_panel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The panels with the most similar vectors come first, also if they are in different blocks."""
    monkeypatch.setattr("benchmarks.baselines.exhaustive.BLOCK_ROWS", 70)
    vectors, ids = unit((300 * per_panel, 512), 1), np.arange(300) * 2 + 5
    search = ExhaustiveSearch(vectors, ids)
    for query in unit((5, 512), 2):
        best = (vectors @ query).reshape(300, per_panel).max(axis=1)
        assert search.search(query, 10) == ids[np.argsort(-best)[:10]].tolist()
    assert len(search.search(vectors[0], 300)) == 300
    assert search.bytes == vectors.nbytes


@pytest.mark.parametrize("regions", [0, 2])
def test_stored_vectors_are_those_of_exact_scores(regions: int, tmp_path: Path, small_batches: None) -> None:
    """An exhaustive search over them and the exact scores of the store name the same panels."""
    library.make_library(tmp_path / "an.index", 120, regions, with_thumbnails=False)
    with PanelIndex.open(tmp_path / "an.index") as index:
        view, store = index.generation.views[View.PICTURE], index.vector_store
        ids, rows = np.asarray(view.ids), np.asarray(view.rows)
        parts = list(stored_vectors(store, ids, rows, size=50))
        assert np.concatenate([names for names, _ in parts]).tolist() == np.repeat(ids, 1 + regions).tolist()
        search = ExhaustiveSearch(np.concatenate([vectors for _, vectors in parts]), ids)
        queries = unit((4, 512), 3)
        truth = nearest(all_scores(store, View.PICTURE, rows, queries), ids, 10)
        assert [search.search(query, 10) for query in queries] == truth


def test_times_and_recall() -> None:
    """All searches answer all queries, who goes first changes, and recall counts the true ids that were found."""
    order: list[str] = []

    def search(name: str, ids: list[int]) -> list[int]:
        order.append(name)
        return ids

    found = in_turn({"a": lambda _: search("a", [1, 2]), "b": lambda _: search("b", [1, 9])}, [0, 1, 2], warm=1)
    assert order[8:] == ["a", "b", "b", "a", "a", "b"]
    assert {name: len(each.milliseconds) for name, each in found.items()} == {"a": 3, "b": 3}
    assert found["a"].recall([[1, 2], [1, 2]]) == 1
    assert found["b"].recall([[1, 2], [1, 2]]) == 0.5
    assert Measured(np.array([1.0, 2, 3]), []).within(0.5) == 2


@pytest.mark.parametrize("regions", [0, 2])
def test_an_interrupted_library_goes_on(
    regions: int, tmp_path: Path, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It becomes the same as one that was made at once, wherever it was interrupted."""
    library.make_library(tmp_path / "whole.index", 130, regions)
    parts = library.pages

    def interrupted(catalog: object, source: int, rng: object, start: int, sums: list[bytes]) -> object:
        if start == 80:  # its vectors and thumbnails are written, its pages are not
            raise KeyboardInterrupt
        return parts(catalog, source, rng, start, sums)

    resumed = tmp_path / "resumed.index"
    monkeypatch.setattr(library, "pages", interrupted)
    with pytest.raises(KeyboardInterrupt):
        library.make_library(resumed, 130, regions)
    assert not library.is_complete(resumed)
    monkeypatch.setattr(library, "pages", parts)
    library.make_library(resumed, 130, regions)
    assert library.is_complete(resumed)
    with PanelIndex.open(tmp_path / "whole.index") as whole, PanelIndex.open(resumed) as other:
        for view in whole.generation.views:
            rows = np.asarray(whole.generation.views[view].rows)
            assert rows.tolist() == np.asarray(other.generation.views[view].rows).tolist() == list(range(130))
            assert np.array_equal(whole.vector_store.read(view, rows), other.vector_store.read(view, rows))
        panels = [index.browse(k=200) for index in (whole, other)]
        assert [panel.dialogue for panel in panels[0]] == [panel.dialogue for panel in panels[1]]
        assert other.count() == 130
    before = (resumed / "catalog.sqlite").stat().st_mtime_ns
    library.make_library(resumed, 130, regions)
    assert (resumed / "catalog.sqlite").stat().st_mtime_ns == before


@pytest.mark.skipif(bool(lance.obstacle()), reason=lance.obstacle())
@pytest.mark.parametrize("per_panel", [1, 2])
def test_lancedb_finds_the_nearest(per_panel: int, tmp_path: Path) -> None:
    """With all lists searched and its candidates refined, it finds what the exhaustive search finds."""
    vectors, ids = unit((600 * per_panel, 512), 1), np.arange(600)
    blocks = [(np.repeat(ids, per_panel), vectors)]
    search = lance.LanceSearch(tmp_path / "lance", blocks, len(vectors), per_panel, 8, 8)
    exact = ExhaustiveSearch(vectors, ids)
    for query in unit((3, 512), 2):
        assert search.search(query, 10) == exact.search(query, 10)
    again = lance.LanceSearch(tmp_path / "lance", [], len(vectors), per_panel, 8, 8)
    assert again.search(vectors[0], 1) == [0]
    assert search.bytes == again.bytes > vectors.nbytes
