"""Searching and filtering, without a browser."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from index_builder import build_index
from retrieval import Hit, PanelIndex
from retrieval.errors import CheckpointError, PictureError, SourceError, UsageError
from retrieval.records import Box, View
from tests.conftest import GridEncoder
from tests.web.library import HOSTILE_BOOK, draw_library
from ui.web.search import cards, handlers
from ui.web.search.search_state import FILTERS, Crop, SearchState
from ui.web.search.welcome import _fits_card, library_summary
from ui.web.shell.messages import user_message


def hits(found: cards.Results) -> list[Hit]:
    """Return the hits on the cards."""
    return [card.hit for card in found.cards if card.hit]


def test_text_finds_the_panel_with_that_dialogue(index: PanelIndex) -> None:
    """The answer carries what the page shows: where, why, which words, how many were searched."""
    found = handlers.search(index, SearchState(text="bring the lantern"))
    first = hits(found)[0]
    assert (first.rank, first.panel.book, first.panel.page_number, first.panel.number) == (1, "Harbour", 1, 2)
    assert (found.view, first.matched_on, first.matched_words) == (View.DIALOGUE, "words", ("Bring", "the", "lantern"))
    assert found.searched == 12  # of 16 panels these have words


def test_a_picture_finds_its_panel(index: PanelIndex, panel_picture: Path) -> None:
    """An upload is compared with pictures, whatever its panel says."""
    found = handlers.search(index, SearchState(upload=str(panel_picture)))
    assert (found.view, found.searched) == (View.PICTURE, 16)
    first = hits(found)[0]
    assert (first.panel.book, first.panel.number, first.matched_on) == ("Orchard", 1, "picture")
    assert first.score > 0.999


def test_image_and_text_together(index: PanelIndex, panel_picture: Path) -> None:
    """Both are compared with the fused view, and a hit can match for both reasons."""
    found = handlers.search(index, SearchState(text="apples fall", upload=str(panel_picture)))
    assert found.view is View.FUSED
    first = hits(found)[0]
    assert (first.panel.dialogue, first.matched_on) == ("Apples fall in autumn", "both")


def test_more_like_a_panel_leaves_that_panel_out(index: PanelIndex) -> None:
    """The panel one starts from is named, and is not among its own results."""
    start = index.browse(k=1)[0]
    found = handlers.search(index, SearchState(like=start.id))
    assert found.like == start
    assert start.id not in [card.panel.id for card in found.cards]
    assert len(found.cards) == 15


def test_a_panels_image_with_text_and_cropped(index: PanelIndex) -> None:
    """The query is an image then, and the panel itself is still left out."""
    start = index.browse({"book": "Harbour"}, k=1)[0]
    both = handlers.search(index, SearchState(like=start.id, text="apples"))
    assert both.view == View.FUSED
    part = handlers.search(index, SearchState(like=start.id, crop=Crop(0.25, 0.25, 0.5, 0.5)))
    assert part.view == View.PICTURE
    for found in (both, part):
        assert start.id not in [card.panel.id for card in found.cards]


def test_part_of_an_image(index: PanelIndex, tmp_path: Path) -> None:
    """A page's picture finds a panel of it once it is cropped to that panel."""
    panel = index.browse({"book": "Orchard"}, k=2)[1]
    path = tmp_path / "page.png"
    index.page_image(panel.page_id).save(path)
    box = panel.box
    wide, high = panel.page_width, panel.page_height
    crop = Crop(box.x / wide, box.y / high, box.w / wide, box.h / high)
    whole, part = (handlers.search(index, SearchState(upload=str(path), crop=c)) for c in (None, crop))
    assert hits(whole)[0].score < 0.9
    assert part.cards[0].panel.id == panel.id
    assert hits(part)[0].score > 0.999


def test_words_are_excluded(index: PanelIndex) -> None:
    """Panels with them come last of what matches; exclusions alone are no search."""
    found = handlers.search(index, SearchState(text="bring", negative="lantern"))
    said = [card.panel.dialogue for card in found.cards]
    assert said.index("Bring more rain") < said.index("Bring the lantern")
    with pytest.raises(UsageError, match="exclusions only remove results"):
        handlers.search(index, SearchState(negative="lantern"))


def test_text_is_searched_in_dialogue_artwork_or_both(index: PanelIndex) -> None:
    views = {view: handlers.search(index, SearchState(text="rain", view=view)).view for view in ("dialogue", "picture")}
    assert views == {"dialogue": View.DIALOGUE, "picture": View.PICTURE}
    both = handlers.search(index, SearchState(text="rain", view="any"))
    assert {hit.view for hit in hits(both)} == {View.DIALOGUE, View.PICTURE}
    assert both.searched == 16  # those without words too
    silent = handlers.search(index, SearchState(text="rain", view="any", where={"has_dialogue": ("no",)}))
    assert (silent.searched, len(silent.cards)) == (4, 4)


def test_other_panels_with_a_line(index: PanelIndex) -> None:
    panel = index.browse({"book": "Harbour"}, k=1)[0]
    found = handlers.search(index, SearchState(text=panel.dialogue, view="dialogue", exclude=panel.id))
    assert found.excluded == panel
    assert panel.id not in [card.panel.id for card in found.cards]
    assert found.cards[0].panel.dialogue == "Bring more rain"


def test_filters_narrow_the_search(index: PanelIndex) -> None:
    """Book and words leave out what they say, and the panels that were searched are counted as such."""
    in_book = handlers.search(index, SearchState(text="rain", view="picture", where={"book": ("Harbour",)}))
    assert {card.panel.book for card in in_book.cards} == {"Harbour"}
    assert in_book.searched == 8
    silent = handlers.search(index, SearchState(text="rain", view="picture", where={"has_dialogue": ("no",)}))
    assert [card.panel.dialogue for card in silent.cards] == [""] * 4
    spoken = handlers.search(index, SearchState(text="rain", where={"book": ("Harbour",)}))
    assert spoken.searched == 6


def test_filters_alone_browse_in_story_order(index: PanelIndex) -> None:
    """Nothing is scored; all of them can be had, a few at a time."""
    state = SearchState(where={"book": ("Harbour",)})
    first, rest = handlers.search(index, state, count=5), handlers.search(index, state, 5, count=5)
    assert [(c.panel.page_number, c.panel.number) for c in (*first.cards, *rest.cards)] == [
        (p, n) for p in (1, 2) for n in (1, 2, 3, 4)
    ]
    assert (first.searched, first.more, rest.more) == (8, True, False)


def test_nothing_left_after_filters(index: PanelIndex) -> None:
    """Words are compared with dialogue, so panels without words cannot be hits: an empty answer, no error."""
    found = handlers.search(index, SearchState(text="rain", where={"has_dialogue": ("no",)}))
    assert (found.cards, found.more, found.searched) == ((), False, 0)


@pytest.mark.parametrize(("group_by", "groups"), [("page", 4), ("book", 3)])
def test_one_result_per_page_or_book_with_the_others_behind_it(index: PanelIndex, group_by: str, groups: int) -> None:
    """Every panel is still there: on a card or behind one of its own page or book, best first."""
    found = handlers.search(index, SearchState(text="rain", view="picture", group=group_by))
    assert len(found.cards) == groups
    every = [card.panel.id for shown in found.cards for card in (shown, *shown.grouped)]
    assert sorted(every) == sorted(p.id for p in index.browse(k=100))
    for card in found.cards:
        group = {(c.panel.page_id if group_by == "page" else c.panel.book_id) for c in (card, *card.grouped)}
        assert len(group) == 1
        scores = [other.hit.score for other in card.grouped if other.hit]
        assert len(scores) == len(card.grouped)
        assert scores == sorted(scores, reverse=True)


def test_a_large_group_is_cut_and_counted(index: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "MAX_GROUPED", 2)
    found = handlers.search(index, SearchState(text="rain", view="picture", group="book"))
    harbour = next(card for card in found.cards if card.panel.book == "Harbour")
    assert (len(harbour.grouped), harbour.more_grouped) == (2, 5)


def test_filters_show_their_counts(index: PanelIndex) -> None:
    """A filter in use still shows what else could be chosen; the others count what it leaves; empty ones are away."""
    found = handlers.filter_values(index, SearchState(where={"book": ("Harbour",)}))
    assert {(f.value, f.panels) for f in found["book"]} == {("Harbour", 8), ("Orchard", 4), (HOSTILE_BOOK, 4)}
    assert {f.value: f.panels for f in found["has_dialogue"]} == {"yes": 6, "no": 2}
    assert "writer" not in found
    assert list(found) == [name for name in FILTERS if name in found]


def test_a_filter_stays_to_be_taken_away_where_nothing_is_left(index: PanelIndex) -> None:
    chosen = {"writer": ("Nobody",), "aspect": ("wide",), "book": ("Harbour",)}
    assert index.count({"writer": ["Nobody"]}) == 0
    found = handlers.filter_values(index, SearchState(where=chosen))
    assert set(chosen) <= set(found)
    assert found["book"] == ()


def test_more_results_go_on_where_the_list_ended(index: PanelIndex) -> None:
    """No hit comes twice and none is missing; the end of the list is known."""
    state = SearchState(text="rain", view="picture")
    first, rest = handlers.search(index, state, count=12), handlers.search(index, state, 12, count=12)
    assert (len(first.cards), first.more, len(rest.cards), rest.more) == (12, True, 4, False)
    assert len({c.panel.id for c in (*first.cards, *rest.cards)}) == 16
    assert hits(rest)[0].rank == 13


@pytest.mark.parametrize("state", [SearchState(text="rain", view="picture"), SearchState(where={"book": ("%",)})])
def test_the_list_ends_at_a_number_and_says_so(
    index: PanelIndex, monkeypatch: pytest.MonkeyPatch, state: SearchState
) -> None:
    """No hit beyond it, whether something is searched for or not; without further hits there is no message."""
    monkeypatch.setattr(handlers, "MAX_RESULTS", 14)
    first, rest = handlers.search(index, state, count=12), handlers.search(index, state, 12, count=12)
    assert (first.more, first.truncated) == (True, False)
    assert (len(rest.cards), rest.more, rest.truncated) == (2, False, True)
    assert handlers.search(index, state, 14).cards == ()
    monkeypatch.setattr(handlers, "MAX_RESULTS", 16)
    assert not handlers.search(index, state, count=16).truncated


def test_an_empty_search_is_refused_in_a_sentence(index: PanelIndex) -> None:
    with pytest.raises(UsageError, match="enter something to search for"):
        handlers.search(index, SearchState(text="   "))


def test_the_library_summary(index: PanelIndex) -> None:
    library = library_summary(index)
    assert (library.books, library.pages, library.panels, library.with_dialogue) == (3, 4, 16, 12)
    assert (library.encoder, library.provisional) == ("grid", False)
    assert len(library.samples) > 3
    assert "Who goes there?" in library.suggestions


def test_panels_to_start_from_fit_a_card(index: PanelIndex) -> None:
    """A strip of lettering and a sliver are passed over where there are others."""
    panel = index.browse(k=1)[0]  # 170 x 270 on a page of 400 x 600
    sizes = ((170, 270), (300, 270), (380, 60), (90, 300), (30, 30))
    assert [_fits_card(replace(panel, box=Box(0, 0, w, h))) for w, h in sizes] == [True, True, False, False, False]


def test_a_newer_generation_is_taken_up_by_the_next_search(tmp_path: Path) -> None:
    """A build next to the running web app shows without a restart."""
    comics = draw_library(tmp_path / "comics")
    shutil.move(comics / "Orchard", tmp_path / "later")
    build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as index:
        assert "Orchard" not in [c.panel.book for c in handlers.search(index, SearchState(text="apples fall")).cards]
        shutil.move(tmp_path / "later", comics / "Orchard")
        build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
        found = handlers.search(index, SearchState(text="apples fall"))
        assert (found.cards[0].panel.book, found.searched) == ("Orchard", 12)


def test_errors_become_sentences_without_paths() -> None:
    """Errors that a visitor can fix are shown in full; those that only the host can fix stay in the log."""
    assert user_message(UsageError("no such view", hint="choose one")) == "No such view. Choose one."
    for error in (SourceError, CheckpointError, PictureError):
        assert "/secret" not in user_message(error("it is damaged", "/secret/file"))
