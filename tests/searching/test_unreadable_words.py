"""Words that the encoder cannot read: no vector and no false score; looked up as words, with a note."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index_builder import build_index
from index_builder.write import CatalogWriter
from retrieval import PanelIndex, Query, load_encoder, verify_index
from retrieval.encoder.encoder import PanelEncoder
from retrieval.encoder.inputs import unreadable
from retrieval.encoder.protocol import QueryInput, can_read
from retrieval.errors import UsageError
from retrieval.records import View
from retrieval.store.checksums import CHECKSUM_BYTES, checksum
from retrieval.store.layout import catalog_url
from retrieval.store.vectors import VectorStore
from tests.building.library import page
from tests.conftest import GridEncoder
from ui.cli.main import main
from ui.output.notes import UNREADABLE, UNREADABLE_NEGATIVE, search_notes
from ui.web.api import handlers as api
from ui.web.search import handlers, markup
from ui.web.search.search_state import SearchState

CASE = Path(__file__).parents[1] / "data" / "cases" / "16-words-the-encoder-cannot-read" / "library"
THAI, AMHARIC, EMOJI = "สวัสดีครับเพื่อน", "ሰላም ጓደኛዬ", "\U0001f984"
UNKNOWN = [EMOJI, THAI, AMHARIC, "ลาก่อนนะเธอ", "தமிழ்", "አማርኛ", f"{EMOJI}!", f"... {THAI}?", "\u200b", "x" * 200]
KNOWN = ["rain", "!?", "…", "月が", "안녕하세요", "кот", f"rain {EMOJI}", "", " ", "♥", "3"]


@pytest.fixture(scope="module")
def encoder() -> PanelEncoder:
    return load_encoder("small", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, encoder: PanelEncoder) -> Path:
    """An index of the library of the case, and of a page with Amharic, Thai and an emoji."""
    comics = tmp_path_factory.mktemp("unreadable") / "comics"
    shutil.copytree(CASE, comics)
    page(comics / "more" / "1", 5, [AMHARIC, f"{THAI}!", EMOJI, "rain over the harbour"])
    build_index([comics], comics.parent / "i", encoder=encoder, ocr=False, workers=0)
    return comics.parent / "i"


@pytest.fixture(scope="module")
def index(folder: Path, encoder: PanelEncoder) -> Iterator[PanelIndex]:
    with PanelIndex.open(folder, encoder=encoder) as opened:
        yield opened


def by_dialogue(index: PanelIndex, dialogue: str) -> int:
    return next(panel.id for panel in index.browse(k=100) if panel.dialogue == dialogue)


def test_which_texts_cannot_be_read(encoder: PanelEncoder) -> None:
    """A text without any word that the tokenizer knows; punctuation and blank texts can be read."""
    assert unreadable(UNKNOWN).all()
    assert not unreadable(KNOWN).any()
    assert not can_read(encoder, THAI)
    assert can_read(encoder, "rain")
    assert can_read(GridEncoder(), THAI)


@pytest.mark.parametrize("text", [EMOJI, "ลาก่อนนะเธอ", "தமிழ்", f"{EMOJI} {EMOJI}"])
@pytest.mark.parametrize("view", [None, "dialogue", "picture", "fused", "any"])
def test_no_hit_without_a_shared_word(index: PanelIndex, text: str, view: str | None) -> None:
    """A text that shares no word with any panel has no hit."""
    query = Query(text=text, view=view)
    hits = index.search_many([query])[0]
    assert hits == []


def test_the_words_are_found(index: PanelIndex) -> None:
    """The panels that say the words are found by them; the score is 0, as there is no cosine."""
    hits = index.search(text=THAI)
    assert {hit.panel.dialogue for hit in hits} == {THAI, f"{THAI}!"}
    assert {(hit.score, hit.matched_on, bool(hit.matched_words)) for hit in hits} == {(0.0, "words", True)}
    first = index.search(text=AMHARIC, k=1)[0]
    assert (first.panel.dialogue, first.matched_words) == (AMHARIC, tuple(AMHARIC.split()))
    assert index.search(text=THAI, where={"book": "more"}, k=5)[0].panel.dialogue == f"{THAI}!"


def test_other_queries_do_not_find_unreadable_panels(index: PanelIndex) -> None:
    """A panel without a vector is no hit of words that it does not have, however many are wanted."""
    hits = index.search(text="weather", k=100)
    assert hits
    assert all(not unreadable([hit.panel.dialogue])[0] for hit in hits)
    mixed = index.search(text=f"harbour {AMHARIC}", k=100)
    assert {AMHARIC, "rain over the harbour"} <= {hit.panel.dialogue for hit in mixed}


def test_vectors_of_a_build(index: PanelIndex, folder: Path, encoder: PanelEncoder) -> None:
    """The dialogue vector is zeros where the text cannot be read; picture and fused are those of the encoder."""
    vectors = VectorStore(folder / "vectors")
    for dialogue in (AMHARIC, EMOJI, "rain over the harbour"):
        row = np.array([index.panel(by_dialogue(index, dialogue)).vector_row])
        assert vectors.read(View.DIALOGUE, row).any() == (not unreadable([dialogue])[0])
        assert vectors.read(View.FUSED, row).any()
        assert vectors.read(View.PICTURE, row).any()
    assert verify_index(folder, encoder=encoder).problems == ()
    with pytest.raises(UsageError, match="cannot read the dialogue of panel"):
        index.search(panel=by_dialogue(index, AMHARIC), view="dialogue")
    assert index.search(panel=by_dialogue(index, AMHARIC), view="fused", k=1)[0].score > 0.99


def test_queries_as_vectors(encoder: PanelEncoder) -> None:
    """Unreadable text counts as absent: with an image the image alone counts, without one there is no vector."""
    image = np.full((224, 224, 3), 90, np.uint8)
    for view in View:
        found = encoder.encode_queries([QueryInput(text=THAI), QueryInput(image, THAI), QueryInput(image)], view)
        assert not found[0].any()
        assert np.allclose(found[1], found[2], atol=1e-6)
        assert np.allclose(np.linalg.norm(found[1]), 1, atol=1e-5)


def test_an_image_with_unreadable_words(index: PanelIndex) -> None:
    """The image finds the panels, the words lift those that have them, and no hit claims words that it lacks."""
    panel = index.panel(by_dialogue(index, AMHARIC))
    hits = index.search(image=index.panel_image(panel), text=AMHARIC, k=20)
    assert (hits[0].panel.id, hits[0].matched_on) == (panel.id, "both")
    assert {hit.matched_on for hit in hits[1:]} == {"picture"}
    assert index.search(image=Image.new("RGB", (50, 50)), text=EMOJI, k=3)[0].matched_on == "picture"


def test_unreadable_negative_text(index: PanelIndex) -> None:
    """Negative words that cannot be read lower only the panels that have them."""
    plain = [hit.panel.id for hit in index.search(text="rain", k=50)]
    assert [hit.panel.id for hit in index.search(text="rain", negative_text=EMOJI, k=50)] == plain
    found = index.search(text=f"harbour {AMHARIC}", negative_text=AMHARIC.split()[0], k=50)
    assert found[-1].panel.dialogue == AMHARIC


def test_an_index_of_an_earlier_release(folder: Path, tmp_path: Path, encoder: PanelEncoder) -> None:
    """Its vectors of unreadable words stay: they are sound, and no query finds them with a perfect score."""
    copy = shutil.copytree(folder, tmp_path / "i")
    with PanelIndex.open(copy, encoder=encoder) as index:
        panel = by_dialogue(index, THAI)
        row = index.panel(panel).vector_row
        (sums,) = index.catalog.panels.vector_places([panel]).sums
        readable = index.panel(by_dialogue(index, "rain over the harbour")).vector_row
    path = next((copy / "vectors").glob("dialogue-*.f16"))
    stored = np.fromfile(path, "<f2").reshape(-1, 512)
    stored[row] = stored[readable]
    stored.tofile(path)
    place = CHECKSUM_BYTES * list(View).index(View.DIALOGUE)
    sums = sums[:place] + checksum(stored[row]) + sums[place + CHECKSUM_BYTES :]
    with CatalogWriter.open(catalog_url(copy)) as catalog:
        catalog.replace_vectors([(panel, row, sums)])
    assert verify_index(copy, encoder=encoder).problems == ()
    with PanelIndex.open(copy, encoder=encoder) as index:
        assert all(hit.score == 0 for hit in index.search(text=THAI))


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        (Query(text=THAI), [UNREADABLE]),
        (Query(text="rain"), []),
        (Query(text=f"rain {THAI}"), []),
        (Query(text="rain", negative_text=EMOJI), [UNREADABLE_NEGATIVE]),
        (Query(text=EMOJI, negative_text=EMOJI), [UNREADABLE, UNREADABLE_NEGATIVE]),
        (Query(panel=1), []),
    ],
    ids=str,
)
def test_notes(index: PanelIndex, query: Query, notes: list[str]) -> None:
    """A sentence for the text and for the negative text."""
    assert search_notes(index, query) == notes


def test_everybody_is_told(index: PanelIndex, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command line, its JSON, the API and the web app say that the encoder cannot read the words."""
    for text, note in ((THAI, UNREADABLE), (EMOJI, UNREADABLE)):
        main(["search", text, "--index", str(folder)])
        assert note in capsys.readouterr().err
        main(["search", text, "--index", str(folder), "--json"])
        found = json.loads(capsys.readouterr().out)
        assert found["notes"] == [note]
        assert found["close"] is not True or found["hits"]
        assert api.search(index, {"text": text})["notes"] == [note]
        assert note in markup.summary(handlers.search(index, SearchState(text=text)))
    assert api.search(index, {"text": "rain"})["notes"] == []
