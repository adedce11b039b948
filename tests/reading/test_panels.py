"""`find_panels` finds drawn grids exactly, in reading order, and leaves single pictures whole."""

from __future__ import annotations

import numpy as np
import pytest

from index_builder.panels import find_panels, reading_order
from retrieval.records import Box
from tests.reading.drawing import drawn_page

GRID = [(x, y, 350, 350) for y in (40, 420, 800) for x in (40, 410)]


def close(found: list[Box], want: list[tuple[int, int, int, int]], tolerance: int = 6) -> bool:
    """The same boxes in the same order, give or take some pixels of working resolution."""
    return len(found) == len(want) and all(
        abs(f - w) <= tolerance
        for box, rect in zip(found, want, strict=True)
        for f, w in zip(box.as_list(), rect, strict=True)
    )


@pytest.mark.parametrize("gutter", [(255, 255, 255), (0, 0, 0), (230, 60, 40), (240, 225, 190)], ids=str)
def test_a_grid_on_any_gutter(gutter: tuple[int, int, int]) -> None:
    """2 x 3 panels are found on white, black, red and paper, row by row."""
    assert close(find_panels(drawn_page(GRID, gutter=gutter, frame=(120, 120, 120))), GRID)


def test_right_to_left() -> None:
    """Manga: the same rows, each from the right."""
    want = [GRID[i] for i in (1, 0, 3, 2, 5, 4)]
    assert close(find_panels(drawn_page(GRID), right_to_left=True), want)


@pytest.mark.parametrize("size", [(400, 600), (1600, 2400)])
def test_boxes_are_in_page_pixels(size: tuple[int, int]) -> None:
    """Whatever the resolution, boxes are whole numbers in the page's own pixels."""
    scale = size[0] / 800
    want = [(round(x * scale), round(y * scale), round(w * scale), round(h * scale)) for x, y, w, h in GRID]
    found = find_panels(drawn_page(want, size=size))
    assert close(found, want)
    assert all(float(value).is_integer() for box in found for value in (box.x, box.y, box.w, box.h))


def test_uneven_layout_with_a_bleeding_panel() -> None:
    """A strip over the full width, a tall panel beside two small ones."""
    boxes = [(0, 0, 800, 380), (40, 420, 350, 740), (410, 420, 350, 350), (410, 800, 350, 360)]
    assert close(find_panels(drawn_page(boxes)), boxes)


def test_a_balloon_across_a_gutter_does_not_join_panels() -> None:
    """Straight gutters are cut through what bridges them."""
    page = drawn_page(GRID)
    page[150:210, 340:460] = 30
    assert close(find_panels(page), GRID)


def test_noise_like_a_scan() -> None:
    """Grain and uneven paper do not hide drawn frames."""
    page = drawn_page(GRID, gutter=(215, 185, 140)).astype(np.int16)
    page -= np.linspace(0, 50, page.shape[0], dtype=np.int16)[:, None, None]
    page += np.random.default_rng(5).integers(-15, 16, page.shape, dtype=np.int16)
    assert close(find_panels(np.clip(page, 0, 255).astype(np.uint8)), GRID, tolerance=10)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_page_has_no_panels(shade: int) -> None:
    """Nothing is found on nothing."""
    assert find_panels(np.full((1200, 800, 3), shade, np.uint8)) == []


def test_a_full_page_picture_is_left_whole() -> None:
    """A splash page gives nothing, or one box that is nearly the page."""
    found = find_panels(drawn_page([(0, 0, 800, 1200)]))
    assert found == [] or (len(found) == 1 and found[0].w * found[0].h > 0.9 * 800 * 1200)


def test_specks_are_no_panels() -> None:
    """A page number and dust between panels are not boxes of their own."""
    page = drawn_page(GRID)
    page[1170:1185, 395:405] = 0
    page[395:399, 200:204] = 0
    assert close(find_panels(page), GRID)


@pytest.mark.parametrize("shape", [(1, 1, 3), (31, 500, 3), (40, 40, 3), (64, 5000, 3), (5000, 64, 3)])
def test_odd_shapes_do_no_harm(shape: tuple[int, int, int]) -> None:
    """Tiny pages and ribbons give boxes on the page or none."""
    page = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for box in find_panels(page):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.w <= shape[1]
        assert box.y + box.h <= shape[0]


def test_the_page_is_not_changed_and_answers_repeat() -> None:
    """Looking leaves the page alone and is deterministic."""
    page = drawn_page(GRID)
    before = page.copy()
    assert find_panels(page) == find_panels(page)
    assert np.array_equal(page, before)


def test_reading_order_of_overlapping_boxes() -> None:
    """Slanted panels overlap as boxes; they are still read along the row."""
    row = [(0, 0, 40, 50), (30, 0, 70, 50), (60, 0, 100, 50)]
    assert reading_order(row[::-1]) == row
    assert reading_order(row, right_to_left=True) == row[::-1]


def test_reading_order_down_a_column_beside_a_tall_panel() -> None:
    """A tall panel comes before both that stand beside it."""
    left, upper, lower = (0, 0, 50, 100), (60, 0, 100, 45), (60, 55, 100, 100)
    assert reading_order([lower, upper, left]) == [left, upper, lower]
    assert reading_order([lower, upper, left], right_to_left=True) == [upper, lower, left]


def test_a_long_strip() -> None:
    """A webtoon of twenty screens keeps its panels: sizes are measured by its width."""
    boxes = [(30, 40 + 800 * n, 740, 700) for n in range(20)]
    found = find_panels(drawn_page(boxes, size=(800, 16_000)))
    assert close(found, boxes, tolerance=16)


def test_texture_is_refused_quickly() -> None:
    """A long sheet of hundreds of tiles is no comic page, and costs no recursion."""
    page = np.full((16_000, 800, 3), 255, np.uint8)
    for y in range(10, 15_900, 100):
        for x in range(10, 800, 100):
            page[y : y + 84, x : x + 84] = 90
    page.flags.writeable = False
    assert find_panels(page) == []


@pytest.mark.parametrize("right_to_left", [False, True])
def test_a_double_page_is_read_page_by_page(right_to_left: bool) -> None:
    """Of two pages in one picture the panels of one come before those of the other, rows first in each."""
    left = [(40, 40, 330, 500), (390, 40, 330, 500), (40, 560, 680, 580)]
    right = [(x + 760, y, w, h) for x, y, w, h in left]
    order = [*left, *right] if not right_to_left else [right[1], right[0], right[2], left[1], left[0], left[2]]
    page = drawn_page([*left, *right], size=(1520, 1180))
    found = find_panels(page, right_to_left=right_to_left)
    assert [(round(b.x, -1), round(b.y, -1)) for b in found] == [(x, y) for x, y, _, _ in order]


def test_a_landscape_page_is_read_row_by_row() -> None:
    """A wide page whose gutter in the middle is like its others is one page."""
    boxes = [(40, 40, 700, 520), (760, 40, 700, 520), (40, 580, 700, 520), (760, 580, 700, 520)]
    found = find_panels(drawn_page(boxes, size=(1500, 1140)))
    assert [(round(b.x, -1), round(b.y, -1)) for b in found] == [(x, y) for x, y, _, _ in boxes]


def test_a_panel_across_both_pages_joins_them() -> None:
    """Where a panel lies over the middle, rows are read over both pages."""
    boxes = [(40, 40, 1440, 500), (40, 560, 680, 580), (800, 560, 680, 580)]
    found = find_panels(drawn_page(boxes, size=(1520, 1180)))
    assert [(round(b.x, -1), round(b.y, -1)) for b in found] == [(x, y) for x, y, _, _ in boxes]
