"""`detect_panels` finds drawn grids exactly, in reading order, and leaves single images whole."""

from __future__ import annotations

import numpy as np
import pytest

from index_builder.panels import detect_panels, reading_order
from index_builder.panels.gutters import near_colour
from retrieval.records import Box
from tests.reading.drawing import drawn_page

GRID = [(x, y, 350, 350) for y in (40, 420, 800) for x in (40, 410)]


def detected_boxes(page: np.ndarray, *, right_to_left: bool = False) -> list[Box]:
    return detect_panels(page, right_to_left=right_to_left).boxes


def is_close(boxes: list[Box], expected: list[tuple[int, int, int, int]], tolerance: int = 6) -> bool:
    """Return True for the same boxes in the same order, each edge within `tolerance` pixels."""
    return len(boxes) == len(expected) and all(
        abs(actual - wanted) <= tolerance
        for box, rect in zip(boxes, expected, strict=True)
        for actual, wanted in zip(box.as_list(), rect, strict=True)
    )


@pytest.mark.parametrize("gutter", [(255, 255, 255), (0, 0, 0), (230, 60, 40), (240, 225, 190)], ids=str)
def test_a_grid_on_any_gutter(gutter: tuple[int, int, int]) -> None:
    """2 x 3 panels are detected on white, black, red and yellowish paper, row by row."""
    assert is_close(detected_boxes(drawn_page(GRID, gutter=gutter, frame=(120, 120, 120))), GRID)


def test_right_to_left() -> None:
    """Manga has the same rows, each read from the right."""
    expected = [GRID[i] for i in (1, 0, 3, 2, 5, 4)]
    assert is_close(detected_boxes(drawn_page(GRID), right_to_left=True), expected)


@pytest.mark.parametrize("size", [(400, 600), (1600, 2400)])
def test_boxes_are_in_page_pixels(size: tuple[int, int]) -> None:
    """Boxes are whole numbers in page pixels at any resolution."""
    scale = size[0] / 800
    expected = [(round(x * scale), round(y * scale), round(w * scale), round(h * scale)) for x, y, w, h in GRID]
    detected = detected_boxes(drawn_page(expected, size=size))
    assert is_close(detected, expected)
    assert all(float(value).is_integer() for box in detected for value in (box.x, box.y, box.w, box.h))


def test_uneven_layout_with_a_bleeding_panel() -> None:
    """A panel over the full width, and a tall panel next to two small ones, are detected."""
    boxes = [(0, 0, 800, 380), (40, 420, 350, 740), (410, 420, 350, 350), (410, 800, 350, 360)]
    assert is_close(detected_boxes(drawn_page(boxes)), boxes)


def test_a_balloon_across_a_gutter_does_not_join_panels() -> None:
    """A straight gutter divides panels even if a balloon bridges it."""
    page = drawn_page(GRID)
    page[150:210, 340:460] = 30
    assert is_close(detected_boxes(page), GRID)


def test_noise_like_a_scan() -> None:
    """Frames are detected through grain and uneven paper."""
    page = drawn_page(GRID, gutter=(215, 185, 140)).astype(np.int16)
    page -= np.linspace(0, 50, page.shape[0], dtype=np.int16)[:, None, None]
    page += np.random.default_rng(5).integers(-15, 16, page.shape, dtype=np.int16)
    assert is_close(detected_boxes(np.clip(page, 0, 255).astype(np.uint8)), GRID, tolerance=10)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_page_has_no_panels(shade: int) -> None:
    """A page of one colour gives no boxes."""
    assert detected_boxes(np.full((1200, 800, 3), shade, np.uint8)) == []


def test_a_full_page_image_is_left_whole() -> None:
    """A splash page gives no box, or one box that is nearly the page."""
    detected = detected_boxes(drawn_page([(0, 0, 800, 1200)]))
    assert detected == [] or (len(detected) == 1 and detected[0].w * detected[0].h > 0.9 * 800 * 1200)


def test_specks_are_not_panels() -> None:
    """A page number and dust between panels do not become boxes."""
    page = drawn_page(GRID)
    page[1170:1185, 395:405] = 0
    page[395:399, 200:204] = 0
    assert is_close(detected_boxes(page), GRID)


@pytest.mark.parametrize("shape", [(1, 1, 3), (31, 500, 3), (40, 40, 3), (64, 5000, 3), (5000, 64, 3)])
def test_extreme_page_shapes_give_valid_boxes(shape: tuple[int, int, int]) -> None:
    """Tiny and very narrow pages give boxes on the page or none."""
    page = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for box in detected_boxes(page):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.w <= shape[1]
        assert box.y + box.h <= shape[0]


def test_detection_is_deterministic_and_leaves_the_page_unchanged() -> None:
    """Detection is deterministic and does not modify the page."""
    page = drawn_page(GRID)
    before = page.copy()
    assert detected_boxes(page) == detected_boxes(page)
    assert np.array_equal(page, before)


def test_reading_order_of_overlapping_boxes() -> None:
    """The boxes of slanted panels overlap and are still read along the row."""
    row = [(0, 0, 40, 50), (30, 0, 70, 50), (60, 0, 100, 50)]
    assert reading_order(row[::-1]) == row
    assert reading_order(row, right_to_left=True) == row[::-1]


def test_reading_order_down_a_column_beside_a_tall_panel() -> None:
    """A tall panel is read before the two panels next to it."""
    left, upper, lower = (0, 0, 50, 100), (60, 0, 100, 45), (60, 55, 100, 100)
    assert reading_order([lower, upper, left]) == [left, upper, lower]
    assert reading_order([lower, upper, left], right_to_left=True) == [upper, lower, left]


def test_a_long_strip() -> None:
    """Panels of a webtoon of twenty screens are detected: sizes are relative to its width."""
    boxes = [(30, 40 + 800 * n, 740, 700) for n in range(20)]
    detected = detected_boxes(drawn_page(boxes, size=(800, 16_000)))
    assert is_close(detected, boxes, tolerance=16)


def test_texture_gives_no_panels() -> None:
    """A long page of hundreds of tiles gives no boxes, without deep recursion."""
    page = np.full((16_000, 800, 3), 255, np.uint8)
    for y in range(10, 15_900, 100):
        for x in range(10, 800, 100):
            page[y : y + 84, x : x + 84] = 90
    page.flags.writeable = False
    assert detected_boxes(page) == []


@pytest.mark.parametrize("right_to_left", [False, True])
def test_a_double_page_is_read_page_by_page(right_to_left: bool) -> None:
    """On a double page, all panels of one page are read before those of the other."""
    left = [(40, 40, 330, 500), (390, 40, 330, 500), (40, 560, 680, 580)]
    right = [(x + 760, y, w, h) for x, y, w, h in left]
    order = [*left, *right] if not right_to_left else [right[1], right[0], right[2], left[1], left[0], left[2]]
    page = drawn_page([*left, *right], size=(1520, 1180))
    detected = detected_boxes(page, right_to_left=right_to_left)
    assert [(round(b.x, -1), round(b.y, -1)) for b in detected] == [(x, y) for x, y, _, _ in order]


def test_a_landscape_page_is_read_row_by_row() -> None:
    """A wide page whose middle gutter is as wide as its others is one page."""
    boxes = [(40, 40, 700, 520), (760, 40, 700, 520), (40, 580, 700, 520), (760, 580, 700, 520)]
    detected = detected_boxes(drawn_page(boxes, size=(1500, 1140)))
    assert [(round(b.x, -1), round(b.y, -1)) for b in detected] == [(x, y) for x, y, _, _ in boxes]


def test_a_panel_across_both_pages_joins_them() -> None:
    """If a panel lies over the middle, rows are read across both pages."""
    boxes = [(40, 40, 1440, 500), (40, 560, 680, 580), (800, 560, 680, 580)]
    detected = detected_boxes(drawn_page(boxes, size=(1520, 1180)))
    assert [(round(b.x, -1), round(b.y, -1)) for b in detected] == [(x, y) for x, y, _, _ in boxes]


@pytest.mark.parametrize("varies", [False, True], ids=["one colour", "a field"])
def test_pixels_near_a_colour_differ_little_in_every_channel(varies: bool) -> None:
    """The mask is that of the plain formula, also for colours at and beyond the ends of the range."""
    rng = np.random.default_rng(4)
    for tolerance in (0, 24, 90):
        page = rng.integers(0, 256, (31, 47, 3)).astype(np.uint8)
        shape = page.shape if varies else (3,)
        for low, high in ((0, 256), (0, 5), (250, 256), (-40, 300) if varies else (0, 256)):
            colour = rng.integers(low, high, shape).astype(np.int16)
            expected = np.abs(page.astype(np.int16) - colour).max(axis=2) <= tolerance
            found = near_colour(page[3:-2, 5:], colour[3:-2, 5:] if varies else colour, tolerance)
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, expected[3:-2, 5:])
