"""Text boxes are assigned to the panels they belong to."""

from __future__ import annotations

from index_builder.annotations import TextBlock
from index_builder.dialogue import assign_to_panels
from retrieval.records import Box

LEFT, RIGHT = Box(0, 0, 100, 100), Box(110, 0, 100, 100)


def texts(blocks: list[TextBlock], panels: list[Box], **options: bool) -> list[str]:
    return [" ".join(block.text for block in group) for group in assign_to_panels(blocks, panels, **options)]


def test_text_is_assigned_to_the_panel_that_covers_most_of_it() -> None:
    """A balloon across a border belongs to the panel with the larger part of it."""
    blocks = [TextBlock(Box(60, 10, 60, 20), "left"), TextBlock(Box(90, 50, 60, 20), "right")]
    assert texts(blocks, [LEFT, RIGHT]) == ["left", "right"]


def test_text_outside_every_panel_is_assigned_to_the_nearest() -> None:
    """A caption below the panels belongs to the nearest one."""
    assert texts([TextBlock(Box(150, 120, 20, 10), "below")], [LEFT, RIGHT]) == ["", "below"]


def test_texts_of_a_panel_are_in_reading_order() -> None:
    """Texts are read left to right or right to left and top to bottom, in any order of the file."""
    blocks = [
        TextBlock(Box(60, 60, 20, 20), "last"),
        TextBlock(Box(60, 5, 20, 20), "two"),
        TextBlock(Box(10, 5, 20, 20), "one"),
    ]
    assert texts(blocks, [LEFT]) == ["one two last"]
    assert texts(blocks, [LEFT], right_to_left=True) == ["two one last"]


def test_equal_boxes_empty_boxes_and_no_panels() -> None:
    """Texts with equal boxes are all kept, a box without area is assigned, and empty input gives empty output."""
    spot = Box(5, 5, 0, 0)
    assert texts([TextBlock(spot, "a"), TextBlock(spot, "a"), TextBlock(spot, "b")], [RIGHT, LEFT]) == ["", "a a b"]
    assert assign_to_panels([TextBlock(spot, "a")], []) == []
    assert assign_to_panels([], [LEFT]) == [()]
