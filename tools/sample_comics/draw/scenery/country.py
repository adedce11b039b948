"""Hills, woods and roads, in all seasons."""

from collections.abc import Callable

from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.curves import Point, bumpy
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.props import draw_prop
from tools.sample_comics.draw.scenery.sky import dimmed, sky

LEAVES = {
    "autumn": ("#e0913f", "#c9603f", "#e8bd55"),
    "spring": ("#8fc46a", "#b5d97a", "#f2b8c6"),
    "snow": ("#e9f0f5", "#d5e2ec", "#f7fafc"),
}
GREEN = ("#4f8f5a", "#3f7a52", "#6aa564")


def _ground(season: str) -> str:
    return {"autumn": "#d9b36a", "snow": "#f4f8fb", "spring": "#b3d486"}.get(season, "#86a96f")


def _hill(pen: Pen, v: float, colour: str, lift: float = 0.06) -> None:
    w, h = pen.width, pen.height
    shift = pen.random.uniform(-0.1, 0.1)
    top: list[Point] = [
        (w * u, h * (v + lift * k))
        for u, k in ((-0.1, 0.4), (0.25 + shift, -1), (0.55 + shift, 0.2), (0.8, -0.6), (1.1, 0.3))
    ]
    pen.blob([(-0.3 * w, h * 1.3), *top, (1.3 * w, h * 1.3)], colour)


def _round_tree(pen: Pen, x: float, y: float, high: float, colours: tuple[str, ...], tint: str) -> None:
    pen.limb([(x, y), (x + 3, y - high * 0.5)], high * 0.09, dimmed("#7a5a44", tint))
    colour = dimmed(pen.random.choice(colours), tint)
    pen.polygon(bumpy(x, y - high * 0.66, high * 0.3, high * 0.33, 8, 0.06), colour)
    pen.veil(bumpy(x - high * 0.07, y - high * 0.74, high * 0.15, high * 0.14, 7, 0.06), lighter(colour, 0.5), 0.4)


def _fir(pen: Pen, x: float, y: float, high: float, colour: str, snowy: bool) -> None:
    pen.rect(x - high * 0.03, y - high * 0.16, high * 0.06, high * 0.16, "#6a4f3e", line=0.7)
    for i in range(3):
        top, wide = y - high * (0.52 + 0.24 * i), high * (0.26 - 0.06 * i)
        base = y - high * (0.12 + 0.24 * i)
        pen.polygon([(x - wide, base), (x, top), (x + wide, base), (x, base + high * 0.04)], colour)
        if snowy:
            pen.polygon(
                [
                    (x - wide * 0.5, (top + base) / 2),
                    (x, top),
                    (x + wide * 0.5, (top + base) / 2),
                    (x, (top + base) / 2 - high * 0.03),
                ],
                "#ffffff",
                line=0,
            )


def _forest(pen: Pen, season: str = "autumn", tint: str = "", dense: float = 1.0) -> None:
    w, h = pen.width, pen.height
    tint = tint or season
    sky(pen, tint, h * 0.7)
    _hill(pen, 0.56, dimmed(darker(_ground(season), 0.08), tint))
    colours = LEAVES.get(season, GREEN)
    for depth, v in ((0, 0.62), (1, 0.74)):
        count = max(3, int(w / (120 - 20 * depth) * dense))
        for i in range(count):
            x = w * (i + pen.random.random()) / count
            high = h * pen.random.uniform(0.4, 0.62) * (0.8 + 0.3 * depth)
            if season == "snow" or i % 3 == 2:
                _fir(pen, x, h * v, high, dimmed("#5f8a7a" if season == "snow" else "#4f7f5f", tint), season == "snow")
            else:
                _round_tree(pen, x, h * v, high, colours, tint)
    _hill(pen, 0.76, dimmed(_ground(season), tint), 0.03)


def _field(pen: Pen, season: str = "snow", tint: str = "", moon: float = -1.0) -> None:
    """Draw open country with far hills."""
    w, h = pen.width, pen.height
    tint = tint or season
    sky(pen, tint, h * 0.6, moon)
    base = dimmed(_ground(season), tint)
    _hill(pen, 0.5, darker(base, 0.14))
    _hill(pen, 0.58, darker(base, 0.07))
    for _ in range(4):
        x = w * pen.random.random()
        _fir(pen, x, h * 0.62, h * pen.random.uniform(0.12, 0.2), dimmed("#5f8a7a", tint), season == "snow")
    _hill(pen, 0.7, base, 0.03)


def _lake(pen: Pen, season: str = "snow", tint: str = "") -> None:
    """Draw a round lake, frozen when it snows."""
    w, h = pen.width, pen.height
    _field(pen, season, tint)
    ice = "#c6e3ee" if season == "snow" else "#6fb3cc"
    pen.ellipse(w * 0.5, h * 0.84, w * 0.46, h * 0.14, dimmed(ice, tint or season))
    for u, v in ((0.3, 0.82), (0.55, 0.87), (0.68, 0.8)):
        pen.stroke([(w * u, h * v), (w * (u + 0.1), h * (v - 0.02))], 3, "#ffffff")


def _doorway(pen: Pen, season: str = "snow", tint: str = "") -> None:
    """Draw the bear's hill, with a round door."""
    w, h = pen.width, pen.height
    _field(pen, season, tint)
    base = dimmed(_ground(season), tint or season)
    high, mid = min(h * 0.55, w * 0.5), w * 0.65
    mound = [(-0.56, 0.0), (-0.46, -0.72), (-0.06, -1.0), (0.42, -0.74), (0.6, 0.0)]
    pen.blob(
        [(mid + u * high * 1.3, h * 0.9 + v * high) for u, v in mound],
        lighter(base, 0.1) if season != "snow" else "#ffffff",
    )
    pen.circle(mid, h * 0.9 - high * 0.4, high * 0.28, "#8a6248")
    pen.circle(mid, h * 0.9 - high * 0.4, high * 0.21, "#4f382c", line=0)


def _busstop(pen: Pen, tint: str = "rain", post: float = 0.78, shelter: bool = True) -> None:
    """Draw a shelter on a country road, with wires overhead."""
    w, h = pen.width, pen.height
    sky(pen, tint, h * 0.6)
    _hill(pen, 0.46, dimmed("#a9bda0", tint))
    _hill(pen, 0.56, dimmed("#c3d0b0", tint), 0.03)
    for v in (0.1, 0.16):
        pen.curve([(-5, h * v), (w * 0.5, h * (v + 0.06)), (w + 5, h * v)], 1.8)
    pen.polygon([(-5, h * 0.78), (w + 5, h * 0.78), (w + 5, h + 5), (-5, h + 5)], dimmed("#b9bcc2", tint))
    for i in range(5):
        pen.rect(w * (0.05 + 0.22 * i), h * 0.93, w * 0.1, h * 0.015, "#f7f5ec", line=0)
    if shelter:
        _shelter(pen, w, h)
    if post >= 0:
        pen.stroke([(post * w, h * 0.84), (post * w, h * 0.36)], 6)
        pen.circle(post * w, h * 0.32, h * 0.075, "#f7f5ec", line=1.2)
        draw_prop(pen, "bus", post * w, h * 0.32, h * 0.045)
        pen.rect(post * w - h * 0.05, h * 0.46, h * 0.1, h * 0.13, "#fbf9f0")


def _shelter(pen: Pen, w: float, h: float) -> None:
    pen.rect(w * 0.1, h * 0.32, w * 0.46, h * 0.46, "#d8d3c4")
    for i in range(1, 7):
        pen.stroke([(w * (0.1 + 0.46 * i / 7), h * 0.32), (w * (0.1 + 0.46 * i / 7), h * 0.78)], 1.4)
    pen.polygon([(w * 0.05, h * 0.32), (w * 0.61, h * 0.32), (w * 0.56, h * 0.23), (w * 0.1, h * 0.23)], "#6f737c")
    pen.rect(w * 0.16, h * 0.66, w * 0.34, h * 0.035, "#9a8f7c")
    for u in (0.18, 0.47):
        pen.rect(w * u, h * 0.695, w * 0.02, h * 0.09, "#9a8f7c")


def _road(pen: Pen, tint: str = "rain", season: str = "") -> None:
    """Draw a road that winds uphill to a single tree."""
    w, h = pen.width, pen.height
    sky(pen, tint, h * 0.6, 0.24 if tint == "night" else -1)
    _hill(pen, 0.5, dimmed("#9db592", tint))
    _round_tree(pen, w * 0.66, h * 0.48, h * 0.3, LEAVES.get(season, GREEN), tint)
    _hill(pen, 0.62, dimmed("#b3c79f", tint), 0.05)
    path = [
        (w * 0.25, h * 1.05),
        (w * 0.42, h * 0.8),
        (w * 0.36, h * 0.68),
        (w * 0.56, h * 0.57),
        (w * 0.64, h * 0.49),
        (w * 0.66, h * 0.5),
        (w * 0.6, h * 0.6),
        (w * 0.46, h * 0.7),
        (w * 0.6, h * 0.82),
        (w * 0.7, h * 1.05),
    ]
    pen.blob(path, dimmed("#e2dcc8", tint))
    for u in (0.1, 0.86):
        _pole(pen, u * w, h * 0.9, h * 0.7)


def _pole(pen: Pen, x: float, y: float, high: float) -> None:
    pen.stroke([(x, y), (x, y - high)], 5)
    for v in (0.9, 0.8):
        pen.stroke([(x - 24, y - high * v), (x + 24, y - high * v)], 4)


def _town(pen: Pen, tint: str = "day") -> None:
    """Draw a lane of small houses."""
    w, h = pen.width, pen.height
    sky(pen, tint, h * 0.6)
    _hill(pen, 0.5, dimmed("#a9bda0", tint))
    for i in range(5):
        draw_prop(pen, "house", w * (0.04 + 0.23 * i), h * 0.58, h * (0.36 + 0.08 * (i % 2)))
    pen.polygon([(-5, h * 0.76), (w + 5, h * 0.76), (w + 5, h + 5), (-5, h + 5)], dimmed("#d5d2c8", tint))
    _pole(pen, w * 0.9, h * 0.86, h * 0.74)


def _grass(pen: Pen, **_: object) -> None:
    w, h = pen.width, pen.height
    for _i in range(int(w / 14)):
        x = pen.random.random() * w
        pen.curve(
            [(x, h + 4), (x + 4, h - 14), (x + pen.random.uniform(-8, 14), h - pen.random.uniform(20, 40))],
            2.4,
            "#3f5a48",
        )


BACK: dict[str, Callable[..., None]] = {
    "forest": _forest,
    "field": _field,
    "lake": _lake,
    "doorway": _doorway,
    "busstop": _busstop,
    "road": _road,
    "town": _town,
}

FRONT: dict[str, Callable[..., None]] = {"road": _grass}
