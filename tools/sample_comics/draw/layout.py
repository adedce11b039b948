"""From a page's grid to the outlines of its panels, in reading order."""

from dataclasses import dataclass

from tools.sample_comics.draw.ink.curves import Box, Point, bounds
from tools.sample_comics.draw.style import Style
from tools.sample_comics.story import Page

SLANT = 0.03  # of the page's width, each way


@dataclass(frozen=True)
class Row:
    height: float
    slant: int
    widths: tuple[tuple[float, int], ...]


def parse(grid: str) -> list[Row]:
    rows = []
    for text in grid.split("|"):
        height, _, columns = text.strip().partition(":")
        share, slant = _cell(height)
        rows.append(Row(share, slant, tuple(_cell(part) for part in columns.split(","))))
    return rows


def _cell(text: str) -> tuple[float, int]:
    text = text.strip()
    slant = 1 if text.endswith(">") else -1 if text.endswith("<") else 0
    return float(text.rstrip("<>")), slant


def outlines(page: Page, style: Style) -> list[list[Point]]:
    """Return a polygon per panel in page pixels; bleeding panels reach the paper's edge."""
    cells = iter(_grid_cells(page.grid, style))
    found = []
    for panel in page.panels:
        outline = inset(panel.inset, style) if panel.inset else next(cells)
        found.append(_bleed(outline, style) if panel.frame == "bleed" and not panel.inset else outline)
    assert next(cells, None) is None, f"{page.grid} has more cells than panels"
    return found


def inset(place: Box, style: Style) -> list[Point]:
    x, y, w, h = place
    left, top = round(x * style.width), round(y * style.height)
    right, bottom = left + round(w * style.width), top + round(h * style.height)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _grid_cells(grid: str, style: Style) -> list[list[Point]]:
    rows = parse(grid)
    inner = style.height - 2 * style.margin - style.gutter * (len(rows) - 1)
    total = sum(row.height for row in rows)
    cells: list[list[Point]] = []
    top, tilt = style.margin, 0
    for i, row in enumerate(rows):
        bottom = top + inner * row.height / total
        below = row.slant if i + 1 < len(rows) else 0
        cells += _row_cells(row, (top, tilt), (bottom, below), style)
        top, tilt = bottom + style.gutter, below
    return cells


def _row_cells(row: Row, top: tuple[float, int], bottom: tuple[float, int], style: Style) -> list[list[Point]]:
    widths = row.widths[::-1] if style.rtl else row.widths
    slants = [slant for _, slant in row.widths[:-1]]
    slants = slants[::-1] if style.rtl else slants
    inner = style.width - 2 * style.margin - style.gutter * (len(widths) - 1)
    total = sum(width for width, _ in widths)
    cells, left, lean = [], style.margin, 0
    for i, (width, _) in enumerate(widths):
        right = left + inner * width / total
        after = slants[i] if i < len(slants) else 0
        cells.append(_quad((left, lean), (right, after), top, bottom, style))
        left, lean = right + style.gutter, after
    return cells[::-1] if style.rtl else cells


def _quad(
    left: tuple[float, int],
    right: tuple[float, int],
    top: tuple[float, int],
    bottom: tuple[float, int],
    style: Style,
) -> list[Point]:
    """Return the corners clockwise from the top left; each side may lean."""
    reach = SLANT * style.width

    def corner(side: tuple[float, int], edge: tuple[float, int], up: int) -> Point:
        x = side[0] + up * side[1] * reach
        across = (x - style.width / 2) / (style.width / 2)
        return round(x), round(edge[0] - edge[1] * across * reach)

    return [corner(left, top, 1), corner(right, top, 1), corner(right, bottom, -1), corner(left, bottom, -1)]


def _bleed(outline: list[Point], style: Style) -> list[Point]:
    """Move sides on the margin out to the edge of the paper."""
    near = style.margin + 2

    def out(value: float, size: float) -> float:
        return 0 if value <= near else size if value >= size - near else value

    return [(out(x, style.width), out(y, style.height)) for x, y in outline]


def inner_box(outline: list[Point]) -> Box:
    """Return a rectangle inside a slanted outline (corners clockwise from the top left)."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = outline
    left, right = max(ax, dx), min(bx, cx)
    top, bottom = max(ay, by), min(cy, dy)
    return left, top, right - left, bottom - top


def pixel_box(outline: list[Point]) -> tuple[int, int, int, int]:
    x, y, w, h = bounds(outline)
    return round(x), round(y), round(w), round(h)
