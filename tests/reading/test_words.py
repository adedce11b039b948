"""Blocks of words find the panel they belong to."""

from __future__ import annotations

from index_builder.annotations import TextBlock
from index_builder.dialogue import give_to_panels
from retrieval.records import Box

LEFT, RIGHT = Box(0, 0, 100, 100), Box(110, 0, 100, 100)


def said(blocks: list[TextBlock], panels: list[Box], **more: bool) -> list[str]:
    return [" ".join(block.text for block in found) for found in give_to_panels(blocks, panels, **more)]


def test_a_block_goes_to_the_panel_that_covers_most_of_it() -> None:
    """A balloon that crosses a border belongs where most of it lies."""
    blocks = [TextBlock(Box(60, 10, 60, 20), "left"), TextBlock(Box(90, 50, 60, 20), "right")]
    assert said(blocks, [LEFT, RIGHT]) == ["left", "right"]


def test_a_block_outside_every_panel_goes_to_the_nearest() -> None:
    """A caption below the panels is not lost."""
    assert said([TextBlock(Box(150, 120, 20, 10), "below")], [LEFT, RIGHT]) == ["", "below"]


def test_words_are_joined_as_they_are_read() -> None:
    """Left to right or right to left, top to bottom, whatever the order in the file."""
    blocks = [
        TextBlock(Box(60, 60, 20, 20), "last"),
        TextBlock(Box(60, 5, 20, 20), "two"),
        TextBlock(Box(10, 5, 20, 20), "one"),
    ]
    assert said(blocks, [LEFT]) == ["one two last"]
    assert said(blocks, [LEFT], right_to_left=True) == ["two one last"]


def test_twins_empty_boxes_and_no_panels() -> None:
    """Blocks on one spot all stay, a block without area is placed, and nothing is made of nothing."""
    spot = Box(5, 5, 0, 0)
    assert said([TextBlock(spot, "a"), TextBlock(spot, "a"), TextBlock(spot, "b")], [RIGHT, LEFT]) == ["", "a a b"]
    assert give_to_panels([TextBlock(spot, "a")], []) == []
    assert give_to_panels([], [LEFT]) == [()]
