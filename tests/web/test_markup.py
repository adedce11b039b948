"""Records as HTML: nothing from comics is ever markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from retrieval import Hit, PanelIndex
from retrieval.overview.facets import Facet
from retrieval.records import View
from tests.web.library import HOSTILE, HOSTILE_BOOK
from ui.output.tables import PROVISIONAL
from ui.web.library import markup as library_markup
from ui.web.library.handlers import index_details
from ui.web.panel import markup as panel_markup
from ui.web.panel.handlers import panel_detail
from ui.web.search import form, handlers, markup
from ui.web.search.cards import Card
from ui.web.search.filters import value_name
from ui.web.search.search_state import VIEWS, Crop, SearchState
from ui.web.search.welcome import library_summary
from ui.web.shell import messages
from ui.web.shell.markup import notice
from ui.web.shell.text import describe, excerpt, marked, shorten


def hit(card: Card) -> Hit:
    """Return the hit of a card that has one."""
    assert card.hit
    return card.hit


def hostile_panel(index: PanelIndex) -> int:
    return next(p.id for p in index.browse({"book": "Evil%"}) if HOSTILE in p.dialogue)


def test_text_from_comics_is_text(index: PanelIndex) -> None:
    """A tag in a dialogue or a folder's name shows as letters in hits, dialog, welcome, filters and picture."""
    found = handlers.search(index, SearchState(text=f"danger {HOSTILE}"))
    narrowed = SearchState(where={"book": (HOSTILE_BOOK,)})
    pages = (
        markup.cards(found, "?q=danger") + markup.summary(found),
        panel_markup.dialog(panel_detail(index, hostile_panel(index), HOSTILE), f"?q={HOSTILE}"),
        markup.welcome(library_summary(index)),
        form.filters(handlers.filter_values(index, narrowed), narrowed),
        form.panel_slot(index.panel(hostile_panel(index)), None),
        notice(HOSTILE),
    )
    for page in pages:
        assert "<img src=x" not in page
        assert "&lt;img src=x onerror=" in page


def test_matched_words_are_marked_as_they_are_written() -> None:
    """Case and punctuation of the balloon stay; other words are not marked."""
    assert marked("Stop the RAIN, now", ["RAIN,"]) == (("Stop the ", False), ("RAIN,", True), (" now", False))
    assert marked("<b>rain</b> & rain", ["rain"]) == (("<b>rain</b> & ", False), ("rain", True))


def test_a_word_broken_over_lines_is_marked_whole() -> None:
    """The search joins it, so the mark spans the break."""
    assert marked("the light-\nhouse here", ["lighthouse"])[1] == ("light-\nhouse", True)


def test_a_long_dialogue_is_shown_from_where_it_matches(index: PanelIndex) -> None:
    """The two lines on a card are the ones with the matched words, not merely the first."""
    found = handlers.search(index, SearchState(text="lantern"))
    dialogue = "The day was long and the road was longer still, and nobody came along. Bring the lantern!"
    words = ("the", "Bring", "lantern!")
    assert excerpt(dialogue, words).starts_late
    first = hit(found.cards[0])
    panel = replace(first.panel, dialogue=dialogue)
    card = Card(panel, replace(first, panel=panel, matched_words=words))
    shown = markup.cards(replace(found, cards=(card,)), "?q=lantern")
    assert '<span class="dialogue-text">… <mark>Bring</mark> <mark>the</mark> <mark>lantern!</mark></span>' in shown


def test_images_are_described(index: PanelIndex) -> None:
    said, silent = index.browse({"book": "Harbour"}, k=3)[0::2]
    assert describe(said) == "Panel 1 on page 1 of Harbour: 'The rain never stops here'"
    assert describe(silent) == "Panel 3 on page 1 of Harbour, no dialogue"


def test_no_path_of_this_machine_is_in_the_page(index: PanelIndex, comics: object) -> None:
    """Files are named relative to their source, pictures by number."""
    page = panel_markup.dialog(panel_detail(index, 1), "") + markup.cards(
        handlers.search(index, SearchState(text="rain")), ""
    )
    assert str(comics) not in page
    assert "file=" not in page
    assert f'src="pictures/panel/1?v={index.panel(1).vector_row}"' in page


def test_a_search_without_results_says_what_to_do(index: PanelIndex) -> None:
    narrowed = handlers.search(index, SearchState(text="rain", where={"has_dialogue": ("no",)}))
    assert "Search without filters" in markup.no_results(narrowed)
    assert "Try other words" in markup.no_results(replace(narrowed, state=SearchState(text="rain")))


def test_the_heading_names_the_search(index: PanelIndex) -> None:
    """Image, crop, text, exclusions, and filters."""
    start = index.browse({"book": "Harbour"}, k=1)[0]
    state = SearchState(
        text="rain", negative="ship", like=start.id, crop=Crop(0, 0, 0.5, 0.5), where={"book": ("Harbour",)}
    )
    said = re.sub(r"<[^>]+>", "|", markup.summary(handlers.search(index, state)))
    assert "Panels like part of |Harbour|, page 1, panel 1 and |rain| without |ship| in |Harbour|" in said


def test_a_search_of_artwork_that_the_encoder_cannot_do_says_so(index: PanelIndex) -> None:
    """Only for text, and only with the built-in encoder."""
    drawn = handlers.search(index, SearchState(text="a ship", view="picture"))
    assert messages.NO_ARTWORK_SEARCH in markup.summary(drawn, "small")
    assert messages.NO_ARTWORK_SEARCH not in markup.summary(drawn, "comic-panel-encoder-v1")
    assert messages.NO_ARTWORK_SEARCH not in markup.summary(handlers.search(index, SearchState(text="a ship")), "small")


def test_patterns_are_shown_in_words(index: PanelIndex) -> None:
    """In the menu of the filter and in the heading; a plain name is shown as it is."""
    said = {value: value_name("book", value) for value in ("%ep0%", "Pep%", "%!", "a%b", "Harbour")}
    expected = ("contains “ep0”", "begins with “Pep”", "ends with “!”", "a%b", "Harbour")
    assert tuple(said.values()) == expected
    state = SearchState(text="rain", where={"book": ("%arb%",)})
    narrow = form.filters(handlers.filter_values(index, state), state)
    assert "<b>contains “arb”</b>" in narrow
    assert "in books whose name contains “arb”" in markup.summary(handlers.search(index, state))


def test_a_list_of_values_that_is_cut_can_search_the_others() -> None:
    """Where not every value is listed, none among them does not mean that there is none."""
    whole, cut = (tuple(Facet(f"Book {n}", 1) for n in range(count)) for count in (20, handlers.MAX_FILTER_VALUES))
    assert "No book matches." in form.filters({"book": whole}, SearchState())
    assert "data-more" not in form.filters({"book": whole}, SearchState())
    assert 'data-more><p class="no-value"' in form.filters({"book": cut}, SearchState())


def test_a_list_that_is_cut_shows_its_end(index: PanelIndex) -> None:
    found = handlers.search(index, SearchState(text="rain", view="picture"), count=12)
    assert markup.end(found) == ""
    assert "the first 12. Add a filter" in markup.end(replace(found, truncated=True))
    browsed = replace(handlers.search(index, SearchState(where={"book": ("Harbour",)}), 4, count=4), truncated=True)
    assert "the first 8 of 8. Add a filter" in markup.end(browsed)


def test_every_field_of_the_form_is_found_by_its_name() -> None:
    """A form finds a field by name and by id alike: where two share one, neither is filled."""
    names = [
        set(re.findall(r' (?:name|id)="([^"]+)"', field))
        for field in re.findall(r"<(?:input|select)[^>]+>", form.search_form())
    ]
    every = [name for field in names for name in field]
    assert {"q", "not", "view", "group"} <= set(every)
    assert len(every) == len(set(every))


def test_an_empty_index_says_how_to_fill_it(index: PanelIndex) -> None:
    assert "panelseek build" in markup.welcome(replace(library_summary(index), panels=0))


def test_views_have_one_name(index: PanelIndex) -> None:
    """The foot of the library names them as the form does."""
    details = library_markup.index_details(index_details(index))
    for view in View:
        assert f'<option value="{view}">{form.VIEW_NAMES[view]}</option>' in form.search_form()
        assert f">{form.VIEW_NAMES[view]}</th>" in details
    assert list(form.VIEW_NAMES) == list(VIEWS)


def test_a_view_that_the_encoder_cannot_search_is_disabled_with_the_reason() -> None:
    """Text in artwork, with the built-in encoder; its other views can be chosen."""
    shown = form.search_form(searches_artwork=False)
    assert re.findall(r'<option value="(\w*)" disabled', shown) == ["picture", "any"]
    assert messages.NO_ARTWORK_SEARCH in shown
    assert "disabled" not in form.search_form()
    assert not markup.searches_artwork("small")
    assert markup.searches_artwork("comic-panel-encoder-v1")


def test_fixed_weights_are_named(index: PanelIndex) -> None:
    detail = panel_detail(index, 1)
    assert "same for every panel" not in panel_markup.dialog(detail, "")
    assert "same for every panel" in panel_markup.dialog(replace(detail, fixed_weights=True), "")


def test_why_there_is_no_dialogue(index: PanelIndex) -> None:
    """A panel without dialogue and one whose text was not read differ."""
    detail = panel_detail(index, index.browse({"has_dialogue": False}, k=1)[0].id)
    unread = replace(detail, panel=replace(detail.panel, text_source=""))
    assert "No dialogue." in panel_markup.dialog(detail, "")
    assert "Text not read yet." in panel_markup.dialog(unread, "")


def test_results_name_what_matched(index: PanelIndex) -> None:
    found = handlers.search(index, SearchState(text="lantern"))
    first = hit(found.cards[0])
    badges = {
        ("words", ("lantern",)): ["exact words"],
        ("meaning", ()): ["similar meaning"],
        ("picture", ()): ["similar image"],
        ("both", ("lantern",)): ["similar image", "exact words"],
    }
    for (matched_on, words), names in badges.items():
        card = Card(first.panel, replace(first, matched_on=matched_on, matched_words=words))  # type: ignore[arg-type]
        shown = markup.cards(replace(found, cards=(card,)), "")
        assert re.findall(r'class="why">([^<]+)<', shown) == names


def test_a_provisional_encoder_is_called_that(index: PanelIndex) -> None:
    library = library_summary(index)
    assert PROVISIONAL not in markup.welcome(library)
    assert PROVISIONAL in markup.welcome(replace(library, provisional=True))


@pytest.mark.parametrize(
    ("text", "short"), [("short", "short"), ("one two three four", "one two…"), ("a" * 30, "a" * 9 + "…")]
)
def test_long_texts_are_cut_between_words(text: str, short: str) -> None:
    assert shorten(text, 9) == short
