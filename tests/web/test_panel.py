"""A panel on its page and its neighbours, without a browser."""

from __future__ import annotations

import re

import pytest

from retrieval import PanelIndex
from retrieval.errors import UsageError
from ui.web.panel import markup
from ui.web.panel.handlers import panel_detail


def harbour(index: PanelIndex) -> list[int]:
    """Its panels in the story's order: four on each of two pages."""
    return [panel.id for panel in index.browse({"book": "Harbour"}, k=8)]


def test_a_panel_stands_on_its_page(index: PanelIndex) -> None:
    """Its place in percent, the page's size, and how many there are."""
    panel = index.panel(harbour(index)[1])
    detail = panel_detail(index, str(panel.id))
    assert (detail.panel, detail.panel_count, detail.page_count, detail.size) == (panel, 4, 2, (400, 600))
    box = detail.boxes[1]  # the page is 400 x 600, the box 210, 20, 170, 270
    assert (box.left, box.width, box.height) == (52.5, 42.5, 45.0)


def test_neighbours_go_on_across_pages(index: PanelIndex) -> None:
    """Two panels before and after, whichever page they are on; the book's ends are its ends."""
    story = harbour(index)
    for at in range(8):
        detail = panel_detail(index, story[at])
        assert [p.id for p in detail.before] == story[max(0, at - 2) : at]
        assert [p.id for p in detail.after] == story[at + 1 : at + 3]


def test_from_page_to_page(index: PanelIndex) -> None:
    story = harbour(index)
    first, second = panel_detail(index, story[1]), panel_detail(index, story[6])
    assert (first.previous_page, first.next_page) == (None, story[4])
    assert (second.previous_page, second.next_page) == (story[3], None)


def test_the_words_that_matched_are_marked(index: PanelIndex) -> None:
    detail = panel_detail(index, harbour(index)[1], "Bring a lantern!")
    assert detail.matched_words == ("Bring", "lantern")
    assert "<mark>Bring</mark> the <mark>lantern</mark>" in markup.dialog(detail, "?q=bring")
    assert panel_detail(index, harbour(index)[1]).matched_words == ()


@pytest.mark.parametrize("value", [None, True, -1, "1; DROP TABLE panel", "../1", [1], 10**30, 1.5, 987654])
def test_what_is_no_panel_is_refused(index: PanelIndex, value: object) -> None:
    """Ids come from browsers, and browsers send anything."""
    with pytest.raises(UsageError):
        panel_detail(index, value)


def test_the_links_to_go_on(index: PanelIndex) -> None:
    """More like it is a question of its own; as the picture of the question it leaves words and filters as they are."""
    story = harbour(index)
    page = markup.dialog(panel_detail(index, story[1]), f"?q=rain&book=Harbour&crop=0,0,1,1&panel={story[1]}")
    links = re.findall(r'href="([^"]+)"', page)
    assert f"?like={story[1]}" in links
    assert f"?q=rain&amp;book=Harbour&amp;like={story[1]}" in links
    assert f"?q=Bring+the+lantern&amp;view=dialogue&amp;exclude={story[1]}" in links
    assert f"?q=rain&amp;book=Harbour&amp;crop=0%2C0%2C1%2C1&amp;panel={story[2]}" in links
    assert "?book=Harbour" in links
    elsewhere = markup.dialog(panel_detail(index, story[1]), f"?tab=library&find=har&open=3&panel={story[1]}")
    assert f'href="?like={story[1]}" data-use' in elsewhere


def test_a_panel_without_dialogue_has_no_line_to_find(index: PanelIndex) -> None:
    page = markup.dialog(panel_detail(index, harbour(index)[2]), "")
    assert "No dialogue." in page
    assert "Find this line elsewhere" not in page
