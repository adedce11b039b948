"""A small moon, a station, and the space between them."""

from collections.abc import Callable
from math import cos, pi, sin

from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.curves import arc, ring
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.scenery.sky import stars


def _void(pen: Pen, planet: str = "#e98a5b", x: float = 0.75, y: float = 0.35, size: float = 0.3) -> None:
    w, h = pen.width, pen.height
    pen.gradient("#060a1c", "#1a2452")
    pen.glow(w * 0.2, h * 0.7, max(w, h) * 0.6, "#5a3f8f", 0.4)
    stars(pen, h)
    if planet:
        _planet(pen, x * w, y * h, size * min(w, h), planet)


def _planet(pen: Pen, x: float, y: float, r: float, colour: str) -> None:
    pen.glow(x, y, r * 1.7, colour, 0.5)
    pen.circle(x, y, r, colour, line=0)
    for v, share in ((-0.4, 0.2), (0.1, 0.12), (0.45, 0.25)):
        wide = r * (1 - v * v) ** 0.5 * 0.96
        pen.veil(ring(x, y + v * r, wide, r * 0.09), lighter(colour, 0.6), share + 0.2)
    shade = [*arc(0, 0, r, r, -90, 90), *arc(0, 0, r * 0.45, r, 90, -90)]
    lean = pi / 6
    turned = [(x + u * cos(lean) - v * sin(lean), y + u * sin(lean) + v * cos(lean)) for u, v in shade]
    pen.veil(turned, "#0a1030", 0.45)
    pen.stroke(arc(x, y, r * 1.75, r * 0.4, 20, 160), r * 0.09, lighter(colour, 0.5))


def _station(pen: Pen, x: float = 0.45, y: float = 0.5, size: float = 0.4) -> None:
    """Draw a wheel with lit windows and two sails."""
    _void(pen, x=0.85, y=0.2, size=0.22)
    w, h = pen.width, pen.height
    cx, cy, r = x * w, y * h, size * min(w, h)
    for side in (-1, 1):
        pen.rect(cx + side * r * 1.75 - r * 0.5, cy - r * 0.22, r, r * 0.44, "#2b6a94")
        for i in range(4):
            pen.stroke(
                [
                    (cx + side * r * 1.75 - r * 0.5 + i * r / 3, cy - r * 0.22),
                    (cx + side * r * 1.75 - r * 0.5 + i * r / 3, cy + r * 0.22),
                ],
                2.0,
                "#9fd3e0",
            )
        pen.stroke([(cx, cy), (cx + side * r * 1.3, cy)], r * 0.08, "#aab6c4")
    pen.ellipse(cx, cy, r, r * 0.52, "#b9c4cf")
    pen.ellipse(cx, cy - r * 0.03, r * 0.72, r * 0.34, "#131c3f")
    pen.limb([(cx - r * 0.72, cy), (cx + r * 0.72, cy)], r * 0.09, "#aab6c4")
    pen.ellipse(cx, cy - r * 0.05, r * 0.26, r * 0.24, "#dfe6ea")
    for i, (px, py) in enumerate(arc(cx, cy, r * 0.86, r * 0.43, 10, 370, 14)):
        pen.circle(px, py, r * 0.045, "#ffe08a" if i % 3 else "#ff8a5b", line=0)
    pen.glow(cx, cy - r * 0.05, r * 0.5, "#ffe9a8", 0.6)


def _corridor(pen: Pen, colour: str = "#5b7a99", alarm: bool = False) -> None:
    w, h = pen.width, pen.height
    light = "#ff6a5b" if alarm else "#bff0ff"
    pen.gradient(darker(colour, 0.5), darker(colour, 0.3))
    for i in range(5):
        k = 1 - i * 0.17
        x, y, ww, hh = w * (0.5 - 0.55 * k), h * (0.46 - 0.52 * k), w * 1.1 * k, h * 1.1 * k
        outline = [
            (x + ww * 0.16, y),
            (x + ww * 0.84, y),
            (x + ww, y + hh * 0.3),
            (x + ww, y + hh * 0.8),
            (x + ww * 0.84, y + hh),
            (x + ww * 0.16, y + hh),
            (x, y + hh * 0.8),
            (x, y + hh * 0.3),
        ]
        pen.polygon(outline, lighter(darker(colour, 0.45), 0.06 * i))
        pen.stroke([(x + ww * 0.34, y + hh * 0.05), (x + ww * 0.66, y + hh * 0.05)], 6 * k, light)
    pen.glow(w * 0.5, h * 0.46, min(w, h) * 0.45, light, 0.7)
    pen.polygon(
        [(w * 0.42, h * 0.62), (w * 0.58, h * 0.62), (w * 0.8, h * 1.05), (w * 0.2, h * 1.05)], darker(colour, 0.2)
    )


def _bridge(pen: Pen, colour: str = "#3e5a86") -> None:
    """Draw screens, levers and a wide window."""
    w, h = pen.width, pen.height
    pen.gradient(darker(colour, 0.4), colour)
    pen.polygon(ring(w * 0.5, h * 0.3, w * 0.42, h * 0.26, squareness=4), "#0a1230", line=1.6)
    for _ in range(40):
        pen.circle(
            w * pen.random.uniform(0.12, 0.88),
            h * pen.random.uniform(0.08, 0.52),
            pen.random.choice((1.0, 1.8)),
            "#f4f1d8",
            line=0,
        )
    _planet(pen, w * 0.68, h * 0.3, h * 0.12, "#e98a5b")
    pen.polygon(
        [(-5, h * 0.74), (w * 0.2, h * 0.66), (w * 0.8, h * 0.66), (w + 5, h * 0.74), (w + 5, h + 5), (-5, h + 5)],
        darker(colour, 0.25),
    )
    for i in range(12):
        x = w * (0.08 + 0.077 * i)
        pen.panel(x, h * (0.76 + 0.05 * (i % 2)), 20, 12, ("#ffd23f", "#ff7b5a", "#7be0c3")[i % 3], line=0.6)
    for u in (0.08, 0.92):
        pen.panel(w * u, h * 0.5, w * 0.12, h * 0.22, "#12324a")
        pen.curve(
            [(w * (u - 0.05), h * 0.52), (w * (u - 0.02), h * 0.45), (w * u, h * 0.54), (w * (u + 0.05), h * 0.47)],
            2.4,
            "#7be0c3",
        )


def _dome(pen: Pen, night: bool = True) -> None:
    """Draw a garden under glass."""
    w, h = pen.width, pen.height
    pen.gradient("#0a1030", "#24406a")
    stars(pen, h * 0.7)
    _planet(pen, w * 0.2, h * 0.22, min(w, h) * 0.1, "#e98a5b")
    for i in range(7):
        x = w * (i / 6)
        pen.curve(
            [(w * 0.5, -h * 0.1), ((x + w * 0.5) / 2 + (x - w * 0.5) * 0.25, h * 0.2), (x, h * 0.75)], 3.4, "#6f8fb0"
        )
    for v in (0.14, 0.36, 0.58):
        pen.curve([(0, h * v * 1.25), (w * 0.5, h * v), (w, h * v * 1.25)], 3.0, "#6f8fb0")
    for i in range(13):
        _shrub(pen, w * (i + pen.random.random() * 0.6) / 13, h * 0.84, h * pen.random.uniform(0.12, 0.3))
    pen.polygon([(-5, h * 0.84), (w + 5, h * 0.84), (w + 5, h + 5), (-5, h + 5)], "#5a4636")
    pen.glow(w * 0.5, h * 0.75, max(w, h) * 0.5, "#d9ffb0", 0.25)


def _shrub(pen: Pen, x: float, y: float, high: float) -> None:
    colour = pen.random.choice(("#3f8f5a", "#5fae62", "#2f7a5c"))
    for lean in (-0.35, 0.0, 0.35):
        tip = (x + lean * high, y - high * (1 - 0.4 * abs(lean)))
        pen.limb([(x, y), (x + lean * high * 0.4, y - high * 0.5), tip], 5, colour, line=0.5)
        pen.ellipse(*tip, high * 0.14, high * 0.2, lighter(colour, 0.15), line=0.7)
    if pen.random.random() < 0.4:
        pen.circle(x, y - high, high * 0.1, "#ffb36b", line=0.6)


def _moon(pen: Pen, earth: bool = True, base: bool = False) -> None:
    """Draw craters under a black sky."""
    w, h = pen.width, pen.height
    pen.gradient("#050918", "#16224c")
    stars(pen, h * 0.7)
    if earth:
        _planet(pen, w * 0.76, h * 0.24, min(w, h) * 0.13, "#e98a5b")
    land = [
        (-60, h * 1.2),
        (-60, h * 0.72),
        (w * 0.24, h * 0.66),
        (w * 0.5, h * 0.7),
        (w * 0.78, h * 0.65),
        (w + 60, h * 0.7),
        (w + 60, h * 1.2),
    ]
    pen.blob(land, "#a7a3ad")
    for u, v, r in ((0.14, 0.78, 0.07), (0.42, 0.88, 0.11), (0.72, 0.8, 0.06), (0.9, 0.92, 0.09)):
        pen.ellipse(u * w, v * h, r * w, r * w * 0.26, "#827f8e")
        pen.ellipse(u * w, v * h + 4, r * w * 0.8, r * w * 0.18, "#6f6c7d", line=0)
    if base:
        pen.polygon(arc(w * 0.22, h * 0.7, h * 0.16, h * 0.16, 180, 360), "#8fd0c8")
        pen.glow(w * 0.22, h * 0.66, h * 0.24, "#d9ffb0", 0.6)


def _galley(pen: Pen, colour: str = "#54708f") -> None:
    """Draw a ship's kitchen: a hatch window, a table that folds, mugs on hooks."""
    w, h = pen.width, pen.height
    pen.gradient(lighter(colour, 0.1), darker(colour, 0.2))
    pen.circle(w * 0.76, h * 0.34, h * 0.19, "#24365f", line=2)
    pen.circle(w * 0.76, h * 0.34, h * 0.15, "#0a1230")
    for _ in range(8):
        pen.circle(
            w * 0.76 + h * pen.random.uniform(-0.1, 0.1),
            h * 0.34 + h * pen.random.uniform(-0.1, 0.1),
            1.6,
            "#f4f1d8",
            line=0,
        )
    pen.rect(w * 0.08, h * 0.2, w * 0.4, h * 0.03, "#2b3f63")
    for i in range(4):
        x = w * (0.13 + 0.1 * i)
        pen.panel(x, h * 0.29, h * 0.08, h * 0.1, ("#ff8a5b", "#ffe08a", "#7be0c3", "#f4f1e6")[i])
    pen.rect(-5, h * 0.82, w + 10, h * 0.2, darker(colour, 0.45))
    pen.glow(w * 0.4, h * 0.02, h * 0.9, "#ffe9b8", 0.4)


BACK: dict[str, Callable[..., None]] = {
    "space": _void,
    "station": _station,
    "corridor": _corridor,
    "bridge": _bridge,
    "dome": _dome,
    "moon": _moon,
    "galley": _galley,
}
