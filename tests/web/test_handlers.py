"""What the page does, tried without the page."""

from __future__ import annotations

import re
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from ui.web.search.question import FILTERS, Crop, Question

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.errors import CheckpointError, IndexDamaged, PictureError, SourceError, UsageError
from retrieval.records import Box, View
from tests.conftest import GridEncoder
from tests.web.library import HOSTILE_BOOK, draw_library
from ui.web.search import handlers
from ui.web.search.calibration import Lines, Strangers
from ui.web.search.welcome import _looks, glance
from ui.web.shell.messages import friendly


def test_words_find_the_panel_that_says_them(index: PanelIndex) -> None:
    """The answer carries what the page shows: where, why, which words, how many were searched."""
    found = handlers.ask(index, Question(text="bring the lantern"))
    first = found.cards[0]
    assert (first.rank, first.panel.book, first.panel.page_number, first.panel.number) == (1, "Harbour", 1, 2)
    assert (found.view, first.matched_on, first.matched_words) == (View.DIALOGUE, "words", ("Bring", "the", "lantern"))
    assert found.searched == 12  # of 16 panels these have words


def test_a_picture_finds_its_panel(index: PanelIndex, panel_picture: Path) -> None:
    """An upload is compared with pictures, whatever its panel says."""
    found = handlers.ask(index, Question(picture=str(panel_picture)))
    assert (found.view, found.searched) == (View.PICTURE, 16)
    assert (found.cards[0].panel.book, found.cards[0].panel.number, found.cards[0].matched_on) == (
        "Orchard",
        1,
        "picture",
    )
    assert found.cards[0].score > 0.999


def test_picture_and_words_together(index: PanelIndex, panel_picture: Path) -> None:
    """Both are compared with the fused view, and a hit can match for both reasons."""
    found = handlers.ask(index, Question(text="apples fall", picture=str(panel_picture)))
    assert found.view is View.FUSED
    assert (found.cards[0].panel.dialogue, found.cards[0].matched_on) == ("Apples fall in autumn", "both")


def test_more_like_a_panel_leaves_that_panel_out(index: PanelIndex) -> None:
    """The panel one starts from is named, and is not among its own results."""
    start = index.browse(k=1)[0]
    found = handlers.ask(index, Question(like=start.id))
    assert (found.like, found.asked) == (start, "panel")
    assert start.id not in [card.panel.id for card in found.cards]
    assert len(found.cards) == 15


def test_a_panels_picture_can_ask_with_words_and_in_part(index: PanelIndex) -> None:
    """The question is a picture then; the panel itself stays out of the way."""
    start = index.browse({"book": "Harbour"}, k=1)[0]
    both = handlers.ask(index, Question(like=start.id, text="apples"))
    assert (both.view, both.asked) == (View.FUSED, "both")
    part = handlers.ask(index, Question(like=start.id, crop=Crop(0.25, 0.25, 0.5, 0.5)))
    assert (part.view, part.asked) == (View.PICTURE, "picture")
    for found in (both, part):
        assert start.id not in [card.panel.id for card in found.cards]


def test_part_of_a_picture_asks(index: PanelIndex, tmp_path: Path) -> None:
    """A page's picture finds a panel of it once it is cropped to that panel."""
    panel = index.browse({"book": "Orchard"}, k=2)[1]
    path = tmp_path / "page.png"
    index.page_image(panel.page_id).save(path)
    box = panel.box
    wide, high = panel.page_width, panel.page_height
    crop = Crop(box.x / wide, box.y / high, box.w / wide, box.h / high)
    whole, part = (handlers.ask(index, Question(picture=str(path), crop=c)) for c in (None, crop))
    assert whole.cards[0].score < 0.9
    assert part.cards[0].panel.id == panel.id
    assert part.cards[0].score > 0.999


@pytest.mark.parametrize(
    ("crop", "size"), [(None, (40, 20)), (Crop(0.5, 0, 0.5, 1), (20, 20)), (Crop(0.999, 0.999, 0.001, 0.001), (1, 1))]
)
def test_a_part_has_at_least_a_pixel(crop: Crop | None, size: tuple[int, int]) -> None:
    assert handlers.cropped(Image.new("RGB", (40, 20)), crop).size == size


def test_words_are_taken_away(index: PanelIndex) -> None:
    """What says them comes last of what matches; by themselves they are no question."""
    found = handlers.ask(index, Question(text="bring", without="lantern"))
    said = [card.panel.dialogue for card in found.cards]
    assert said.index("Bring more rain") < said.index("Bring the lantern")
    with pytest.raises(UsageError, match="no question by themselves"):
        handlers.ask(index, Question(without="lantern"))


def test_words_match_what_is_said_or_drawn(index: PanelIndex) -> None:
    asked = {words: handlers.ask(index, Question(text="rain", words_in=words)).view for words in ("said", "drawn")}
    assert asked == {"said": View.DIALOGUE, "drawn": View.PICTURE}
    both = handlers.ask(index, Question(text="rain", words_in="both"))
    assert {card.view for card in both.cards} == {View.DIALOGUE, View.PICTURE}
    assert both.searched == 16  # those without words too
    silent = handlers.ask(index, Question(text="rain", words_in="both", where={"has_dialogue": ("no",)}))
    assert (silent.searched, len(silent.cards)) == (4, 4)


def test_the_same_words_elsewhere_leave_their_panel_out(index: PanelIndex) -> None:
    panel = index.browse({"book": "Harbour"}, k=1)[0]
    found = handlers.ask(index, Question(text=panel.dialogue, words_in="said", elsewhere=panel.id))
    assert found.elsewhere == panel
    assert panel.id not in [card.panel.id for card in found.cards]
    assert found.cards[0].panel.dialogue == "Bring more rain"


def test_filters_narrow_the_search(index: PanelIndex) -> None:
    """Book and words leave out what they say, and the panels that were searched are counted as such."""
    in_book = handlers.ask(index, Question(text="rain", view="picture", where={"book": ("Harbour",)}))
    assert {card.panel.book for card in in_book.cards} == {"Harbour"}
    assert in_book.searched == 8
    silent = handlers.ask(index, Question(text="rain", view="picture", where={"has_dialogue": ("no",)}))
    assert [card.panel.dialogue for card in silent.cards] == [""] * 4
    spoken = handlers.ask(index, Question(text="rain", where={"book": ("Harbour",)}))
    assert spoken.searched == 6


def test_filters_alone_browse_in_story_order(index: PanelIndex) -> None:
    """Nothing is scored; all of them can be had, a few at a time."""
    question = Question(where={"book": ("Harbour",)})
    first, rest = handlers.ask(index, question, count=5), handlers.ask(index, question, 5, count=5)
    assert [(c.panel.page_number, c.panel.number) for c in (*first.cards, *rest.cards)] == [
        (p, n) for p in (1, 2) for n in (1, 2, 3, 4)
    ]
    assert (first.searched, first.more, rest.more, first.asked) == (8, True, False, None)


def test_nothing_left_after_filters(index: PanelIndex) -> None:
    """Words are compared with dialogue, so panels without words cannot be hits: an empty answer, no error."""
    found = handlers.ask(index, Question(text="rain", where={"has_dialogue": ("no",)}))
    assert (found.cards, found.more, found.searched) == ((), False, 0)


@pytest.mark.parametrize(("fold", "groups"), [("page", 4), ("book", 3)])
def test_one_panel_per_page_or_book_with_the_others_folded(index: PanelIndex, fold: str, groups: int) -> None:
    """Every panel is still there: on the wall or in a fold of its own page or book, best first."""
    found = handlers.ask(index, Question(text="rain", view="picture", fold=fold))
    assert len(found.cards) == groups
    every = [card.panel.id for shown in found.cards for card in (shown, *shown.grouped)]
    assert sorted(every) == sorted(p.id for p in index.browse(k=100))
    for card in found.cards:
        group = {(c.panel.page_id if fold == "page" else c.panel.book_id) for c in (card, *card.grouped)}
        assert len(group) == 1
        assert [c.score for c in card.grouped] == sorted((c.score for c in card.grouped), reverse=True)


def test_a_large_fold_says_how_many_more_it_holds(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "MOST_FOLDED", 2)
    found = handlers.ask(index, Question(text="rain", view="picture", fold="book"))
    harbour = next(card for card in found.cards if card.panel.book == "Harbour")
    assert (len(harbour.grouped), harbour.more_grouped) == (2, 5)


def test_filters_show_their_counts(index: PanelIndex) -> None:
    """A filter in use still shows what else could be chosen; the others count what it leaves; empty ones are away."""
    found = handlers.narrowing(index, Question(where={"book": ("Harbour",)}))
    assert {(f.value, f.panels) for f in found["book"]} == {("Harbour", 8), ("Orchard", 4), (HOSTILE_BOOK, 4)}
    assert {f.value: f.panels for f in found["has_dialogue"]} == {"yes": 6, "no": 2}
    assert "writer" not in found
    assert list(found) == [name for name in FILTERS if name in found]


def test_a_filter_stays_to_be_taken_away_where_nothing_is_left(index: PanelIndex) -> None:
    chosen = {"writer": ("Nobody",), "aspect": ("wide",), "book": ("Harbour",)}
    assert index.count({"writer": ["Nobody"]}) == 0
    found = handlers.narrowing(index, Question(where=chosen))
    assert set(chosen) <= set(found)
    assert found["book"] == ()


def settled(strangers: Strangers, asked: str, views: list[str]) -> Lines:
    """The lines once nothing is being measured any more."""
    for _ in range(600):
        found = strangers.lines(asked, views)
        if not found.measuring:
            return found
        time.sleep(0.05)
    raise AssertionError("still measuring after half a minute")


def test_how_far_strangers_reach(index: PanelIndex) -> None:
    """From this library's own panels, while nobody waits; what is no kind of question is refused."""
    strangers = Strangers(index)
    found = settled(strangers, "picture", ["picture", "fused"])
    assert found.by_view == {view: index.closeness(view, "picture").value for view in ("picture", "fused")}
    for asked, view in (("song", "picture"), ("words", "paper")):
        with pytest.raises(UsageError):
            strangers.lines(asked, [view])


def test_nobody_waits_for_what_strangers_reach(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again and again meanwhile it is measured once; where it cannot be, that is not tried for ever."""
    go_on, measured = threading.Event(), []

    def slow(self: PanelIndex, view: View, asked: str, **_: Any) -> None:
        measured.append((view, asked))
        go_on.wait(10)
        raise IndexDamaged("its file is gone")

    monkeypatch.setattr(PanelIndex, "closeness", slow)
    monkeypatch.setattr(PanelIndex, "closeness_known", lambda *_: None)
    strangers = Strangers(index)
    for _ in range(5):
        assert strangers.lines("words", ["dialogue"]) == Lines({}, measuring=True)
    go_on.set()
    assert settled(strangers, "words", ["dialogue"]).by_view == {}
    assert measured == [(View.DIALOGUE, "words")]


def test_more_results_go_on_where_the_list_ended(index: PanelIndex) -> None:
    """No hit comes twice and none is missing; the end of the list is known."""
    question = Question(text="rain", view="picture")
    first, rest = handlers.ask(index, question, count=12), handlers.ask(index, question, 12, count=12)
    assert (len(first.cards), first.more, len(rest.cards), rest.more) == (12, True, 4, False)
    assert len({c.panel.id for c in (*first.cards, *rest.cards)}) == 16
    assert rest.cards[0].rank == 13


@pytest.mark.parametrize("question", [Question(text="rain", view="picture"), Question(where={"book": ("%",)})])
def test_the_list_ends_at_a_number_and_says_so(
    index: PanelIndex, monkeypatch: pytest.MonkeyPatch, question: Question
) -> None:
    """No hit beyond it, whether something is searched for or not; where there are no more than that it says nothing."""
    monkeypatch.setattr(handlers, "MOST_HITS", 14)
    first, rest = handlers.ask(index, question, count=12), handlers.ask(index, question, 12, count=12)
    assert (first.more, first.cut) == (True, False)
    assert (len(rest.cards), rest.more, rest.cut) == (2, False, True)
    assert handlers.ask(index, question, 14).cards == ()
    monkeypatch.setattr(handlers, "MOST_HITS", 16)
    assert not handlers.ask(index, question, count=16).cut


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


def test_the_library_at_a_glance(index: PanelIndex) -> None:
    library = glance(index)
    assert (library.books, library.pages, library.panels, library.with_words) == (3, 4, 16, 12)
    assert (library.encoder, library.provisional) == ("grid", False)
    assert len(library.samples) > 3
    assert "Who goes there?" in library.suggestions


def test_panels_to_start_from_are_worth_looking_at(index: PanelIndex) -> None:
    """A strip of lettering and a sliver are passed over where there are others."""
    panel = index.browse(k=1)[0]  # 170 x 270 on a page of 400 x 600
    sizes = ((170, 270), (300, 270), (380, 60), (90, 300), (30, 30))
    assert [_looks(replace(panel, box=Box(0, 0, w, h))) for w, h in sizes] == [True, True, False, False, False]


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
    build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as index:
        assert "Orchard" not in [c.panel.book for c in handlers.ask(index, Question(text="apples fall")).cards]
        shutil.move(tmp_path / "later", comics / "Orchard")
        build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
        found = handlers.ask(index, Question(text="apples fall"))
        assert (found.cards[0].panel.book, found.searched) == ("Orchard", 12)


def test_errors_become_sentences_without_paths() -> None:
    """What a person can change is said in full; what only the host can change stays in the log."""
    assert friendly(UsageError("no such view")) == "No such view."
    assert "/secret" not in friendly(SourceError("/secret/comics is gone"))
    assert "/secret" not in friendly(CheckpointError("/secret/best_model.pt is damaged"))
