"""A city at night, mostly wet."""

from collections.abc import Callable

from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.props import draw_prop
from tools.sample_comics.draw.scenery.sky import SKIES, dimmed, sky


def _block(pen: Pen, x: float, low: float, wide: float, high: float, colour: str, lit: float) -> None:
    pen.rect(x, low - high, wide, high + 6, colour, line=0.8)
    pen.rect(x - 4, low - high, wide + 8, 9, darker(colour, 0.3), line=0.6)
    across, down = max(2, int(wide / 34)), max(2, int(high / 46))
    for i in range(across):
        for j in range(down):
            glass = "#fff3c0" if pen.random.random() < lit else darker(colour, 0.45)
            gx, gy = x + (i + 0.5) * wide / across, low - high + (j + 0.6) * high / down
            pen.rect(gx - 7, gy - 10, 14, 20, glass, line=0.5)


def _skyline(pen: Pen, tint: str = "night", moon: float = 0.7) -> None:
    w, h = pen.width, pen.height
    sky(pen, tint, h, moon)
    for depth, share in ((0, 0.5), (1, 0.36)):
        x = -20.0
        while x < w:
            wide = pen.random.uniform(60, 130)
            high = h * share * pen.random.uniform(0.6, 1.25)
            colour = dimmed("#9aa0b4" if depth == 0 else "#6a7087", tint)
            _block(pen, x, h, wide, high, colour, 0.25 + 0.2 * depth)
            x += wide * pen.random.uniform(0.85, 1.05)


def _street(pen: Pen, tint: str = "night", lamp: float = 0.2) -> None:
    """Draw fronts of houses, a lamp, a pavement that shines."""
    w, h = pen.width, pen.height
    sky(pen, tint, h * 0.7)
    x, low = -10.0, h * 0.76
    while x < w:
        wide = pen.random.uniform(110, 170)
        colour = dimmed(pen.random.choice(("#8f93a3", "#a9a4a0", "#7b7f90")), tint)
        _block(pen, x, low, wide, h * pen.random.uniform(0.5, 0.82), colour, 0.3)
        x += wide
    pen.rect(-5, low, w + 10, h, dimmed("#767c8c", tint))
    pen.rect(-5, low, w + 10, 8, lighter(dimmed("#767c8c", tint), 0.3), line=0.5)
    for _ in range(9):
        px, py = pen.random.random() * w, h * pen.random.uniform(0.82, 0.98)
        pen.stroke([(px, py), (px + pen.random.uniform(30, 90), py)], 2.2, "#cfd6e2")
    if lamp >= 0:
        _lamp_post(pen, lamp * w, h * 0.84, h * 0.62)


def _lamp_post(pen: Pen, x: float, y: float, high: float) -> None:
    pen.glow(x, y - high, high * 0.8, "#fff3c8", 0.75)
    pen.stroke([(x, y), (x, y - high)], 6)
    pen.polygon([(x - 11, y - high), (x + 11, y - high), (x + 16, y - high - 30), (x - 16, y - high - 30)], "#fffbe6")
    pen.polygon([(x - 20, y - high - 30), (x + 20, y - high - 30), (x, y - high - 48)], "#20232e")


def _alley(pen: Pen, tint: str = "night") -> None:
    w, h = pen.width, pen.height
    pen.gradient(*SKIES[tint])
    pen.glow(w * 0.5, h * 0.56, h * 0.5, "#fff6d8", 0.8)
    ground = dimmed("#8a8d98", tint)
    pen.polygon([(w * 0.42, h * 0.62), (w * 0.58, h * 0.62), (w * 1.05, h * 1.05), (-0.05 * w, h * 1.05)], ground)
    for side in (0, 1):
        _alley_wall(pen, side, dimmed("#6f727f", tint))
    draw_prop(pen, "puddle", w * 0.56, h * 0.86, h * 0.26)


def _alley_wall(pen: Pen, side: int, colour: str) -> None:
    w, h = pen.width, pen.height

    def across(u: float) -> float:
        return u * w if side == 0 else w - u * w

    pen.polygon([(across(-0.02), -5), (across(0.42), -5), (across(0.42), h * 0.62), (across(-0.02), h * 1.02)], colour)
    for i in range(7):
        v = h * (0.08 + 0.11 * i)
        pen.stroke([(across(0), v * 1.25 - 10), (across(0.42), v * 0.72 + h * 0.03)], 1.6, darker(colour, 0.4))
    for u in (0.1, 0.26):
        top = h * (0.2 + u * 0.4)
        pen.polygon(
            [
                (across(u), top),
                (across(u + 0.08), top + 8),
                (across(u + 0.08), top + h * 0.14),
                (across(u), top + h * 0.17),
            ],
            "#fff3c0" if u < 0.2 else "#2a2d38",
        )


def _roofs(pen: Pen, tint: str = "night", moon: float = 0.3) -> None:
    """Draw chimneys in front of the moon."""
    w, h = pen.width, pen.height
    sky(pen, tint, h, moon)
    for i in range(5):
        x = w * (i / 4)
        colour = dimmed("#5d6274" if i % 2 else "#4a4e5e", tint)
        pen.polygon(
            [
                (x - w * 0.2, h + 5),
                (x - w * 0.2, h * 0.84),
                (x, h * (0.66 + 0.06 * (i % 2))),
                (x + w * 0.2, h * 0.84),
                (x + w * 0.2, h + 5),
            ],
            colour,
        )
        pen.rect(x + w * 0.06, h * 0.62, w * 0.04, h * 0.16, darker(colour, 0.2))
        draw_prop(pen, "smoke", x + w * 0.08, h * 0.53, h * 0.16)


def _clubfront(pen: Pen, tint: str = "night") -> None:
    """Draw the door of a music club, an awning and a lit sign in the shape of a note."""
    w, h = pen.width, pen.height
    _street(pen, tint, -1)
    pen.rect(w * 0.3, h * 0.18, w * 0.4, h * 0.62, dimmed("#9a9dac", tint))
    pen.rect(w * 0.43, h * 0.46, w * 0.14, h * 0.34, "#20222c")
    pen.circle(w * 0.54, h * 0.63, 5, "#fff3c0", line=0)
    pen.polygon([(w * 0.36, h * 0.36), (w * 0.64, h * 0.36), (w * 0.7, h * 0.46), (w * 0.3, h * 0.46)], "#e9e4d4")
    for i in range(1, 6, 2):
        a = w * (0.36 + 0.28 * i / 6)
        pen.polygon(
            [
                (a, h * 0.36),
                (a + w * 0.046, h * 0.36),
                (a + w * 0.05 + (i - 3) * 3, h * 0.46),
                (a - w * 0.006 + (i - 3) * 3, h * 0.46),
            ],
            "#3a3d49",
            line=0,
        )
    pen.glow(w * 0.5, h * 0.27, h * 0.26, "#ffffff", 0.8)
    draw_prop(pen, "note", w * 0.5, h * 0.27, h * 0.18)


BACK: dict[str, Callable[..., None]] = {
    "skyline": _skyline,
    "street": _street,
    "alley": _alley,
    "roofs": _roofs,
    "clubfront": _clubfront,
}
