"""Backgrounds without a place: a colour, a burst, speed lines, a pool of light."""

from collections.abc import Callable
from math import cos, hypot, pi, sin

from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.pen import Pen


def _flat(pen: Pen, colour: str = "#f3d9a4") -> None:
    pen.gradient(lighter(colour, 0.18), colour)


def _burst(pen: Pen, colour: str = "#ffd76a", x: float = 0.5, y: float = 0.55) -> None:
    pen.gradient(colour, colour)
    reach, spokes = hypot(pen.width, pen.height), 34
    for i in range(spokes):
        a, b = (2 * pi * (i + k * pen.random.uniform(0.3, 0.55)) / spokes for k in (0, 1))
        near = pen.random.uniform(0.3, 0.42) * min(pen.width, pen.height)
        cx, cy = x * pen.width, y * pen.height
        tip = (cx + near * cos(a), cy + near * sin(a))
        rim = [(cx + reach * cos(angle), cy + reach * sin(angle)) for angle in (a, b)]
        pen.polygon([tip, *rim], darker(colour, 0.22), line=0)


def _speed(pen: Pen, colour: str = "#cfe3ee") -> None:
    pen.gradient(colour, lighter(colour, 0.5))
    for _ in range(44):
        x, y = pen.random.random() * pen.width, pen.random.random() * pen.height
        pen.stroke(
            [(x, y), (x + pen.random.uniform(0.15, 0.6) * pen.width, y)],
            pen.random.uniform(1, 3.4),
            darker(colour, 0.3),
        )


def _pool(pen: Pen, colour: str = "#141a30", light: str = "#ffe2a0") -> None:
    """Draw darkness with a lamp over it."""
    pen.gradient(colour, darker(colour, 0.4))
    w, h = pen.width, pen.height
    pen.veil([(w * 0.42, -5), (w * 0.58, -5), (w * 0.95, h), (w * 0.05, h)], light, 0.3)
    pen.veil([(w * 0.46, -5), (w * 0.54, -5), (w * 0.78, h), (w * 0.22, h)], light, 0.28)


def _dots(pen: Pen, colour: str = "#f7c6c0") -> None:
    pen.gradient(lighter(colour, 0.5), colour)
    step = 34
    for row in range(int(pen.height / step) + 2):
        for column in range(int(pen.width / step) + 2):
            x = (column + 0.5 * (row % 2)) * step
            pen.circle(x, row * step, 7 * row * step / pen.height + 1, lighter(colour, 0.35), line=0)


def _black(pen: Pen) -> None:
    pen.gradient("#07080d", "#07080d")


def _table(pen: Pen, colour: str = "#9c6b44", wall: str = "#e9d7b4") -> None:
    """Draw a table top, for still lifes."""
    w, h = pen.width, pen.height
    pen.gradient(wall, darker(wall, 0.12))
    pen.polygon([(-5, h * 0.62), (w + 5, h * 0.62), (w + 5, h + 5), (-5, h + 5)], colour)
    for i in range(5):
        y = h * (0.68 + 0.075 * i)
        pen.curve([(0, y), (w * 0.4, y + 5), (w, y - 3)], 1.4, darker(colour, 0.25))


BACK: dict[str, Callable[..., None]] = {
    "flat": _flat,
    "burst": _burst,
    "speed": _speed,
    "pool": _pool,
    "dots": _dots,
    "black": _black,
    "table": _table,
}
