"""What a search returns is what exhaustive NumPy search over the stored vectors returns."""

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
from retrieval.records import View
from retrieval.search import searcher
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
    """(id, score) of everything allowed, best first, equals by id. Panel i has id i + 1."""
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    order = np.lexsort((np.arange(len(scores)), -np.round(scores, 6)))
    return [(int(i) + 1, float(scores[i])) for i in order if allowed is None or allowed[i]]


def found(hits: list[Any]) -> list[tuple[int, float]]:
    return [(hit.panel.id, hit.score) for hit in hits]


def same(hits: list[Any], expected: list[tuple[int, float]]) -> None:
    """The same ids in the same order, scores to 1e-6; neighbours closer than that may change places."""
    assert [h.score for h in hits] == pytest.approx([s for _, s in expected], abs=2e-6)
    at = dict(expected)
    for place, hit in enumerate(hits):
        if hit.panel.id != expected[place][0]:
            assert abs(at.get(hit.panel.id, -9) - expected[place][1]) < 3e-6, place


@pytest.mark.parametrize("view", list(View))
def test_panel_queries_equal_numpy(small: Setup, view: View) -> None:
    """Every view, ids and scores; panels without words are not in the dialogue view."""
    index, rows, folder = small
    vectors = stored(folder, view)
    spoken = np.array([bool(r.dialogue) for r in rows])
    for panel in range(1, COUNT, 13):
        if view is View.DIALOGUE and not spoken[panel - 1]:
            with pytest.raises(UsageError, match=f"panel {panel} has no words"):
                index.search(panel=panel, view=view)
            continue
        expected = brute(vectors, vectors[panel - 1], spoken if view is View.DIALOGUE else None)
        same(index.search(panel=panel, view=view, k=30), expected[:30])


@pytest.mark.parametrize("view", list(View))
def test_foreign_queries_equal_numpy(small: Setup, view: View) -> None:
    """A picture that is not in the index, compared with each view."""
    index, rows, folder = small
    spoken = np.array([bool(r.dialogue) for r in rows])
    for seed in range(5):
        picture = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
        query = _query(picture)
        expected = brute(stored(folder, view), query, spoken if view is View.DIALOGUE else None)
        same(index.search(image=picture, view=view, k=25), expected[:25])


def _query(picture: Any) -> FloatRows:
    return GridEncoder.picture(resize(Image.fromarray(picture)))


def test_every_panel_finds_itself_first(small: Setup) -> None:
    """Score 1 and rank 1, or left out when asked for."""
    index, _, _ = small
    for panel in range(1, COUNT + 1, 7):
        first, *_ = index.search(panel=panel, k=3)
        assert (first.rank, first.panel.id, first.matched_on) == (1, panel, "picture")
        assert first.score == pytest.approx(1, abs=1e-6)
        others = index.search(panel=panel, k=3, include_self=False)
        assert panel not in {h.panel.id for h in others}
        assert found(others)[:2] == found(index.search(panel=panel, k=3))[1:]
        assert [h.rank for h in others] == [1, 2, 3]


def test_k_beyond_the_index(small: Setup, large: Setup) -> None:
    """More neighbours than there are: all panels once, in order, no padding."""
    for index, rows, folder in (small, large):
        hits = index.search(panel=1, k=100_000)
        assert sorted(h.panel.id for h in hits) == list(range(1, len(rows) + 1))
        vectors = stored(folder, "picture")
        same(hits, brute(vectors, vectors[0]))
        assert index.search(panel=1, k=5, offset=100_000) == []
        assert len(index.search(panel=1, k=50, offset=len(rows) - 3)) == 3


@pytest.mark.parametrize("which", ["small", "large"])
def test_pages_of_results_make_one_list(which: str, request: pytest.FixtureRequest) -> None:
    """Pages taken with `offset` are disjoint and together the long list, ranks and all."""
    index, _, _ = request.getfixturevalue(which)
    for question in ({"panel": 17}, {"text": "rain at the harbor"}, {"panel": 17, "where": {"book": "Book 1"}}):
        whole = index.search(**question, k=60)
        pages = [hit for start in range(0, 60, 12) for hit in index.search(**question, k=12, offset=start)]
        assert [(h.rank, h.panel.id) for h in pages] == [(h.rank, h.panel.id) for h in whole]
        assert [h.rank for h in whole] == list(range(1, 61))


def test_twins_come_in_order_of_id(tmp_path: Path) -> None:
    """Equal vectors have equal scores and stand in the order of their ids, whatever k is."""
    vectors = np.repeat(clustered(10, 9), 8, axis=0)
    rows = [Row("b", n // 8 + 1, n % 8 + 1) for n in range(80)]
    with PanelIndex.open(write_index(tmp_path / "i", rows, vectors), encoder=GridEncoder()) as index:
        for k in (1, 3, 8, 20):
            assert [h.panel.id for h in index.search(panel=20, k=k)][:8] == list(range(17, 25))[:k]
        assert len({round(h.score, 6) for h in index.search(panel=20, k=8)}) == 1


def test_min_score(small: Setup, large: Setup) -> None:
    """Exactly the panels with at least that score, best first."""
    for index, rows, folder in (small, large):
        vectors = stored(folder, "picture")
        expected = brute(vectors, vectors[4])
        for least in (0.9, 0.3, expected[7][1] - 1e-5):
            wanted = [item for item in expected if item[1] >= least]
            same(index.search(panel=5, k=len(rows), min_score=least), wanted)
        assert index.search(panel=5, min_score=1.1) == []


def test_at_most_so_many_of_a_page_or_book(small: Setup, large: Setup) -> None:
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
            same(hits, kept[:20])
            two = [
                h
                for at in (0, 10)
                for h in index.search(panel=31, k=10, offset=at, per_page=per_page, per_book=per_book, exact=True)
            ]
            assert found(two) == found(hits)
            assert len(index.search(panel=31, k=20, per_page=per_page, per_book=per_book)) == len(kept[:20])


def test_filters_each_and_together(small: Setup) -> None:
    """Every filter alone and combined lets through exactly what the records say."""
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
        same(index.search(panel=50, k=COUNT, where=where), brute(vectors, vectors[49], np.array(allowed)))
        browsed = {p.id for p in index.browse(where, k=COUNT)}
        assert browsed == {n for n, yes in enumerate(allowed, 1) if yes}, where


@pytest.mark.parametrize("which", ["small", "large"])
def test_random_filters_lose_nothing(which: str, request: pytest.FixtureRequest) -> None:
    """Under any filter the hits are the best of what matches, as many as were asked for or exist."""
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
        same(hits, expected)


def test_a_wide_filter_over_ivfpq_widens(large: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a filter leaves too many to score them all, probing goes on until k are found."""
    monkeypatch.setattr(searcher, "EXACT_UP_TO", 3)
    index, _, _ = large
    for where in ({"book": "Book 2"}, {"page": 1}, {"has_dialogue": False}, {"book": "Book 2", "page": 5}):
        matching = {p.id for p in index.browse(where, k=LARGE)}
        for k in (10, 200, LARGE):
            hits = index.search(panel=1000, k=k, where=where, nprobe=1)
            assert len(hits) == min(k, len(matching))
            assert {h.panel.id for h in hits} <= matching


def test_ivfpq_against_exact(large: Setup) -> None:
    """The default search finds what exact search finds, with the same scores, and the index has measured so."""
    index, rows, folder = large
    vectors = stored(folder, "picture")
    shares = []
    for panel in range(1, LARGE, 29):
        best = {i for i, _ in brute(vectors, vectors[panel - 1])[:10]}
        hits = index.search(panel=panel, k=10)
        shares.append(len(best & {h.panel.id for h in hits}) / 10)
        assert hits[0].panel.id == panel
        for hit in hits:
            assert hit.score == pytest.approx(float(vectors[hit.panel.id - 1] @ vectors[panel - 1]), abs=2e-6)
    assert np.mean(shares) >= 0.98
    view = index.info()["views"]["picture"]
    assert view["kind"] == "ivfpq"
    assert view["recall_at_10"] == pytest.approx(float(np.mean(shares)), abs=0.05)
    assert view["recall_sample"] == 256
    assert index.info()["views"]["dialogue"]["panels"] == sum(bool(r.dialogue) for r in rows)


def test_one_probe_is_worse_than_all(large: Setup) -> None:
    """`nprobe` reaches FAISS: one list finds fewer of the best than the default, `exact` finds them all."""
    index, _, folder = large
    vectors = stored(folder, "picture")
    shares: dict[Any, list[float]] = {"one": [], "default": [], "exact": []}
    options: dict[str, dict[str, Any]] = {"one": {"nprobe": 1}, "default": {}, "exact": {"exact": True}}
    query = clustered(40, 77)
    for row in query:
        best = {i for i, _ in brute(vectors, row)[:10]}
        for name, more in options.items():
            hits = index._searcher.search(Query(panel=1, k=10, **more), QueryVectors(row[None]))
            shares[name].append(len(best & {ranked.id for ranked, _ in hits}) / 10)
    assert np.mean(shares["one"]) < np.mean(shares["default"])
    assert np.mean(shares["exact"]) == 1


def test_batches_equal_single_searches(small: Setup, large: Setup) -> None:
    """`search_many` gives for each query what `search` gives, in order, whatever stands beside it."""
    picture = np.random.default_rng(3).integers(0, 256, (9, 9, 3), np.uint8)
    questions: list[dict[str, Any]] = [
        {"text": "rain here"},
        {"image": picture},
        {"panel": 9},
        {"image": picture, "text": "frog"},
        {"text": "soup", "view": "picture"},
        {"panel": 9, "where": {"book": "Book 1"}, "k": 3},
        {"text": "dragon", "per_page": 1, "offset": 4},
    ]
    for index, _, _ in (small, large):
        many = index.search_many([Query(**q) for q in questions])
        assert [found(hits) for hits in many] == [found(index.search(**q)) for q in questions]
        assert index.search_many([]) == []


def test_a_batch_encodes_each_view_once(small: Setup) -> None:
    """Questions for one view go to the encoder together."""
    calls = []

    class Counting(GridEncoder):
        def encode_queries(self, queries: Any, view: Any) -> FloatRows:
            calls.append((str(view), len(queries)))
            return super().encode_queries(queries, view)

    with PanelIndex.open(small[2], encoder=Counting()) as index:
        index.search_many([Query(text="a"), Query(text="b"), Query(panel=1), Query(text="c", view="picture")])
    assert sorted(calls) == [("dialogue", 2), ("picture", 1)]


@pytest.mark.parametrize("which", ["small", "large"])
def test_eight_threads_get_the_answers_of_one(which: str, request: pytest.FixtureRequest) -> None:
    """One open index serves many threads at once."""
    index, _, folder = request.getfixturevalue(which)
    questions: list[dict[str, Any]] = [{"panel": n} for n in range(1, 60, 4)]
    questions += [{"text": w} for w in ("rain", "cat soup", "never here")]
    expected = [found(index.search(**q)) for q in questions]

    def ask(shift: int) -> bool:
        places = [(n + 3 * shift) % len(questions) for n in range(len(questions))]
        return all(found(shared.search(**questions[at])) == expected[at] for at in places)

    with PanelIndex.open(folder, encoder=GridEncoder()) as shared, ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))


def test_the_smallest_ivfpq(tmp_path: Path) -> None:
    """Asked for, IVF-PQ serves from 256 panels on and says so; with fewer the search is exact and says that."""
    for count, kind in ((255, "exact"), (256, "ivfpq")):
        rows = [Row("b", n // 8 + 1, n % 8 + 1) for n in range(count)]
        folder = write_index(tmp_path / str(count), rows, clustered(count, count), "ivfpq")
        with PanelIndex.open(folder, encoder=GridEncoder()) as index:
            assert index.info()["views"]["picture"]["kind"] == kind
            assert index.info()["views"]["dialogue"]["kind"] == "exact"
            assert len(index.search(panel=3, k=count + 10)) == count
            if kind == "ivfpq":
                ann = index.generation.views[View.PICTURE].ann
                assert ann is not None
                (ids,) = ann.candidates(stored(folder, "picture")[:1], 1000, nprobe=1)
                assert ids.min() >= 1  # FAISS pads with -1 where a list has fewer
                assert len(ids) == len(set(ids.tolist())) <= count


def test_an_index_of_one_panel(tmp_path: Path) -> None:
    """One panel is found, with anything."""
    folder = write_index(tmp_path / "i", [Row("b", 1, 1, dialogue="hello")], clustered(1, 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        assert [h.score for h in index.search(panel=1)] == pytest.approx([1])
        assert len(index.search(text="zebra")) == 1
        assert index.search(panel=1, include_self=False) == []
        assert index.info()["views"]["picture"]["recall_at_10"] is None


def test_text_and_image_together(tmp_path: Path) -> None:
    """Both together are compared with the fused view: the panel with that drawing and those words wins."""
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
