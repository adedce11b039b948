"""Records as HTML: nothing from comics is ever markup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrieval import PanelIndex
from tests.page.library import HOSTILE
from ui.web.frame.markup import describe, notice, shorten
from ui.web.search import handlers, markup
from ui.web.search.handlers import Question


def hostile_panel(index: PanelIndex) -> int:
    return next(p.id for p in index.browse({"book": "Evil%"}) if HOSTILE in p.dialogue)


def test_text_from_comics_is_text(index: PanelIndex) -> None:
    """A tag in a dialogue or a folder's name shows as letters in hits, dialog and welcome."""
    pages = (
        markup.results(handlers.ask(index, Question(text=f"danger {HOSTILE}"))),
        markup.chosen(handlers.choose(index, hostile_panel(index))),
        markup.welcome(handlers.library(index)),
        notice(HOSTILE),
    )
    for page in pages:
        assert "<img src=x" not in page
        assert "&lt;img src=x onerror=" in page


def test_matched_words_are_marked_as_they_are_written() -> None:
    """Case and punctuation of the balloon stay; words beside them are not marked."""
    assert markup.highlight("Stop the RAIN, now", ["RAIN,"]) == "Stop the <mark>RAIN,</mark> now"
    assert markup.highlight("<b>rain</b> & rain", ["rain"]) == "&lt;b&gt;rain&lt;/b&gt; &amp; <mark>rain</mark>"


def test_a_word_broken_over_lines_is_marked_whole() -> None:
    """The search joins it, so the mark spans the break."""
    assert markup.highlight("the light-\nhouse here", ["lighthouse"]) == "the <mark>light-\nhouse</mark> here"


def test_a_long_dialogue_is_shown_from_where_it_matches(index: PanelIndex) -> None:
    """The two lines on a card are the ones with the words asked for, not merely the first."""
    card = handlers.ask(index, Question(text="lantern")).cards[0]
    said = "The day was long and the road was longer still, and nobody came along. Bring the lantern!"
    panel = replace(card.panel, dialogue=said)
    shown = markup.results(
        replace(
            handlers.ask(index, Question(text="lantern")),
            cards=(replace(card, panel=panel, words=("the", "Bring", "lantern!")),),
        )
    )
    assert '<span class="said">… <mark>Bring</mark> <mark>the</mark> <mark>lantern!</mark></span>' in shown


def test_pictures_are_described(index: PanelIndex) -> None:
    said, silent = index.browse({"book": "Harbour"}, k=3)[0::2]
    assert describe(said) == "Panel 1 on page 1 of Harbour: 'The rain never stops here'"
    assert describe(silent) == "Panel 3 on page 1 of Harbour, no words"


def test_no_path_of_this_machine_is_in_the_page(index: PanelIndex, comics: object) -> None:
    """Files are named relative to their source, pictures by number."""
    page = markup.chosen(handlers.choose(index, 1)) + markup.results(handlers.ask(index, Question(text="rain")))
    assert str(comics) not in page
    assert "file=" not in page
    assert f'src="pictures/panel/1?v={index.panel(1).row}"' in page


def test_an_answer_without_hits_says_what_to_do(index: PanelIndex) -> None:
    page = markup.results(handlers.ask(index, Question(text="rain", words="without")))
    assert "No panel matches. Take a filter away under Options." in page


def test_a_provisional_encoder_is_called_that(index: PanelIndex) -> None:
    library = handlers.library(index)
    assert markup.PROVISIONAL not in markup.welcome(library)
    assert markup.PROVISIONAL in markup.welcome(replace(library, provisional=True))


@pytest.mark.parametrize(
    ("text", "short"), [("short", "short"), ("one two three four", "one two…"), ("a" * 30, "a" * 9 + "…")]
)
def test_long_texts_are_cut_between_words(text: str, short: str) -> None:
    assert shorten(text, 9) == short
