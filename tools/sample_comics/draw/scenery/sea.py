"""The sea, its rocks and its boats."""

from collections.abc import Callable
from math import sin

from tools.sample_comics.draw.ink.colour import darker, lighter, mix
from tools.sample_comics.draw.ink.curves import Point, bumpy
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.props import draw_prop
from tools.sample_comics.draw.scenery.sky import SKIES, dimmed, is_dark, sky

WATER = {
    "day": "#2f8fb0",
    "dawn": "#4a7fae",
    "dusk": "#4b4a80",
    "night": "#15284f",
    "storm": "#2f4458",
    "rain": "#5f7c8c",
    "snow": "#5f86a3",
}


def _water(pen: Pen, tint: str, top: float, rough: float = 1.0) -> None:
    colour = WATER.get(tint, "#2f6f90")
    pen.gradient(mix(colour, SKIES[tint][1], 0.35), darker(colour, 0.25), top)
    for row in range(9):
        y = top + (pen.height - top) * (row / 9) ** 1.4 + 4
        _crest(pen, y, (3 + row * 2.2) * rough, 60 + row * 26, lighter(colour, 0.28 - row * 0.018), row)


def _crest(pen: Pen, y: float, high: float, long: float, colour: str, row: int) -> None:
    shift = pen.random.random() * 20
    line = [(x, y - high * abs(sin(x / long + shift))) for x in range(-8, int(pen.width) + 16, 8)]
    for start in range(row % 3, len(line) - 4, pen.random.choice((9, 13, 17))):
        pen.stroke(line[start : start + 6], 1.4 + row * 0.22, colour)


def _sea(pen: Pen, tint: str = "day", horizon: float = 0.55, moon: float = -1.0, rough: float = 1.0) -> None:
    low = pen.height * horizon
    sky(pen, tint, low, moon)
    _water(pen, tint, low, rough)
    if moon >= 0:
        for i in range(9):
            y = low + (i + 1) * (pen.height - low) / 11
            wide = pen.width * (0.02 + 0.012 * i)
            x = moon * pen.width + pen.random.uniform(-8, 8)
            pen.stroke([(x - wide, y), (x + wide, y)], 3, "#f2e9c0")


def _rocks(pen: Pen, x: float, y: float, wide: float, tint: str) -> None:
    colour = dimmed("#6b6a70", tint)
    top = [(-0.5, 0.25), (-0.36, 0.02), (-0.2, -0.08), (0.0, -0.12), (0.22, -0.07), (0.38, 0.04), (0.52, 0.25)]
    pen.polygon([(x + u * wide, y + v * wide) for u, v in top], colour)
    for u, v in ((-0.2, 0.06), (0.12, 0.02), (0.28, 0.12)):
        pen.polygon(
            [(x + (u + a) * wide, y + (v + b) * wide) for a, b in ((-0.06, 0.06), (0.02, -0.05), (0.08, 0.08))],
            darker(colour, 0.2),
            line=0,
        )


def _tower(pen: Pen, x: float, y: float, high: float, tint: str, lit: bool) -> None:
    white, red = dimmed("#f5f1e6", tint), dimmed("#d1483f", tint)
    wide = high * 0.13

    def ring(v: float) -> tuple[Point, Point]:
        half = wide * (1 - 0.42 * v)
        return (x - half, y - v * high), (x + half, y - v * high)

    for i in range(5):
        (a, b), (c, d) = ring(i * 0.16), ring((i + 1) * 0.16)
        pen.polygon([a, b, d, c], red if i % 2 else white)
    pen.veil([*ring(0), ring(0.8)[1], (x + wide * 0.15, y - 0.8 * high), (x + wide * 0.35, y)], "#1a2340", 0.22)
    top = y - 0.8 * high
    pen.rect(x - wide * 0.85, top - high * 0.025, wide * 1.7, high * 0.03, darker(red, 0.4))
    glass = "#fff1a8" if lit else darker("#7f98a8", 0.45)
    pen.rect(x - wide * 0.5, top - high * 0.125, wide, high * 0.1, glass)
    pen.polygon(
        [(x - wide * 0.7, top - high * 0.125), (x + wide * 0.7, top - high * 0.125), (x, top - high * 0.22)], red
    )
    for v in (0.24, 0.5):
        pen.panel(x, y - v * high, wide * 0.3, high * 0.05, "#ffe9a0" if lit else "#2b3350")


def _lighthouse(
    pen: Pen,
    tint: str = "night",
    lit: bool = False,
    x: float = 0.66,
    size: float = 0.72,
    horizon: float = 0.7,
    moon: float = -1.0,
) -> None:
    low = pen.height * horizon
    sky(pen, tint, low, moon)
    high = size * pen.height
    px, base = x * pen.width, low + 0.02 * pen.height
    if lit:
        _beams(pen, px, base - high * 0.87, tint)
    _water(pen, tint, low)
    _rocks(pen, px, base, max(high * 0.75, pen.width * 0.3), tint)
    _tower(pen, px, base - high * 0.07, high, tint, lit)
    if lit:
        pen.glow(px, base - high * 0.94, high * 0.42, "#fff0b0", 0.9)


def _beams(pen: Pen, x: float, y: float, tint: str) -> None:
    reach, alpha = pen.width, 0.4 if is_dark(tint) or tint == "storm" else 0.2
    pen.veil([(x, y - 6), (x - reach, y - 0.22 * reach), (x - reach, y + 0.02 * reach)], "#fff2b8", alpha)
    pen.veil([(x, y - 6), (x + reach, y - 0.16 * reach), (x + reach, y + 0.08 * reach)], "#fff2b8", alpha)


def _harbour(pen: Pen, tint: str = "day", lit: bool = True) -> None:
    low = pen.height * 0.66
    sky(pen, tint, low)
    hill = [
        (0, low),
        (0, low * 0.55),
        (pen.width * 0.3, low * 0.38),
        (pen.width * 0.7, low * 0.5),
        (pen.width, low * 0.34),
        (pen.width, low),
    ]
    pen.polygon(hill, dimmed("#7fa06a", tint), line=0.8)
    x = -0.02 * pen.width
    while x < pen.width:
        x = _cottage(pen, x, low, tint, lit)
    pen.rect(-5, low - 6, pen.width + 10, pen.height * 0.07, dimmed("#9a8f80", tint))
    _water(pen, tint, low + pen.height * 0.06)
    _planks(pen, tint)


def _planks(pen: Pen, tint: str) -> None:
    """Draw a wooden quay in front, for the cast to stand on."""
    w, h = pen.width, pen.height
    wood = dimmed("#b98d63", tint)
    pen.rect(-5, h * 0.87, w + 10, h * 0.15, wood)
    pen.rect(-5, h * 0.87, w + 10, h * 0.02, lighter(wood, 0.25), line=0.6)
    for i in range(int(w / 46) + 1):
        pen.stroke([(i * 46.0, h * 0.89), (i * 46.0 - 6, h)], 1.6, darker(wood, 0.35))


def _cottage(pen: Pen, x: float, low: float, tint: str, lit: bool) -> float:
    wide = pen.height * pen.random.uniform(0.16, 0.24)
    high = pen.height * pen.random.uniform(0.14, 0.26)
    wall = dimmed(pen.random.choice(("#f2e3c6", "#e9b89a", "#a9c7c4", "#f0d98a", "#d9d5cc")), tint)
    roof = dimmed(pen.random.choice(("#b5503c", "#5a6a7f", "#8a4a3f")), tint)
    pen.rect(x, low - high, wide, high, wall)
    pen.polygon([(x - 6, low - high), (x + wide + 6, low - high), (x + wide * 0.5, low - high - wide * 0.5)], roof)
    for u in (0.25, 0.68):
        glass = "#ffe08a" if lit and tint != "day" else dimmed("#4a6078", tint)
        pen.rect(x + u * wide - wide * 0.09, low - high * 0.7, wide * 0.18, wide * 0.2, glass, line=0.8)
    pen.rect(x + wide * 0.42, low - high * 0.36, wide * 0.17, high * 0.36, darker(roof, 0.3), line=0.8)
    return x + wide * pen.random.uniform(0.98, 1.3)


def _boat(pen: Pen, tint: str = "day", horizon: float = 0.5, moon: float = -1.0, rough: float = 1.6) -> None:
    _sea(pen, tint, horizon, moon, rough)


def _hull(pen: Pen, tint: str = "day", **_: object) -> None:
    """Draw the near side of a rowing boat, in front of its crew."""
    w, h = pen.width, pen.height
    colour = dimmed("#c8703f", tint)
    hull = [
        (0.1 * w, 0.72 * h),
        (0.3 * w, 0.77 * h),
        (0.6 * w, 0.77 * h),
        (0.92 * w, 0.69 * h),
        (0.82 * w, 0.93 * h),
        (0.5 * w, 0.97 * h),
        (0.2 * w, 0.94 * h),
    ]
    pen.blob(hull, colour)
    pen.curve(
        [(0.12 * w, 0.75 * h), (0.35 * w, 0.81 * h), (0.62 * w, 0.81 * h), (0.9 * w, 0.74 * h)], 5, lighter(colour, 0.4)
    )
    pen.limb([(0.48 * w, 0.66 * h), (0.34 * w, 0.98 * h)], 7, dimmed("#e2c79a", tint))
    colour = WATER.get(tint, "#2f6f90")
    foam = [(x, h * 0.94 + 7 * sin(x / 17)) for x in range(-10, int(w) + 20, 6)]
    pen.polygon([*foam, (w + 10, h + 10), (-10, h + 10)], darker(colour, 0.15), line=0)
    pen.stroke(foam, 3, lighter(colour, 0.45))


def _deep(pen: Pen, glow: bool = False) -> None:
    """Draw the sea from below: shafts of light, weed, bubbles."""
    w, h = pen.width, pen.height
    pen.gradient("#2d8ca3", "#0b2547")
    for i in range(4):
        x = w * (0.1 + 0.26 * i)
        pen.veil([(x, -5), (x + 0.08 * w, -5), (x + 0.2 * w, h), (x - 0.02 * w, h)], "#9fe6de", 0.13)
    if glow:
        pen.glow(w * 0.5, h * 0.6, max(w, h) * 0.6, "#7ff0cf", 0.5)
    floor = [(0, h * 0.86), (w * 0.25, h * 0.9), (w * 0.55, h * 0.85), (w * 0.8, h * 0.9), (w, h * 0.84)]
    pen.polygon([(-5, h + 5), (-5, h * 0.86), *floor, (w + 5, h * 0.86), (w + 5, h + 5)], "#16324f")
    for i in range(9):
        _weed(pen, w * (i + pen.random.random()) / 9, h * 0.92, h * pen.random.uniform(0.14, 0.42))
    for _ in range(22):
        pen.circle(pen.random.random() * w, pen.random.random() * h, pen.random.uniform(2, 7), "#8fd6d8", line=0.5)


def _weed(pen: Pen, x: float, y: float, high: float) -> None:
    sway = pen.random.choice((-1, 1)) * high * 0.14
    path = [(x, y), (x + sway, y - high * 0.35), (x - sway, y - high * 0.7), (x + sway * 0.5, y - high)]
    pen.limb(path, 7, pen.random.choice(("#2f7a5c", "#3f9468", "#25604f")), line=0.6)


def _beach(pen: Pen, tint: str = "day") -> None:
    w, h = pen.width, pen.height
    low = h * 0.45
    sky(pen, tint, low)
    _water(pen, tint, low, 0.7)
    sand = dimmed("#ecd9a8", tint)
    pen.blob(
        [
            (-60, h * 1.2),
            (-60, h * 0.72),
            (w * 0.3, h * 0.68),
            (w * 0.7, h * 0.63),
            (w + 60, h * 0.7),
            (w + 60, h * 1.2),
        ],
        sand,
    )
    for _ in range(8):
        x, y = pen.random.random() * w, h * pen.random.uniform(0.78, 0.97)
        pen.ellipse(x, y, 9, 5, dimmed("#b8a58a", tint), line=0.6)
    draw_prop(pen, "shell", w * 0.12, h * 0.9, h * 0.07)


def _island(pen: Pen, tint: str = "day") -> None:
    """Draw the view from above: a rock, a tower, a village across the water."""
    _lighthouse(pen, tint, lit=tint in {"night", "dusk"}, x=0.3, size=0.42, horizon=0.58)
    w, h = pen.width, pen.height
    coast = [(w * 0.62, h), (w * 0.68, h * 0.8), (w * 0.84, h * 0.7), (w + 10, h * 0.64), (w + 10, h + 10)]
    pen.blob(coast, dimmed("#86a96f", tint))
    for u, v in ((0.76, 0.84), (0.86, 0.78), (0.94, 0.86)):
        draw_prop(pen, "house", u * w, v * h, h * 0.12)
    pen.polygon(bumpy(w * 0.5, h * 0.86, w * 0.05, h * 0.012, 5, 0.1), "#ffffff", line=0)


BACK: dict[str, Callable[..., None]] = {
    "sea": _sea,
    "lighthouse": _lighthouse,
    "harbour": _harbour,
    "boat": _boat,
    "deep": _deep,
    "beach": _beach,
    "island": _island,
}

FRONT: dict[str, Callable[..., None]] = {"boat": _hull}
