"""Negative text, and text searched in any view: the order against plain NumPy, and unchanged scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import PanelIndex, Query
from retrieval.errors import UsageError
from retrieval.records import View
from retrieval.search.ranking.hybrid import COVERAGE_POWER, COVERAGE_WEIGHT, MARGIN_POWER, MARGIN_WEIGHT
from retrieval.search.ranking.text_match import explicit_mention, lexical_match
from retrieval.store.catalog.text import idf, tokens
from tests.conftest import FloatRows, GridEncoder, unit
from tests.searching.synthetic import Row, clustered, dialogue_vectors, library, stored, write_index

COUNT = 320
IMAGE = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(scope="module", params=["exact", "ivfpq"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    folder = tmp_path_factory.mktemp("negative") / "i"
    write_index(folder, library(COUNT, 1), clustered(COUNT, 2), request.param)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def with_dialogue() -> list[int]:
    """Return the places of panels with dialogue."""
    return [i for i, row in enumerate(library(COUNT, 1)) if row.dialogue]


def weights(text: str) -> dict[str, float]:
    terms = tokens(text)
    dialogues = [set(tokens(row.dialogue)) for row in library(COUNT, 1)]
    return idf(terms, {t: sum(t in words for words in dialogues) for t in terms}, len(with_dialogue()))


def penalty(text: str, similarity: FloatRows) -> FloatRows:
    """Return 10 x the explicit mention in each panel, plus the cosine above that of unrelated panels."""
    terms, by_term = tokens(text), weights(text)
    mentions = [explicit_mention(terms, row.dialogue, by_term) for row in library(COUNT, 1)]
    return 10 * np.array(mentions, np.float32) + np.maximum(similarity, 0)


def test_text_with_negative_text(index: PanelIndex) -> None:
    """The order is cosine plus word boost minus penalty, over all result pages; the scores stay the cosines."""
    rows, vectors = library(COUNT, 1), stored(index.folder, "dialogue")
    query, negative = GridEncoder.dialogue("rain night"), GridEncoder.dialogue("frog")
    scores, places = vectors @ query, with_dialogue()
    terms, by_term = tokens("rain night"), weights("rain night")
    coverage = np.array([lexical_match(terms, rows[i].dialogue, by_term).coverage for i in places])
    margin = np.maximum(coverage - np.sort(coverage)[-3], 0)
    boost = COVERAGE_WEIGHT * coverage**COVERAGE_POWER + MARGIN_WEIGHT * margin**MARGIN_POWER
    background, _ = index._searcher.retriever.background_stats(View.DIALOGUE, negative)
    all_scores = vectors[places] @ negative
    assert background == pytest.approx(all_scores.mean(), abs=1e-5)  # fewer panels than the sample takes: all of them
    ranking_scores = scores[places] + boost - penalty("frog", vectors @ negative - background)[places]
    expected = [places[i] + 1 for i in np.lexsort((places, -np.round(ranking_scores, 6)))]
    hits = index.search(text="rain night", negative_text="frog", k=len(places))
    assert [hit.panel.id for hit in hits] == expected
    np.testing.assert_allclose([hit.score for hit in hits], [scores[hit.panel.id - 1] for hit in hits], atol=2e-6)
    assert [h.panel.id for h in index.search(text="rain night", negative_text="frog", k=9, offset=7)] == expected[7:16]
    first = [h.panel.id for h in index.search(text="rain night", k=20)]
    assert first != expected[:20]


def test_a_panel_with_negative_text(index: PanelIndex) -> None:
    """Similar panels without the negative text keep their order; panels without dialogue have no penalty."""
    vectors, dialogue = stored(index.folder, "picture"), stored(index.folder, "dialogue")
    negative = GridEncoder.dialogue("soup dragon")
    background, _ = index._searcher.retriever.background_stats(View.DIALOGUE, negative)
    similarity = dialogue @ negative - background
    similarity[[i for i in range(COUNT) if i not in with_dialogue()]] = 0
    ranking_scores = vectors @ vectors[4] - penalty("soup dragon", similarity)
    expected = (np.lexsort((np.arange(COUNT), -np.round(ranking_scores, 6))) + 1).tolist()
    assert [hit.panel.id for hit in index.search(panel=5, negative_text="soup dragon", k=40)] == expected[:40]


def test_all_near_panels_may_have_the_negative_text(tmp_path: Path) -> None:
    """If more panels have it than there are candidates, the search widens to those without it."""
    rows = [Row("B", n + 1, 1, dialogue="love you") for n in range(700)] + [Row("C", 1, 1, dialogue="you there")]
    folder = write_index(tmp_path / "i", rows, clustered(701, 3), "ivfpq")
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        hits = index.search(text="love you", negative_text="love", k=2)
    assert [hit.panel.id for hit in hits] == [701, 1]
    assert hits[0].score == pytest.approx(0.5, abs=1e-3)
    assert hits[1].score == pytest.approx(1.0, abs=1e-3)


def test_explicit_mentions() -> None:
    """Exact and run-together words count, the rarest of several most; a word with OCR errors may be another word."""
    by_term = {"the": 0.5, "chance": 2.0}
    assert explicit_mention(["the", "chance"], "a CHANCE!", by_term) == 1.0
    assert explicit_mention(["the", "chance"], "takeachance", by_term) == 0.9
    assert explicit_mention(["the", "chance"], "the chanse", by_term) == pytest.approx(1 / 16)
    assert explicit_mention(["chance"], "a change", by_term) == 0.0
    assert explicit_mention(["chance"], "", by_term) == 0.0
    assert explicit_mention([], "chance", {}) == 0.0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"negative_text": "rain"}, "nothing to search for; negative text only removes results\ngive text"),
        ({"text": "a", "negative_text": 5}, "negative_text must be text; found 5"),
        ({"text": "a", "view": "heard"}, "no view is called 'heard'\nchoose picture, dialogue, fused, any"),
    ],
)
def test_invalid_queries(index: PanelIndex, query: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        index.search(**query)


def test_blank_negative_text_changes_nothing(index: PanelIndex) -> None:
    plain = [(h.panel.id, h.score) for h in index.search(text="rain")]
    assert [(h.panel.id, h.score) for h in index.search(text="rain", negative_text="  ")] == plain


@pytest.mark.parametrize(
    ("query", "views"),
    [
        ({"text": "a", "negative_text": "b"}, (View.DIALOGUE,)),
        ({"text": "a", "negative_text": "b", "view": "picture"}, (View.PICTURE,)),
        ({"panel": 1, "negative_text": "b", "view": "picture"}, (View.DIALOGUE,)),
        ({"panel": 1, "negative_text": "b", "view": "any"}, (View.DIALOGUE, View.PICTURE)),
        ({"image": IMAGE, "text": "a", "negative_text": "b", "view": "any"}, (View.DIALOGUE, View.PICTURE)),
        ({"panel": 1}, ()),
    ],
)
def test_the_views_of_negative_text(query: dict[str, Any], views: tuple[View, ...]) -> None:
    assert Query(**query).validate().negative_views == views


# ---------------------------------------------------------------- text in any view


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Open an index in which panel 7 has the image vector of "dragon"; panels 20 to 22 have it in their dialogue."""
    rows = library(60, 4)
    rows = [Row(r.book, r.page, r.panel, r.box, "" if "dragon" in r.dialogue else r.dialogue) for r in rows]
    for n in (19, 20, 21):
        rows[n] = Row(rows[n].book, rows[n].page, rows[n].panel, dialogue="dragon ahead"[: 6 if n == 19 else 12])
    picture = clustered(60, 5)
    picture[6] = unit(dialogue_vectors(["dragon"])[0] + 0.3 * picture[6])
    folder = write_index(tmp_path_factory.mktemp("drawn") / "i", rows, picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def test_text_in_pictures(drawn: PanelIndex) -> None:
    """Text is compared with pictures only; matching words in the dialogue do not count."""
    hits = drawn.search(text="dragon", view="picture", k=60)
    expected = stored(drawn.folder, "picture") @ GridEncoder.dialogue("dragon")
    assert [h.panel.id for h in hits] == (np.lexsort((np.arange(60), -np.round(expected, 6))) + 1).tolist()
    assert (hits[0].panel.id, hits[0].view, hits[0].matched_on, hits[0].matched_words) == (
        7,
        View.PICTURE,
        "picture",
        (),
    )


def test_text_in_any_view(drawn: PanelIndex) -> None:
    """Each panel counts in the view with its higher z-score, and has the score of that view."""
    hits = drawn.search(text="dragon", view="any", k=60)
    assert [(h.panel.id, h.view) for h in hits[:4]] == [
        (20, View.DIALOGUE),
        (21, View.DIALOGUE),
        (22, View.DIALOGUE),
        (7, View.PICTURE),
    ]
    assert hits[0].score == pytest.approx(1.0, abs=1e-3)
    assert hits[3].score == drawn.search(text="dragon", view="picture", k=1)[0].score
    assert [h.rank for h in hits] == list(range(1, len(hits) + 1))
    assert sorted(h.panel.id for h in hits) == list(range(1, 61))


def test_result_pages_join(drawn: PanelIndex) -> None:
    """Result pages continue where the last one ended, and group limits hold over both views."""
    whole = [h.panel.id for h in drawn.search(text="dragon", view="any", k=30)]
    pages = [drawn.search(text="dragon", view="any", k=10, offset=start) for start in (0, 10, 20)]
    assert [h.panel.id for page in pages for h in page] == whole
    one_per_page = drawn.search(text="dragon", view="any", k=60, per_page=1)
    assert len({h.panel.page_id for h in one_per_page}) == len(one_per_page) == 12
