"""Words taken away, and words that may be said or drawn: the order against plain NumPy, the scores untouched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import PanelIndex, Query
from retrieval.errors import UsageError
from retrieval.records import View
from retrieval.search.ranking.text_match import explicit_mention, lexical_match
from retrieval.search.searcher import STANDOUT_POWER, STANDOUT_WEIGHT, WORDS_POWER, WORDS_WEIGHT
from retrieval.store.catalog.text import idf, tokens
from tests.conftest import FloatRows, GridEncoder, unit
from tests.searching.synthetic import Row, clustered, library, spoken, stored, write_index

COUNT = 320


@pytest.fixture(scope="module", params=["exact", "ivfpq"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    folder = tmp_path_factory.mktemp("away") / "i"
    write_index(folder, library(COUNT, 1), clustered(COUNT, 2), request.param)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def talking() -> list[int]:
    return [i for i, row in enumerate(library(COUNT, 1)) if row.dialogue]


def weights(words: str) -> dict[str, float]:
    terms = tokens(words)
    said = [set(tokens(row.dialogue)) for row in library(COUNT, 1)]
    return idf(terms, {t: sum(t in s for s in said) for t in terms}, len(talking()))


def cost(words: str, likeness: FloatRows) -> FloatRows:
    """10 x what each panel plainly says, and the cosine above the usual one."""
    terms, heavy = tokens(words), weights(words)
    told_by = [explicit_mention(terms, row.dialogue, heavy) for row in library(COUNT, 1)]
    return 10 * np.array(told_by, np.float32) + np.maximum(likeness, 0)


def test_a_question_in_words_without_some(index: PanelIndex) -> None:
    """Cosine and words for, words and cosine above the usual against; every page of results, and exact scores."""
    rows, vectors = library(COUNT, 1), stored(index.folder, "dialogue")
    for_it, against = GridEncoder.dialogue("rain night"), GridEncoder.dialogue("frog")
    scores, here = vectors @ for_it, talking()
    terms, heavy = tokens("rain night"), weights("rain night")
    share = np.array([lexical_match(terms, rows[i].dialogue, heavy).coverage for i in here])
    margin = np.maximum(share - np.sort(share)[-3], 0)
    worth = WORDS_WEIGHT * share**WORDS_POWER + STANDOUT_WEIGHT * margin**STANDOUT_POWER
    usual, _ = index._searcher.background_stats(View.DIALOGUE, against)
    sample = vectors[here] @ against
    assert usual == pytest.approx(sample.mean(), abs=1e-5)  # fewer panels than the sample takes: all of them
    keys = scores[here] + worth - cost("frog", vectors @ against - usual)[here]
    expected = [here[i] + 1 for i in np.lexsort((here, -np.round(keys, 6)))]
    hits = index.search(text="rain night", negative_text="frog", k=len(here))
    assert [hit.panel.id for hit in hits] == expected
    np.testing.assert_allclose([hit.score for hit in hits], [scores[hit.panel.id - 1] for hit in hits], atol=2e-6)
    assert [h.panel.id for h in index.search(text="rain night", negative_text="frog", k=9, offset=7)] == expected[7:16]
    first = [h.panel.id for h in index.search(text="rain night", k=20)]
    assert first != expected[:20]


def test_like_this_panel_but_without(index: PanelIndex) -> None:
    """A picture's neighbours keep their order among those that do not say it; panels without words cost nothing."""
    vectors, said = stored(index.folder, "picture"), stored(index.folder, "dialogue")
    against = GridEncoder.dialogue("soup dragon")
    usual, _ = index._searcher.background_stats(View.DIALOGUE, against)
    likeness = said @ against - usual
    likeness[[i for i in range(COUNT) if i not in talking()]] = 0
    keys = vectors @ vectors[4] - cost("soup dragon", likeness)
    expected = (np.lexsort((np.arange(COUNT), -np.round(keys, 6))) + 1).tolist()
    assert [hit.panel.id for hit in index.search(panel=5, negative_text="soup dragon", k=40)] == expected[:40]


def test_what_is_taken_away_may_be_all_that_is_near(tmp_path: Path) -> None:
    """More panels say it than there are candidates: the search widens to those that do not."""
    rows = [Row("B", n + 1, 1, dialogue="love you") for n in range(700)] + [Row("C", 1, 1, dialogue="you there")]
    folder = write_index(tmp_path / "i", rows, clustered(701, 3), "ivfpq")
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        hits = index.search(text="love you", negative_text="love", k=2)
    assert [hit.panel.id for hit in hits] == [701, 1]
    assert hits[0].score == pytest.approx(0.5, abs=1e-3)
    assert hits[1].score == pytest.approx(1.0, abs=1e-3)


def test_only_plain_words_count_as_said() -> None:
    """A word or one glued to others, the rarest of several most; a misread one may be another word."""
    rare = {"the": 0.5, "chance": 2.0}
    assert explicit_mention(["the", "chance"], "a CHANCE!", rare) == 1.0
    assert explicit_mention(["the", "chance"], "takeachance", rare) == 0.9
    assert explicit_mention(["the", "chance"], "the chanse", rare) == pytest.approx(1 / 16)
    assert explicit_mention(["chance"], "a change", rare) == 0.0
    assert explicit_mention(["chance"], "", rare) == 0.0
    assert explicit_mention([], "chance", {}) == 0.0


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"negative_text": "rain"}, "words to take away are no question by themselves: give text"),
        ({"text": "a", "negative_text": 5}, "negative_text must be words; found 5"),
        ({"text": "a", "words_in": "heard"}, "words_in cannot be 'heard': choose said, drawn, both"),
    ],
)
def test_questions_without_sense(index: PanelIndex, question: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        index.search(**question)


def test_nothing_to_take_away_is_no_condition(index: PanelIndex) -> None:
    """Blank words leave the answer as it is."""
    plain = [(h.panel.id, h.score) for h in index.search(text="rain")]
    assert [(h.panel.id, h.score) for h in index.search(text="rain", negative_text="  ")] == plain


@pytest.mark.parametrize(
    ("question", "views"),
    [
        ({"text": "a", "negative_text": "b"}, (View.DIALOGUE,)),
        ({"text": "a", "negative_text": "b", "view": "picture"}, (View.PICTURE,)),
        ({"panel": 1, "negative_text": "b", "view": "picture"}, (View.DIALOGUE,)),
        ({"panel": 1, "negative_text": "b", "words_in": "drawn"}, (View.PICTURE,)),
        ({"panel": 1, "negative_text": "b", "words_in": "both"}, (View.DIALOGUE, View.PICTURE)),
        ({"panel": 1}, ()),
    ],
)
def test_where_words_to_take_away_are_looked_for(question: dict[str, Any], views: tuple[View, ...]) -> None:
    assert Query(**question).validate().negative_views == views


# ------------------------------------------------------------- said or drawn


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Panel 7 shows a dragon, as far as this encoder can see one; panels 20 to 22 speak of dragons."""
    rows = library(60, 4)
    rows = [Row(r.book, r.page, r.panel, r.box, "" if "dragon" in r.dialogue else r.dialogue) for r in rows]
    for n in (19, 20, 21):
        rows[n] = Row(rows[n].book, rows[n].page, rows[n].panel, dialogue="dragon ahead"[: 6 if n == 19 else 12])
    picture = clustered(60, 5)
    picture[6] = unit(spoken(["dragon"])[0] + 0.3 * picture[6])
    folder = write_index(tmp_path_factory.mktemp("drawn") / "i", rows, picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def test_words_for_what_is_drawn(drawn: PanelIndex) -> None:
    """The picture answers, and nobody's words count."""
    hits = drawn.search(text="dragon", words_in="drawn", k=60)
    expected = stored(drawn.folder, "picture") @ GridEncoder.dialogue("dragon")
    assert [h.panel.id for h in hits] == (np.lexsort((np.arange(60), -np.round(expected, 6))) + 1).tolist()
    assert (hits[0].panel.id, hits[0].view, hits[0].matched_on, hits[0].matched_words) == (
        7,
        View.PICTURE,
        "picture",
        (),
    )


def test_words_for_what_is_said_or_drawn(drawn: PanelIndex) -> None:
    """Each panel counts where it stands out most, in standard deviations; it keeps the score of that view."""
    hits = drawn.search(text="dragon", words_in="both", k=60)
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


def test_pages_of_results_join(drawn: PanelIndex) -> None:
    """Further hits go on where the first ended, and no page fills the list."""
    whole = [h.panel.id for h in drawn.search(text="dragon", words_in="both", k=30)]
    parts = [drawn.search(text="dragon", words_in="both", k=10, offset=at) for at in (0, 10, 20)]
    assert [h.panel.id for part in parts for h in part] == whole
    one_each = drawn.search(text="dragon", words_in="both", k=60, per_page=1)
    assert len({h.panel.page_id for h in one_each}) == len(one_each) == 12
