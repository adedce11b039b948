# ruff: noqa: RUF001 (unusual characters are the subject)
"""Text match: exact words come first; run-together, accented and divided words and OCR errors match too."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval import PanelIndex
from retrieval.search.ranking.hybrid import boost
from retrieval.search.ranking.text_match import lexical_match
from retrieval.store.catalog import fulltext
from retrieval.store.catalog.text import idf, normalise, tokens
from tests.conftest import GridEncoder
from tests.searching.synthetic import Row, clustered, write_index

LINES = [
    "Sometimes you have to take a chance!",  # 1
    "TAKEACHANCE ON ME",  # 2
    "A chance to take the last train",  # 3
    "I was never here",  # 4
    "Never say never",  # 5
    "Crème brûlée à la carte",  # 6
    "Don’t you dare, O'Brien",  # 7
    "The light-\nhouse is dark tonight",  # 8
    "今夜は月がきれいですね",  # 9
    "Where is the potlon of fllght?",  # 10
    "WHERE IS THE CAT",  # 11
    "Straße nach Österreich",  # 12
    "rock and roll or not near you",  # 13
    "안녕하세요 세계",  # 14
    "Это кот, a не пёс",  # 15
    "...!?",  # 16
    "x_y snake_case 3.14 50%",  # 17
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Open an index of the lines above, other lines and panels without dialogue."""
    dice = random.Random(4)
    filler = ["".join(dice.choices("bcdfgjklmprstvz", k=6)) for _ in range(200)]
    lines = [*LINES, *(" ".join(dice.choices(filler, k=5)) for _ in range(60)), "", ""]
    rows = [Row("b", n // 10 + 1, n % 10 + 1, dialogue=line) for n, line in enumerate(lines)]
    folder = write_index(tmp_path_factory.mktemp("words") / "i", rows, clustered(len(rows), 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


@pytest.fixture(params=["bm25", "summed"])
def either_order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order candidates by BM25 in SQLite, as for rare words, and by summed weights, as for common ones."""
    if request.param == "summed":
        monkeypatch.setattr(fulltext, "_MAX_BM25_ROWS", -1)


@pytest.mark.usefixtures("either_order")
@pytest.mark.parametrize(
    ("text", "panel"),
    [
        ("take a chance", 1),
        ("TAKE A CHANCE!!!", 1),
        ("a chance to take", 3),
        ("I was never here", 4),
        ("never say", 5),
        ("creme brulee", 6),
        ("CRÈME BRÛLÉE", 6),
        ("dont", 7),
        ("don't you dare", 7),
        ("o’brien", 7),
        ("lighthouse", 8),
        ("the lighthouse is dark", 8),
        ("月がきれい", 9),
        ("今夜は月がきれいですね", 9),
        ("potion of flight", 10),
        ("where is the potion", 10),
        ("where is the cat", 11),
        ("strasse", 12),
        ("osterreich", 12),
        ("안녕하세요", 14),
        ("кот", 15),
        ("пес", 15),
        ("snake_case", 17),
        ("3.14", 17),
    ],
)
def test_lines_are_found(index: PanelIndex, text: str, panel: int) -> None:
    """The panel with the line comes first, with the matching words."""
    hit = index.search(text=text, k=1)[0]
    assert hit.panel.id == panel
    assert hit.matched_on == "words"
    assert hit.matched_words
    assert all(word in hit.panel.dialogue.replace("-\n", "") for word in hit.matched_words)


def test_exact_before_run_together_words(index: PanelIndex) -> None:
    """The phrase itself is first, then its words in another order; the run-together phrase is among the first 12."""
    hits = index.search(text="take a chance", k=12)
    assert [h.panel.id for h in hits][:2] == [1, 3]
    assert hits[0].matched_words == ("take", "a", "chance!")
    run_together = next(h for h in hits if h.panel.id == 2)
    assert "TAKEACHANCE" in run_together.matched_words


def test_run_together_words_are_found(index: PanelIndex) -> None:
    """A query of whole words finds the line that has them run together, although no word is equal."""
    hits = index.search(text="chance on me", k=3)
    assert hits[0].panel.id == 2


@pytest.mark.parametrize(("text", "panel"), [("月が", 9), ("今夜", 9), ("세계", 14)])
def test_short_words_of_scripts_without_spaces(index: PanelIndex, text: str, panel: int) -> None:
    """Two characters are a word in Chinese or Japanese, and match inside a run without spaces."""
    hit = index.search(text=text, k=1)[0]
    assert hit.panel.id == panel
    assert hit.matched_words


@pytest.mark.parametrize(
    "text",
    [
        "AND", "OR NOT", "NEAR(a b)", '"', '""', "' OR 1=1 --", "a*", "*", "(", ")", "a:b", "dialogue:x", "-a", "^a",
        "{a b}", "a + b", "\\", "%", "_", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "…", "!?", "—", "🐸", "٣", "a" * 300,
    ],
)  # fmt: skip
def test_no_text_breaks_the_search(index: PanelIndex, text: str) -> None:
    """Full-text operators, quotes and punctuation are plain text; scores are from -1 to 1."""
    for view in ("dialogue", "fused", "picture"):
        hits = index.search(text=text, view=view, k=5)
        assert len(hits) == 5
        assert all(-1 <= h.score <= 1 for h in hits)


def test_operators_are_words(index: PanelIndex) -> None:
    """AND, OR, NOT and NEAR are searched like other words."""
    hit = index.search(text="AND OR NOT NEAR", k=1)[0]
    assert (hit.panel.id, hit.matched_words) == (13, ("and", "or", "not", "near"))


def test_a_lone_surrogate(index: PanelIndex) -> None:
    """Half of a surrogate pair, as a broken terminal sends it, raises no error."""
    assert len(index.search(text="never \ud83d here", k=3)) == 3


def test_random_texts(index: PanelIndex) -> None:
    """Every text gives k hits."""
    dice = random.Random(12)
    letters = string.printable + "éßøñ月夜안 \u0301\u200d\u202e\"'*():-^+{}"
    for _ in range(60):
        text = "".join(dice.choices(letters, k=dice.randrange(1, 30)))
        if text.strip():
            assert len(index.search(text=text, k=3)) == 3, repr(text)


def test_lines_with_ocr_errors(index: PanelIndex) -> None:
    """One wrong letter in each long word of the query still finds most lines."""
    dice = random.Random(2)
    right = 0
    lines = [(place, line) for place, line in enumerate(LINES, 1) if len(line) > 14 and line.isascii()]
    for place, line in lines:
        words = [w if len(w) < 4 else w[:1] + dice.choice("xqz") + w[2:] for w in line.split()]
        right += index.search(text=" ".join(words), k=1)[0].panel.id == place
    assert right >= len(lines) - 1


def test_panels_without_dialogue_are_not_in_the_dialogue_view(index: PanelIndex) -> None:
    """A text query never finds a panel without dialogue, even if all panels are requested."""
    hits = index.search(text="take", k=1000)
    assert len(hits) == len(LINES) + 60
    assert all(h.panel.dialogue for h in hits)


def test_text_against_pictures(index: PanelIndex) -> None:
    """Text compared with pictures matches by picture only, without matching words."""
    hits = index.search(text="take a chance", view="picture", k=100)
    assert {(h.matched_on, h.matched_words) for h in hits} == {("picture", ())}
    assert len(hits) == len(LINES) + 62


def test_scores_stay_exact_cosines(index: PanelIndex) -> None:
    """Matching words change the order, never the score."""
    query = GridEncoder.dialogue("take a chance")
    for hit in index.search(text="take a chance", k=20):
        assert hit.score == pytest.approx(float(query @ GridEncoder.dialogue(hit.panel.dialogue)), abs=1e-3)


def test_a_very_long_query(index: PanelIndex) -> None:
    """A query of a whole page of text takes less than 20 s."""
    dice = random.Random(6)
    text = " ".join("".join(dice.choices("abcdefgh", k=5)) for _ in range(250)) + " I was never here"
    begin = time.perf_counter()
    assert 4 in [h.panel.id for h in index.search(text=text, k=5)]
    assert time.perf_counter() - begin < 20


PHRASE = "alpha beta gamma"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Open an index: 300 panels of book A have the phrase; in book B 250 have one word, and one long line all of it."""
    long = " ".join(f"filler{n}" for n in range(30))
    rows = [Row("A", n // 5 + 1, n % 5 + 1, dialogue=PHRASE) for n in range(300)]
    rows += [Row("B", n // 5 + 1, n % 5 + 1, dialogue="alpha") for n in range(250)]
    rows += [Row("B", 90, 1, dialogue=f"{long} {PHRASE} {long}")]
    folder = write_index(tmp_path_factory.mktemp("crowded") / "i", rows, clustered(len(rows), 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


@pytest.mark.usefixtures("either_order")
def test_a_filter_does_not_lose_the_phrase(crowded: PanelIndex) -> None:
    """The panel with the phrase is first in its book, for any number of such panels in other books."""
    hit = crowded.search(text=PHRASE, where={"book": "B"}, k=1)[0]
    assert hit.panel.page_number == 90


@pytest.mark.usefixtures("either_order")
def test_result_pages_for_common_words(tmp_path: Path) -> None:
    """Result pages over many panels with common words have each panel once."""
    dice = random.Random(3)
    pool = [f"w{n}" for n in range(12)]
    rows = [Row("b", n // 5 + 1, n % 5 + 1, dialogue=" ".join(dice.choices(pool, k=4))) for n in range(600)]
    with PanelIndex.open(write_index(tmp_path / "i", rows, clustered(600, 1)), encoder=GridEncoder()) as index:
        whole = [h.panel.id for h in index.search(text="w1 w2 w3", k=600)]
        pages = [h.panel.id for at in range(0, 600, 50) for h in index.search(text="w1 w2 w3", k=50, offset=at)]
        assert len(set(whole)) == 600
        assert sorted(set(pages)) == sorted(whole)
        assert pages == whole


# ------------------------------------------------------------------------ lexical match


def score(query: str, dialogue: str) -> float:
    terms = tokens(query)
    return lexical_match(terms, dialogue, dict.fromkeys(terms, 1.0)).coverage


def test_the_order_of_coverage() -> None:
    """From the highest: the phrase, its words in another order, run together, with OCR errors, no match."""
    query = "take a chance"
    falling = ["Take a chance!", "a chance to take", "TAKEACHANCE", "tako o chonce", "hello there"]
    scores = [score(query, line) for line in falling]
    assert scores[0] == pytest.approx(1)
    assert scores[-1] == 0
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Crème BRÛLÉE", "creme brulee"),
        ("Don’t", "dont"),
        ("O'Brien`s", "obriens"),
        ("light-\n  house", "lighthouse"),
        ("well-known", "well-known"),
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("２０２６", "2026"),
        ("", ""),
    ],
)
def test_normalised_text(text: str, plain: str) -> None:
    """Case, accents, apostrophes, ligatures and line-end hyphens are removed; other characters stay."""
    assert normalise(text) == plain


@pytest.mark.parametrize("sign", ["\u00b4", "\u2032", "\uff07", "\u201b"])
def test_every_apostrophe_is_removed(sign: str) -> None:
    """Acute accents, primes and similar characters count as apostrophes."""
    assert tokens(f"Don{sign}t") == ["dont"]


def test_normalising_twice_changes_nothing() -> None:
    """The normalised form of stored text and of a query agree, also for unusual characters."""
    dice = random.Random(9)
    for _ in range(300):
        text = "".join(
            chr(dice.choice([dice.randrange(32, 0xB0), dice.randrange(0x14A, 0x250), dice.randrange(0x1E00, 0x1F00)]))
            for _ in range(12)
        )
        assert tokens(normalise(text)) == tokens(text)


def test_matched_words_are_as_written() -> None:
    """Matching words are listed once, in the order of the query, as the dialogue has them."""
    terms = tokens("never here")
    found = lexical_match(terms, "NEVER, I say, never! Was I Hére?", dict.fromkeys(terms, 1.0))
    assert found.words == ("NEVER,", "never!", "Hére?")


def test_rare_words_have_more_weight() -> None:
    """Of two lines that share one word each with the query, the one with the rarer word has more coverage."""
    weights = idf(["the", "potion"], {"the": 900, "potion": 2}, 1000)
    assert weights["potion"] > 5 * weights["the"] > 0
    assert idf(["new"], {}, 1000)["new"] > weights["potion"]
    assert all(w >= 0 for w in idf(["a"], {"a": 50}, 10).values())
    terms = ["the", "potion"]
    assert lexical_match(terms, "a potion", weights).coverage > lexical_match(terms, "the end", weights).coverage


def test_empty_texts_match_nothing() -> None:
    """An empty query or dialogue matches nothing."""
    assert lexical_match([], "hello", {}).coverage == 0
    assert lexical_match(["a"], "", {"a": 1.0}).coverage == 0
    assert lexical_match(["a"], "... !", {"a": 1.0}).words == ()


def test_coverage_is_from_0_to_1() -> None:
    """Coverage is from 0 to 1, and a line covers itself completely."""
    dice = random.Random(1)
    pool = ["a", "an", "ant", "antenna", "tenant", "nan", "x"]
    for _ in range(300):
        query, line = (" ".join(dice.choices(pool, k=dice.randrange(1, 7))) for _ in range(2))
        assert 0 <= score(query, line) <= 1 + 1e-9
        assert score(line, line) == pytest.approx(1)


def boosts(*coverage: float, with_image: bool = False) -> list[float]:
    return [round(float(v), 5) for v in boost(np.array(coverage, np.float32), with_image=with_image)]


def test_word_boosts() -> None:
    """4 coverage^4 + 4 (coverage - third best coverage)^1.5, against numbers calculated by hand."""
    assert boosts(1.0, 0.5, 0.36, 0.0) == [round(4 + 4 * 0.64**1.5, 5), round(0.25 + 4 * 0.14**1.5, 5), 0.06718, 0.0]
    assert boosts(0.5, 0.5, 0.5) == [0.25, 0.25, 0.25]  # no panel has a margin over two others
    assert boosts(0.25) == [0.51562]
    assert boosts() == []


def test_word_boosts_with_an_image() -> None:
    """With an image, a panel that looks the same stays before one that only has the words of the query."""
    assert boosts(1.0, 0.5, with_image=True) == [0.3, 0.15]


def test_a_margin_over_other_panels_is_boosted() -> None:
    """Half of the words in one panel only exceed a higher cosine; a quarter in many panels does not."""
    alone, crowd = boosts(0.5, 0.1, 0.1), boosts(0.3, 0.25, 0.25, 0.25)
    assert alone[0] - alone[1] > 1
    assert crowd[0] - crowd[1] < 0.1


def test_similar_words_are_distinguished() -> None:
    assert lexical_match(["flight"], "what a night", {"flight": 1.0}).words == ()
    assert lexical_match(["chance"], "take a chanse", {"chance": 1.0}).words == ("chanse",)


# ------------------------------------------------------------------------ whole words


def matched(query: str, dialogue: str) -> tuple[str, ...]:
    terms = tokens(query)
    return lexical_match(terms, dialogue, dict.fromkeys(terms, 1.0)).words


@pytest.mark.parametrize(
    ("query", "dialogue"),
    [
        ("king", "looking good"), ("king", "stop smoking"), ("king", "that honking!"), ("thing", "everything"),
        ("winter", "the winner"), ("ring", "bring it"), ("light", "fight"), ("witch", "which"), ("кот", "который час"),
        ("rain", "the train"), ("house", "a mouse"), ("star", "start"), ("hand", "thousand"),
    ],
)  # fmt: skip
def test_other_words_do_not_match(query: str, dialogue: str) -> None:
    """A word inside another one, or one letter away from it, is another word."""
    assert matched(query, dialogue) == ()
    assert score(query, dialogue) == 0


@pytest.mark.parametrize(
    ("query", "dialogue", "words"),
    [
        ("king", "The king's men", ("king's",)),
        ("king", "THE KING’S MEN", ("KING’S",)),
        ("king's", "a king", ("king",)),
        ("kings", "a king", ("king",)),
        ("dragon", "two dragons", ("dragons",)),
        ("let's go", "lets go", ("lets", "go")),
        ("light house", "the lighthouse", ("lighthouse",)),
        ("lighthouse dark", "thelighthouseisdark", ("thelighthouseisdark",)),
        ("chance", "TAKEACHANCE", ("TAKEACHANCE",)),
        ("chance", "take a chanse", ("chanse",)),
        ("winter", "wlnter", ("wlnter",)),
        ("月が", "今夜は月がきれい", ("今夜は月がきれい",)),
        ("안녕", "안녕하세요", ("안녕하세요",)),
    ],
)
def test_forms_of_the_same_word(query: str, dialogue: str, words: tuple[str, ...]) -> None:
    """Possessives, plurals, run-together words and OCR errors are the word."""
    assert matched(query, dialogue) == words


def test_possessives_count_as_the_word() -> None:
    """`king's` is as good as `king`; a plural is nearly."""
    assert score("king", "the king's men") == score("king", "the king and men") == 1
    assert 0.7 < score("king", "the kings") < 1
    assert score("the king's men", "the king's men") == 1


@pytest.mark.parametrize(
    ("query", "dialogue"),
    [
        ("the dark", "the end"), ("the", "the end"), ("where is it", "it was a dragon"),
        ("I was a bear", "Was it a cat?"),
        ("der hund", "der Kater"), ("le chat", "le chien"), ("el gato", "el perro"),
    ],
)  # fmt: skip
def test_stop_words_alone_are_no_match(query: str, dialogue: str) -> None:
    """Words like `the` are marked only with another word of the query."""
    assert matched(query, dialogue) == ()


def test_stop_words_in_a_match() -> None:
    """With another word they are marked; and so is a phrase of stop words that the dialogue has."""
    assert matched("the dark", "in the dark") == ("the", "dark")
    assert matched("to be or not to be", "to be or not to be") == ("to", "be", "or", "not")
    assert matched("to be or not to be", "not to be") == ()


@pytest.fixture(scope="module")
def royal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """Open an index of many panels with similar words, and two with the words themselves."""
    lines = [*["looking at the winner"] * 300, "the king's winter", *["a cooking dinner"] * 300, "KING of kings"]
    rows = [Row("b", n // 5 + 1, n % 5 + 1, dialogue=line) for n, line in enumerate(lines)]
    folder = write_index(tmp_path_factory.mktemp("royal") / "i", rows, clustered(len(rows), 1))
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


@pytest.mark.usefixtures("either_order")
def test_whole_words_come_first(royal: PanelIndex) -> None:
    """Panels with the word are before all panels with a similar one, which claim no match."""
    hits = royal.search(text="king", k=20)
    assert {hit.panel.dialogue for hit in hits[:2]} == {"the king's winter", "KING of kings"}
    assert {hit.matched_on for hit in hits[:2]} == {"words"}
    assert {hit.matched_on for hit in hits[2:]} == {"meaning"}
    first = royal.search(text="winter", k=2)
    assert (first[0].panel.dialogue, first[0].matched_on, first[1].matched_on) == (
        "the king's winter",
        "words",
        "meaning",
    )
