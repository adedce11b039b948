"""What the page does, tried without the page."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.errors import CheckpointError, PictureError, SourceError, UsageError
from retrieval.records import View
from tests.conftest import GridEncoder
from tests.page.library import draw_library
from ui.web.search import handlers
from ui.web.search.handlers import Question


def test_words_find_the_panel_that_says_them(index: PanelIndex) -> None:
    """The answer carries what the page shows: where, why, which words, how many were searched."""
    found = handlers.ask(index, Question(text="bring the lantern"))
    first = found.cards[0]
    assert (first.rank, first.panel.book, first.panel.page, first.panel.panel) == (1, "Harbour", 1, 2)
    assert (found.view, first.why, first.words) == (View.DIALOGUE, "words", ("Bring", "the", "lantern"))
    assert found.searched == 12  # of 16 panels these have words


def test_a_picture_finds_its_panel(index: PanelIndex, panel_picture: Path) -> None:
    """An upload is compared with pictures, whatever its panel says."""
    found = handlers.ask(index, Question(picture=str(panel_picture)))
    assert (found.view, found.searched) == (View.PICTURE, 16)
    assert (found.cards[0].panel.book, found.cards[0].panel.panel, found.cards[0].why) == ("Orchard", 1, "picture")
    assert found.cards[0].score > 0.999


def test_picture_and_words_together(index: PanelIndex, panel_picture: Path) -> None:
    """Both are compared with the fused view, and a hit can match for both reasons."""
    found = handlers.ask(index, Question(text="apples fall", picture=str(panel_picture)))
    assert found.view is View.FUSED
    assert (found.cards[0].panel.dialogue, found.cards[0].why) == ("Apples fall in autumn", "both")


def test_more_like_a_panel_leaves_that_panel_out(index: PanelIndex) -> None:
    """The panel one starts from is named, and is not among its own results."""
    start = index.browse(k=1)[0]
    found = handlers.ask(index, Question(panel=start.id))
    assert found.like == start
    assert start.id not in [card.panel.id for card in found.cards]
    assert len(found.cards) == 15


def test_options_narrow_the_search(index: PanelIndex) -> None:
    """Book, words and one panel per page each leave out what they say."""
    harbour = next(book_id for title, book_id in handlers.library(index).titles if title == "Harbour")
    in_book = handlers.ask(index, Question(text="rain", view="picture", book=harbour))
    assert {card.panel.book for card in in_book.cards} == {"Harbour"}
    silent = handlers.ask(index, Question(text="rain", view="picture", words="without"))
    assert [card.panel.dialogue for card in silent.cards] == [""] * 4
    one_each = handlers.ask(index, Question(text="rain", one_per_page=True))
    assert len({card.panel.page_id for card in one_each.cards}) == len(one_each.cards) == 4


def test_nothing_left_after_filters(index: PanelIndex) -> None:
    """Words are compared with dialogue, so panels without words cannot be hits: an empty answer, no error."""
    found = handlers.ask(index, Question(text="rain", words="without"))
    assert (found.cards, found.more) == ((), False)


def test_more_results_go_on_where_the_list_ended(index: PanelIndex) -> None:
    """More of the same question begins with what was shown before; the end of the list is known."""
    question = Question(text="rain", view="picture", count=12)
    first = handlers.ask(index, question)
    rest = handlers.ask(index, question, 24)
    assert (len(first.cards), first.more, len(rest.cards), rest.more) == (12, True, 16, False)
    assert [c.panel.id for c in rest.cards[:12]] == [c.panel.id for c in first.cards]


def test_an_empty_question_is_refused_in_a_sentence(index: PanelIndex) -> None:
    with pytest.raises(UsageError, match="Type some words, or add a picture"):
        handlers.ask(index, Question(text="   "))


def test_bad_uploads_are_refused_without_naming_their_path(not_a_picture: Path, forged: Path, tmp_path: Path) -> None:
    """Text called .png, a forged giant, and a file that is gone: a sentence each, and no folder in it."""
    for path, said in (
        (not_a_picture, "not a picture: starts with 'Dear read'"),
        (forged, "60000 x 60000 px is 3600 megapixels; the limit is 120."),
        (tmp_path / "gone.png", "no longer here"),
    ):
        with pytest.raises(PictureError, match=re.escape(said)) as error:
            handlers.read_upload(str(path))
        assert str(path.parent) not in str(error.value)
        assert "--max-pixels" not in str(error.value)


def test_an_upload_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "MAX_UPLOAD_BYTES", 1000)
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    with pytest.raises(PictureError, match="larger than the limit"):
        handlers.read_upload(str(path))


def test_a_chosen_panel_stands_on_its_page(index: PanelIndex) -> None:
    """Its place in percent and its neighbours."""
    panel = index.browse({"book": "Harbour"}, k=2)[1]
    chosen = handlers.choose(index, str(panel.id))
    assert chosen.panel == panel
    assert (chosen.previous, chosen.following, chosen.of) == (panel.id - 1, panel.id + 1, 4)
    place = chosen.places[1]  # the page is 400 x 600, the box 210, 20, 170, 270
    assert (place.left, place.width, place.height) == (52.5, 42.5, 45.0)
    assert chosen.size == (400, 600)


def test_the_first_and_last_panel_have_one_neighbour(index: PanelIndex) -> None:
    page = index.page_panels(index.browse(k=1)[0].page_id)
    assert handlers.choose(index, page[0].id).previous is None
    assert handlers.choose(index, page[-1].id).following is None


@pytest.mark.parametrize("value", [None, True, -1, "1; DROP TABLE panel", "../1", [1], 10**30, "9" * 400, 1.5, 987654])
def test_what_is_no_panel_is_refused(index: PanelIndex, value: object) -> None:
    """Ids come from browsers, and browsers send anything."""
    with pytest.raises(UsageError):
        handlers.choose(index, value)


def test_the_library_at_a_glance(index: PanelIndex) -> None:
    library = handlers.library(index)
    assert (library.books, library.pages, library.panels, library.with_words) == (3, 4, 16, 12)
    assert (library.encoder, library.provisional) == ("grid", False)
    assert len(library.samples) > 3
    assert "Who goes there?" in library.suggestions


def test_programs_get_the_same_json_as_from_the_command_line(index: PanelIndex) -> None:
    answer = handlers.search_panels(index, Question(text="bring the lantern"))
    assert answer["query"] == {"text": "bring the lantern", "picture": False}
    assert answer["view"] == "dialogue"
    hit = answer["hits"][0]
    assert hit["source"] == "Harbour/001.png"
    assert (hit["rank"], hit["page"], hit["panel"], hit["box"]) == (1, 1, 2, [210, 20, 170, 270])


def test_a_newer_generation_is_taken_up_by_the_next_search(tmp_path: Path) -> None:
    """A build beside the running page shows without a restart."""
    comics = draw_library(tmp_path / "comics")
    shutil.move(comics / "Orchard", tmp_path / "later")
    build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0)
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as index:
        assert "Orchard" not in [c.panel.book for c in handlers.ask(index, Question(text="apples fall")).cards]
        shutil.move(tmp_path / "later", comics / "Orchard")
        build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0)
        found = handlers.ask(index, Question(text="apples fall"))
        assert (found.cards[0].panel.book, found.searched) == ("Orchard", 12)


def test_errors_become_sentences_without_paths() -> None:
    """What a person can change is said in full; what only the host can change stays in the log."""
    assert handlers.friendly(UsageError("no such view")) == "No such view."
    assert "/secret" not in handlers.friendly(SourceError("/secret/comics is gone"))
    assert "/secret" not in handlers.friendly(CheckpointError("/secret/best_model.pt is damaged"))
