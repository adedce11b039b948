"""Searches give the results of exhaustive NumPy search over the stored vectors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from retrieval import PanelIndex, Query
from retrieval.encoder.inputs import resize
from retrieval.encoder.protocol import QueryVectors
from retrieval.errors import UsageError
from retrieval.index import open_to_describe
from retrieval.records import View
from retrieval.search import candidates
from retrieval.search.query import ViewQuery
from retrieval.search.query_vectors import EncodedQuery
from tests.conftest import FloatRows, GridEncoder, unit
from tests.searching.synthetic import PAGE, Row, clustered, library, stored, write_index

COUNT, LARGE = 400, 1600
Setup = tuple[PanelIndex, list[Row], Path]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """400 panels, searched exactly."""
    rows = library(COUNT, 1)
    folder = write_index(tmp_path_factory.mktemp("small") / "i", rows, clustered(COUNT, 2), "exact")
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        yield index, rows, folder


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """1600 panels under IVF-PQ."""
    rows = library(LARGE, 3)
    folder = write_index(tmp_path_factory.mktemp("large") / "i", rows, clustered(LARGE, 4), "ivfpq")
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        yield index, rows, folder


def brute(vectors: FloatRows, query: FloatRows, allowed: FloatRows | None = None) -> list[tuple[int, float]]:
    """Return (id, score) of all allowed panels, best first, equal scores by id. Panel i has id i + 1."""
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    order = np.lexsort((np.arange(len(scores)), -np.round(scores, 6)))
    return [(int(i) + 1, float(scores[i])) for i in order if allowed is None or allowed[i]]


def ids_and_scores(hits: list[Any]) -> list[tuple[int, float]]:
    return [(hit.panel.id, hit.score) for hit in hits]


def assert_same(hits: list[Any], expected: list[tuple[int, float]]) -> None:
    """Compare ids and scores to 2e-6; neighbours closer than that may change places."""
    assert [h.score for h in hits] == pytest.approx([s for _, s in expected], abs=2e-6)
    at = dict(expected)
    for place, hit in enumerate(hits):
        if hit.panel.id != expected[place][0]:
            assert abs(at.get(hit.panel.id, -9) - expected[place][1]) < 3e-6, place


@pytest.mark.parametrize("view", list(View))
def test_panel_queries_equal_numpy(small: Setup, view: View) -> None:
    """Ids and scores agree in every view; panels without dialogue are not in the dialogue view."""
    index, rows, folder = small
    vectors = stored(folder, view)
    spoken = np.array([bool(r.dialogue) for r in rows])
    for panel in range(1, COUNT, 13):
        if view is View.DIALOGUE and not spoken[panel - 1]:
            with pytest.raises(UsageError, match=f"panel {panel} has no dialogue"):
                index.search(panel=panel, view=view)
            continue
        expected = brute(vectors, vectors[panel - 1], spoken if view is View.DIALOGUE else None)
        assert_same(index.search(panel=panel, view=view, k=30), expected[:30])


@pytest.mark.parametrize("view", list(View))
def test_queries_of_new_images_equal_numpy(small: Setup, view: View) -> None:
    """Ids and scores agree for an image that is not in the index, in each view."""
    index, rows, folder = small
    spoken = np.array([bool(r.dialogue) for r in rows])
    for seed in range(5):
        picture = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
        query = _query(picture)
        expected = brute(stored(folder, view), query, spoken if view is View.DIALOGUE else None)
        assert_same(index.search(image=picture, view=view, k=25), expected[:25])


def _query(picture: Any) -> FloatRows:
    return GridEncoder.picture(resize(Image.fromarray(picture)))


def test_every_panel_finds_itself_first(small: Setup) -> None:
    """It has score 1 and rank 1, and is left out with `include_self=False`."""
    index, _, _ = small
    for panel in range(1, COUNT + 1, 7):
        first, *_ = index.search(panel=panel, k=3)
        assert (first.rank, first.panel.id, first.matched_on) == (1, panel, "picture")
        assert first.score == pytest.approx(1, abs=1e-6)
        others = index.search(panel=panel, k=3, include_self=False)
        assert panel not in {h.panel.id for h in others}
        assert ids_and_scores(others)[:2] == ids_and_scores(index.search(panel=panel, k=3))[1:]
        assert [h.rank for h in others] == [1, 2, 3]


def test_k_beyond_the_index(small: Setup, large: Setup) -> None:
    """More neighbours than exist give all panels once, in order, without padding."""
    for index, rows, folder in (small, large):
        hits = index.search(panel=1, k=100_000)
        assert sorted(h.panel.id for h in hits) == list(range(1, len(rows) + 1))
        vectors = stored(folder, "picture")
        assert_same(hits, brute(vectors, vectors[0]))
        assert index.search(panel=1, k=5, offset=100_000) == []
        assert len(index.search(panel=1, k=50, offset=len(rows) - 3)) == 3


@pytest.mark.parametrize("which", ["small", "large"])
def test_result_pages_make_one_list(which: str, request: pytest.FixtureRequest) -> None:
    """Pages taken with `offset` are disjoint and together the long list, with its ranks."""
    index, _, _ = request.getfixturevalue(which)
    for query in ({"panel": 17}, {"text": "rain at the harbor"}, {"panel": 17, "where": {"book": "Book 1"}}):
        whole = index.search(**query, k=60)
        pages = [hit for start in range(0, 60, 12) for hit in index.search(**query, k=12, offset=start)]
        assert [(h.rank, h.panel.id) for h in pages] == [(h.rank, h.panel.id) for h in whole]
        assert [h.rank for h in whole] == list(range(1, 61))


def test_duplicates_come_in_order_of_id(tmp_path: Path) -> None:
    """Equal vectors have equal scores and come in the order of their ids, for every k."""
    vectors = np.repeat(clustered(10, 9), 8, axis=0)
    rows = [Row("b", n // 8 + 1, n % 8 + 1) for n in range(80)]
    with PanelIndex.open(write_index(tmp_path / "i", rows, vectors), encoder=GridEncoder()) as index:
        for k in (1, 3, 8, 20):
            assert [h.panel.id for h in index.search(panel=20, k=k)][:8] == list(range(17, 25))[:k]
        assert len({round(h.score, 6) for h in index.search(panel=20, k=8)}) == 1


def test_min_score(small: Setup, large: Setup) -> None:
    """Exactly the panels with at least that score are found, best first."""
    for index, rows, folder in (small, large):
        vectors = stored(folder, "picture")
        expected = brute(vectors, vectors[4])
        for least in (0.9, 0.3, expected[7][1] - 1e-5):
            reaching = [item for item in expected if item[1] >= least]
            assert_same(index.search(panel=5, k=len(rows), min_score=least), reaching)
        assert index.search(panel=5, min_score=1.1) == []


def test_group_limits(small: Setup, large: Setup) -> None:
    """`per_page` and `per_book` keep the best of each, and the list is filled with the next ones."""
    for index, rows, folder in (small, large):
        vectors = stored(folder, "picture")
        everything = brute(vectors, vectors[30])
        for per_page, per_book in ((1, None), (2, 6), (None, 3)):
            kept, pages, books = [], {}, {}
            for panel, score in everything:
                page, book = (rows[panel - 1].book, rows[panel - 1].page), rows[panel - 1].book
                if pages.get(page, 0) < (per_page or 9e9) and books.get(book, 0) < (per_book or 9e9):
                    kept.append((panel, score))
                    pages[page], books[book] = pages.get(page, 0) + 1, books.get(book, 0) + 1
            hits = index.search(panel=31, k=20, per_page=per_page, per_book=per_book, exact=True)
            assert_same(hits, kept[:20])
            limits = {"per_page": per_page, "per_book": per_book}
            two = [h for at in (0, 10) for h in index.search(panel=31, k=10, offset=at, exact=True, **limits)]
            assert ids_and_scores(two) == ids_and_scores(hits)
            assert len(index.search(panel=31, k=20, per_page=per_page, per_book=per_book)) == len(kept[:20])


def test_filters_each_and_together(small: Setup) -> None:
    """Every filter, alone and combined, passes exactly the panels whose records fit."""
    index, rows, folder = small
    vectors = stored(folder, "picture")
    shape = [(r.box[2] / r.box[3], r.box[2] * r.box[3] / (PAGE[0] * PAGE[1])) for r in rows]
    cases: list[tuple[dict[str, Any], list[bool]]] = [
        ({"book": "Book 3"}, [r.book == "Book 3" for r in rows]),
        ({"book": "Book 3 path"}, [r.book == "Book 3" for r in rows]),
        ({"book": "%3"}, [r.book == "Book 3" for r in rows]),
        ({"book": "No such book"}, [False] * COUNT),
        ({"book": "Book _"}, [False] * COUNT),
        ({"source": "%/comics"}, [True] * COUNT),
        ({"source": "%/other"}, [False] * COUNT),
        ({"page": 3}, [r.page == 3 for r in rows]),
        ({"page": (2, 4)}, [2 <= r.page <= 4 for r in rows]),
        ({"page": (None, 2)}, [r.page <= 2 for r in rows]),
        ({"page": (9, None)}, [r.page >= 9 for r in rows]),
        ({"page": (4, 2)}, [False] * COUNT),
        ({"has_dialogue": True}, [bool(r.dialogue) for r in rows]),
        ({"has_dialogue": False}, [not r.dialogue for r in rows]),
        ({"aspect": "tall"}, [a <= 0.8 for a, _ in shape]),
        ({"aspect": "square"}, [0.8 <= a <= 1.25 for a, _ in shape]),
        ({"aspect": (1.5, 3)}, [1.5 <= a <= 3 for a, _ in shape]),
        ({"size": "small"}, [s <= 0.1 for _, s in shape]),
        ({"size": "large"}, [s >= 0.35 for _, s in shape]),
        ({"size": (0.2, 0.3)}, [0.2 <= s <= 0.3 for _, s in shape]),
        (
            {"book": "Book 3", "has_dialogue": True, "page": (1, 6), "aspect": "tall"},
            [
                r.book == "Book 3" and bool(r.dialogue) and r.page <= 6 and a <= 0.8
                for r, (a, _) in zip(rows, shape, strict=True)
            ],
        ),
    ]
    for where, allowed in cases:
        assert_same(index.search(panel=50, k=COUNT, where=where), brute(vectors, vectors[49], np.array(allowed)))
        browsed = {p.id for p in index.browse(where, k=COUNT)}
        assert browsed == {n for n, yes in enumerate(allowed, 1) if yes}, where


@pytest.mark.parametrize("which", ["small", "large"])
def test_random_filters_are_exact(which: str, request: pytest.FixtureRequest) -> None:
    """Under any filter the hits are the best k of the matching panels, or all if there are fewer."""
    index, rows, folder = request.getfixturevalue(which)
    vectors = stored(folder, "picture")
    dice = np.random.default_rng(8)
    for _ in range(40):
        where: dict[str, Any] = {}
        allowed = np.ones(len(rows), bool)
        if dice.random() < 0.6:
            where["book"] = f"Book {dice.integers(8)}"
            allowed &= np.array([r.book == where["book"] for r in rows])
        if dice.random() < 0.6:
            low = int(dice.integers(1, 12))
            where["page"] = (low, low + int(dice.integers(0, 8)))
            allowed &= np.array([low <= r.page <= where["page"][1] for r in rows])
        if dice.random() < 0.4:
            where["has_dialogue"] = bool(dice.integers(2))
            allowed &= np.array([bool(r.dialogue) == where["has_dialogue"] for r in rows])
        if dice.random() < 0.3:
            where["aspect"] = (0.5, 1.0)
            allowed &= np.array([0.5 <= r.box[2] / r.box[3] <= 1.0 for r in rows])
        panel, k = int(dice.integers(1, len(rows))), int(dice.integers(1, 40))
        expected = brute(vectors, vectors[panel - 1], allowed)[:k]
        hits = index.search(panel=panel, k=k, where=where, exact=not where)
        assert_same(hits, expected)


def test_a_wide_filter_over_ivfpq_widens(large: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a filter leaves too many panels to score them all, more lists are searched until k are found."""
    monkeypatch.setattr(candidates, "EXACT_UP_TO", 3)
    index, _, _ = large
    for where in ({"book": "Book 2"}, {"page": 1}, {"has_dialogue": False}, {"book": "Book 2", "page": 5}):
        matching = {p.id for p in index.browse(where, k=LARGE)}
        for k in (10, 200, LARGE):
            hits = index.search(panel=1000, k=k, where=where, nprobe=1)
            assert len(hits) == min(k, len(matching))
            assert {h.panel.id for h in hits} <= matching


def test_ivfpq_against_exact(large: Setup) -> None:
    """The default search finds what exact search finds, with the same scores; the measured recall agrees."""
    index, rows, folder = large
    vectors = stored(folder, "picture")
    recalls = []
    for panel in range(1, LARGE, 29):
        best = {i for i, _ in brute(vectors, vectors[panel - 1])[:10]}
        hits = index.search(panel=panel, k=10)
        recalls.append(len(best & {h.panel.id for h in hits}) / 10)
        assert hits[0].panel.id == panel
        for hit in hits:
            assert hit.score == pytest.approx(float(vectors[hit.panel.id - 1] @ vectors[panel - 1]), abs=2e-6)
    assert np.mean(recalls) >= 0.98
    view = index.info()["views"]["picture"]
    assert view["index_type"] == "ivfpq"
    assert view["recall_at_10"] == pytest.approx(float(np.mean(recalls)), abs=0.05)
    assert view["recall_sample"] == 256
    assert index.info()["views"]["dialogue"]["panels"] == sum(bool(r.dialogue) for r in rows)


def test_nprobe_reaches_faiss(large: Setup) -> None:
    """Searching one list finds fewer of the best than the default; `exact` finds them all."""
    index, _, folder = large
    vectors = stored(folder, "picture")
    recalls: dict[str, list[float]] = {"one": [], "default": [], "exact": []}
    options: dict[str, dict[str, Any]] = {"one": {"nprobe": 1}, "default": {}, "exact": {"exact": True}}
    for row in clustered(40, 77):
        encoded = EncodedQuery(QueryVectors(row[None]))
        best = {i for i, _ in brute(vectors, row)[:10]}
        for name, more in options.items():
            part = ViewQuery(Query(panel=1, k=10, **more), View.PICTURE)
            ranking = index._searcher._search_view(part, encoded)
            recalls[name].append(len(best & {item.panel.id for item in ranking.panels}) / 10)
    assert np.mean(recalls["one"]) < np.mean(recalls["default"])
    assert np.mean(recalls["exact"]) == 1


def test_batches_equal_single_searches(small: Setup, large: Setup) -> None:
    """`search_many` returns for each query what `search` returns, in order, independent of the other queries."""
    picture = np.random.default_rng(3).integers(0, 256, (9, 9, 3), np.uint8)
    queries: list[dict[str, Any]] = [
        {"text": "rain here"},
        {"image": picture},
        {"panel": 9},
        {"image": picture, "text": "frog"},
        {"text": "soup", "view": "picture"},
        {"panel": 9, "where": {"book": "Book 1"}, "k": 3},
        {"text": "dragon", "per_page": 1, "offset": 4},
    ]
    for index, _, _ in (small, large):
        many = index.search_many([Query(**q) for q in queries])
        assert [ids_and_scores(hits) for hits in many] == [ids_and_scores(index.search(**q)) for q in queries]
        assert index.search_many([]) == []


def test_a_batch_encodes_each_view_once(small: Setup) -> None:
    """Queries for one view are encoded together."""
    calls = []

    class Counting(GridEncoder):
        def encode_queries(self, queries: Any, view: Any) -> FloatRows:
            calls.append((str(view), len(queries)))
            return super().encode_queries(queries, view)

    with PanelIndex.open(small[2], encoder=Counting()) as index:
        index.search_many([Query(text="a"), Query(text="b"), Query(panel=1), Query(text="c", view="picture")])
    assert sorted(calls) == [("dialogue", 2), ("picture", 1)]


@pytest.mark.parametrize("which", ["small", "large"])
def test_eight_threads_get_the_results_of_one(which: str, request: pytest.FixtureRequest) -> None:
    """One open index serves many threads at once."""
    index, _, folder = request.getfixturevalue(which)
    queries: list[dict[str, Any]] = [{"panel": n} for n in range(1, 60, 4)]
    queries += [{"text": w} for w in ("rain", "cat soup", "never here")]
    expected = [ids_and_scores(index.search(**q)) for q in queries]

    def search_all(shift: int) -> bool:
        places = [(n + 3 * shift) % len(queries) for n in range(len(queries))]
        return all(ids_and_scores(shared.search(**queries[at])) == expected[at] for at in places)

    with PanelIndex.open(folder, encoder=GridEncoder()) as shared, ThreadPoolExecutor(8) as threads:
        assert all(threads.map(search_all, range(8)))


def test_the_smallest_ivfpq(tmp_path: Path) -> None:
    """Requested IVF-PQ is used from 256 panels on; below, the search is exact. The manifest has the type."""
    for count, index_type in ((255, "exact"), (256, "ivfpq")):
        rows = [Row("b", n // 8 + 1, n % 8 + 1) for n in range(count)]
        folder = write_index(tmp_path / str(count), rows, clustered(count, count), "ivfpq")
        with PanelIndex.open(folder, encoder=GridEncoder()) as index:
            assert index.info()["views"]["picture"]["index_type"] == index_type
            assert index.info()["views"]["dialogue"]["index_type"] == "exact"
            assert len(index.search(panel=3, k=count + 10)) == count
            if index_type == "ivfpq":
                ann = index.generation.views[View.PICTURE].ann
                assert ann is not None
                (ids,) = ann.search(stored(folder, "picture")[:1], 1000, effort=1)
                assert ids.min() >= 1  # FAISS pads with -1 where a list has fewer
                assert len(ids) == len(set(ids.tolist())) <= count


def test_an_index_of_one_panel(tmp_path: Path) -> None:
    """The one panel is found by every query."""
    folder = write_index(tmp_path / "i", [Row("b", 1, 1, dialogue="hello")], clustered(1, 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        assert [h.score for h in index.search(panel=1)] == pytest.approx([1])
        assert len(index.search(text="zebra")) == 1
        assert index.search(panel=1, include_self=False) == []
        assert index.info()["views"]["picture"]["recall_at_10"] is None


def test_text_and_image_together(tmp_path: Path) -> None:
    """Both together search the fused view: the panel with that image and those words comes first."""
    picture = np.random.default_rng(3).integers(0, 256, (30, 30, 3), np.uint8)
    drawing = _query(picture)
    other = clustered(3, 5)
    rows = [Row("b", 1, n, dialogue=d) for n, d in enumerate(["rain", "rain", "sun", "rain again"], 1)]
    folder = write_index(tmp_path / "i", rows, np.stack([other[0], drawing, drawing, other[1]]))
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        hits = index.search(image=picture, text="rain")
        assert hits[0].panel.id == 2
        assert (hits[0].view, hits[0].matched_on, hits[0].matched_words) == (View.FUSED, "both", ("rain",))
        assert hits[0].score == pytest.approx(1, abs=1e-3)
        assert {h.panel.id: h.matched_on for h in hits}[3] == "picture"
        fused = unit(drawing + GridEncoder.dialogue("rain"))
        for hit in hits:
            assert hit.score == pytest.approx(float(stored(folder, "fused")[hit.panel.id - 1] @ fused), abs=2e-6)


def test_an_index_that_is_only_described(large: Setup) -> None:
    """Its vector index stays closed; what it says of itself is the same, and a search compares every vector."""
    index, _, folder = large
    with open_to_describe(folder) as described:
        assert described.info() == index.info()
        assert all(view.ann is None for view in described.generation.views.values())
        found, exact = described.search(panel=7, k=20), index.search(panel=7, k=20, exact=True)
        assert [hit.panel.id for hit in found] == [hit.panel.id for hit in exact]
