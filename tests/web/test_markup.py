"""Records as HTML: nothing from comics is ever markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ui.web.search.question import Crop, Question

from retrieval import PanelIndex
from retrieval.overview.facets import Facet
from tests.web.library import HOSTILE, HOSTILE_BOOK
from ui.web.library import markup as library_markup
from ui.web.library.handlers import about
from ui.web.panel import markup as sheet
from ui.web.panel.handlers import choose
from ui.web.search import form, handlers, markup
from ui.web.search.welcome import glance
from ui.web.shell.markup import VIEW_NAMES, describe, highlight, notice, shorten


def hostile_panel(index: PanelIndex) -> int:
    return next(p.id for p in index.browse({"book": "Evil%"}) if HOSTILE in p.dialogue)


def test_text_from_comics_is_text(index: PanelIndex) -> None:
    """A tag in a dialogue or a folder's name shows as letters in hits, dialog, welcome, filters and picture."""
    found = handlers.ask(index, Question(text=f"danger {HOSTILE}"))
    narrowed = Question(where={"book": (HOSTILE_BOOK,)})
    pages = (
        markup.cards(found, "?q=danger") + markup.summary(found),
        sheet.sheet(choose(index, hostile_panel(index), HOSTILE), f"?q={HOSTILE}"),
        markup.welcome(glance(index)),
        form.narrow(handlers.narrowing(index, narrowed), narrowed),
        form.panel_slot(index.panel(hostile_panel(index)), None),
        notice(HOSTILE),
    )
    for page in pages:
        assert "<img src=x" not in page
        assert "&lt;img src=x onerror=" in page


def test_matched_words_are_marked_as_they_are_written() -> None:
    """Case and punctuation of the balloon stay; words beside them are not marked."""
    assert highlight("Stop the RAIN, now", ["RAIN,"]) == "Stop the <mark>RAIN,</mark> now"
    assert highlight("<b>rain</b> & rain", ["rain"]) == "&lt;b&gt;rain&lt;/b&gt; &amp; <mark>rain</mark>"


def test_a_word_broken_over_lines_is_marked_whole() -> None:
    """The search joins it, so the mark spans the break."""
    assert highlight("the light-\nhouse here", ["lighthouse"]) == "the <mark>light-\nhouse</mark> here"


def test_a_long_dialogue_is_shown_from_where_it_matches(index: PanelIndex) -> None:
    """The two lines on a card are the ones with the words asked for, not merely the first."""
    found = handlers.ask(index, Question(text="lantern"))
    said = "The day was long and the road was longer still, and nobody came along. Bring the lantern!"
    panel = replace(found.cards[0].panel, dialogue=said)
    card = replace(found.cards[0], panel=panel, matched_words=("the", "Bring", "lantern!"))
    shown = markup.cards(replace(found, cards=(card,)), "?q=lantern")
    assert '<span class="said">… <mark>Bring</mark> <mark>the</mark> <mark>lantern!</mark></span>' in shown


def test_pictures_are_described(index: PanelIndex) -> None:
    said, silent = index.browse({"book": "Harbour"}, k=3)[0::2]
    assert describe(said) == "Panel 1 on page 1 of Harbour: 'The rain never stops here'"
    assert describe(silent) == "Panel 3 on page 1 of Harbour, no words"


def test_no_path_of_this_machine_is_in_the_page(index: PanelIndex, comics: object) -> None:
    """Files are named relative to their source, pictures by number."""
    page = sheet.sheet(choose(index, 1), "") + markup.cards(handlers.ask(index, Question(text="rain")), "")
    assert str(comics) not in page
    assert "file=" not in page
    assert f'src="pictures/panel/1?v={index.panel(1).vector_row}"' in page


def test_an_answer_without_hits_says_what_to_do(index: PanelIndex) -> None:
    narrowed = handlers.ask(index, Question(text="rain", where={"has_dialogue": ("no",)}))
    assert "Search without filters" in markup.nothing(narrowed)
    assert "Try other words" in markup.nothing(replace(narrowed, question=Question(text="rain")))


def test_the_line_above_says_what_was_asked(index: PanelIndex) -> None:
    """Picture, part, words, what was taken away, and where."""
    start = index.browse({"book": "Harbour"}, k=1)[0]
    question = Question(
        text="rain", without="ship", like=start.id, crop=Crop(0, 0, 0.5, 0.5), where={"book": ("Harbour",)}
    )
    said = re.sub(r"<[^>]+>", "|", markup.summary(handlers.ask(index, question)))
    assert "Panels like part of |Harbour|, page 1, panel 1 and |rain| without |ship| in |Harbour|" in said


def test_an_encoder_that_knows_no_meaning_says_so(index: PanelIndex) -> None:
    """Words about a drawing find little with the built-in one, and only then that is said."""
    drawn = handlers.ask(index, Question(text="a ship", words_in="drawn"))
    assert markup.KNOWS_NO_MEANING in markup.summary(drawn, "small")
    assert markup.KNOWS_NO_MEANING not in markup.summary(drawn, "comic-panel-encoder-v1")
    assert markup.KNOWS_NO_MEANING not in markup.summary(handlers.ask(index, Question(text="a ship")), "small")


def test_patterns_are_said_in_words(index: PanelIndex) -> None:
    """In the pill of the filter and in the line above; what is a name is said as it is."""
    said = {value: form.value_name("book", value) for value in ("%ep0%", "Pep%", "%!", "a%b", "Harbour")}
    expected = ("contains “ep0”", "begins with “Pep”", "ends with “!”", "a%b", "Harbour")
    assert tuple(said.values()) == expected
    question = Question(text="rain", where={"book": ("%arb%",)})
    narrow = form.narrow(handlers.narrowing(index, question), question)
    assert "<b>contains “arb”</b>" in narrow
    assert "in books whose name contains “arb”" in markup.summary(handlers.ask(index, question))


def test_a_list_too_long_to_show_looks_beyond_itself() -> None:
    """Where not every value is listed, none among them does not mean that there is none."""
    whole, cut = (tuple(Facet(f"Book {n}", 1) for n in range(count)) for count in (20, handlers.MOST_LISTED))
    assert "No book is called so." in form.narrow({"book": whole}, Question())
    assert "data-more" not in form.narrow({"book": whole}, Question())
    assert 'data-more><p class="no-value"' in form.narrow({"book": cut}, Question())


def test_the_end_of_the_list_is_said(index: PanelIndex) -> None:
    found = handlers.ask(index, Question(text="rain", view="picture"), count=12)
    assert markup.end(found) == ""
    assert "the first 12 hits. Narrow" in markup.end(replace(found, cut=True))
    browsed = replace(handlers.ask(index, Question(where={"book": ("Harbour",)}), 4, count=4), cut=True)
    assert "the first 8 of 8 panels. Narrow" in markup.end(browsed)


def test_every_field_of_the_form_is_found_by_its_name() -> None:
    """A form finds a field by name and by id alike: where two share one, neither is filled."""
    names = [
        set(re.findall(r' (?:name|id)="([^"]+)"', field))
        for field in re.findall(r"<(?:input|select)[^>]+>", form.form())
    ]
    every = [name for field in names for name in field]
    assert {"q", "without", "words", "in", "fold"} <= set(every)
    assert len(every) == len(set(every))


def test_an_empty_index_says_how_to_fill_it(index: PanelIndex) -> None:
    assert "panelseek build" in markup.welcome(replace(glance(index), panels=0))


def test_what_is_compared_has_one_name(index: PanelIndex) -> None:
    """The foot of the library names it as the question does."""
    told = library_markup.about(about(index))
    for view, name in VIEW_NAMES.items():
        assert f'<option value="{view}">{name}</option>' in form.form()
        assert f">{name}</th>" in told
    assert "fused" not in told


def test_a_provisional_encoder_is_called_that(index: PanelIndex) -> None:
    library = glance(index)
    assert markup.PROVISIONAL not in markup.welcome(library)
    assert markup.PROVISIONAL in markup.welcome(replace(library, provisional=True))


@pytest.mark.parametrize(
    ("text", "short"), [("short", "short"), ("one two three four", "one two…"), ("a" * 30, "a" * 9 + "…")]
)
def test_long_texts_are_cut_between_words(text: str, short: str) -> None:
    assert shorten(text, 9) == short
