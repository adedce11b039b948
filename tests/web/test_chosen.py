"""A panel on its page and in its story, tried without the page."""

from __future__ import annotations

import re

import pytest

from retrieval import PanelIndex
from retrieval.errors import UsageError
from ui.web.panel import markup
from ui.web.panel.handlers import choose


def harbour(index: PanelIndex) -> list[int]:
    """Its panels in the story's order: four on each of two pages."""
    return [panel.id for panel in index.browse({"book": "Harbour"}, k=8)]


def test_a_chosen_panel_stands_on_its_page(index: PanelIndex) -> None:
    """Its place in percent, the page's size, and how many there are."""
    panel = index.panel(harbour(index)[1])
    chosen = choose(index, str(panel.id))
    assert (chosen.panel, chosen.of, chosen.pages, chosen.size) == (panel, 4, 2, (400, 600))
    place = chosen.places[1]  # the page is 400 x 600, the box 210, 20, 170, 270
    assert (place.left, place.width, place.height) == (52.5, 42.5, 45.0)


def test_the_story_goes_on_across_pages(index: PanelIndex) -> None:
    """Two panels before and after, whichever page they are on; the book's ends are its ends."""
    story = harbour(index)
    for at in range(8):
        chosen = choose(index, story[at])
        assert [p.id for p in chosen.before] == story[max(0, at - 2) : at]
        assert [p.id for p in chosen.after] == story[at + 1 : at + 3]


def test_from_page_to_page(index: PanelIndex) -> None:
    story = harbour(index)
    first, second = choose(index, story[1]), choose(index, story[6])
    assert (first.previous_page, first.next_page) == (None, story[4])
    assert (second.previous_page, second.next_page) == (story[3], None)


def test_the_words_that_found_it_are_marked(index: PanelIndex) -> None:
    chosen = choose(index, harbour(index)[1], "Bring a lantern!")
    assert chosen.words == ("Bring", "lantern")
    assert "<mark>Bring</mark> the <mark>lantern</mark>" in markup.sheet(chosen, "?q=bring")
    assert choose(index, harbour(index)[1]).words == ()


@pytest.mark.parametrize("value", [None, True, -1, "1; DROP TABLE panel", "../1", [1], 10**30, 1.5, 987654])
def test_what_is_no_panel_is_refused(index: PanelIndex, value: object) -> None:
    """Ids come from browsers, and browsers send anything."""
    with pytest.raises(UsageError):
        choose(index, value)


def test_the_ways_on(index: PanelIndex) -> None:
    """More like it is a question of its own; as the picture of the question it leaves words and filters as they are."""
    story = harbour(index)
    page = markup.sheet(choose(index, story[1]), f"?q=rain&book=Harbour&crop=0,0,1,1&panel={story[1]}")
    links = re.findall(r'href="([^"]+)"', page)
    assert f"?like={story[1]}" in links
    assert f"?q=rain&amp;book=Harbour&amp;like={story[1]}" in links
    assert f"?q=Bring+the+lantern&amp;words=said&amp;elsewhere={story[1]}" in links
    assert f"?q=rain&amp;book=Harbour&amp;crop=0%2C0%2C1%2C1&amp;panel={story[2]}" in links
    assert "?book=Harbour" in links
    elsewhere = markup.sheet(choose(index, story[1]), f"?view=library&find=har&open=3&panel={story[1]}")
    assert f'href="?like={story[1]}" data-use' in elsewhere


def test_a_silent_panel_has_no_same_words(index: PanelIndex) -> None:
    page = markup.sheet(choose(index, harbour(index)[2]), "")
    assert "No words in this panel." in page
    assert "Same words elsewhere" not in page
