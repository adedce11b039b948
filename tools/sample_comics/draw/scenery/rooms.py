"""Interiors: a lamp room, stairs, kitchens, an office, a club, a bus, a den."""

from collections.abc import Callable
from math import cos, pi, sin

from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.curves import Point, arc, bumpy
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.props import draw_prop
from tools.sample_comics.draw.scenery.sky import SKIES, sky


def _window(pen: Pen, x: float, y: float, w: float, h: float, tint: str, frame: str = "#7a5236") -> None:
    """Draw a window of four panes, centred on x, y."""
    top, bottom = SKIES[tint]
    pen.rect(x - w / 2, y - h / 2, w, h, top)
    pen.rect(x - w / 2, y, w, h / 2, bottom, line=0)
    for line in ([(x, y - h / 2), (x, y + h / 2)], [(x - w / 2, y), (x + w / 2, y)]):
        pen.stroke(line, 5, frame)
    corners = [(x - w / 2, y - h / 2), (x + w / 2, y - h / 2), (x + w / 2, y + h / 2), (x - w / 2, y + h / 2)]
    pen.stroke([*corners, *corners[:2]], 7, frame)


def _floor(pen: Pen, top: float, colour: str) -> None:
    pen.polygon([(-5, top), (pen.width + 5, top), (pen.width + 5, pen.height + 5), (-5, pen.height + 5)], colour)
    for i in range(8):
        x = pen.width * (i / 7)
        lean = (x - pen.width / 2) * 0.5
        pen.stroke([(x, top), (x + lean, pen.height)], 1.3, darker(colour, 0.22))


def _kitchen(pen: Pen, tint: str = "night", wall: str = "#dcb98a") -> None:
    w, h = pen.width, pen.height
    pen.gradient(lighter(wall, 0.15), darker(wall, 0.1))
    _floor(pen, h * 0.76, "#8a5f43")
    _window(pen, w * 0.74, h * 0.33, min(w * 0.2, h * 0.4), h * 0.34, tint)
    pen.rect(w * 0.06, h * 0.5, min(w * 0.18, h * 0.3), h * 0.32, "#3a3f4c")
    pen.circle(w * 0.06 + min(w * 0.09, h * 0.15), h * 0.66, h * 0.06, "#ff9d3c")
    pen.rect(w * 0.06 + min(w * 0.1, h * 0.16), -5, h * 0.06, h * 0.5 + 5, "#3a3f4c")
    draw_prop(pen, "kettle", w * 0.06 + min(w * 0.07, h * 0.11), h * 0.46, h * 0.13)
    pen.rect(w * 0.36, h * 0.24, w * 0.18, h * 0.025, "#7a5236")
    for i, colour in enumerate(("#c8553d", "#4f8f8a", "#e9c46a")):
        pen.panel(w * (0.4 + i * 0.05), h * 0.2, h * 0.06, h * 0.075, colour, line=0.7)
    pen.glow(w * 0.45, h * 0.05, h * 0.7, "#ffe2a0", 0.25)


def _tabletop(pen: Pen, **_: object) -> None:
    w, h = pen.width, pen.height
    pen.polygon([(w * 0.22, h * 0.84), (w * 0.78, h * 0.84), (w * 0.84, h * 0.91), (w * 0.16, h * 0.91)], "#a9744a")
    for u in (0.22, 0.76):
        pen.rect(w * u, h * 0.91, w * 0.025, h * 0.12, "#7a5236")
    draw_prop(pen, "teacup", w * 0.36, h * 0.8, h * 0.12)
    draw_prop(pen, "teacup", w * 0.62, h * 0.8, h * 0.12, -1)


def _lamproom(pen: Pen, tint: str = "night", lens: bool = True, lit: bool = False) -> None:
    w, h = pen.width, pen.height
    sky(pen, tint, h * 0.8, 0.85 if tint == "night" else -1)
    pen.polygon(
        [(-5, h * 0.62), (w + 5, h * 0.66), (w + 5, h * 0.8), (-5, h * 0.8)], darker(SKIES[tint][1], 0.35), line=0
    )
    for i in range(6):
        x = w * i / 5
        pen.rect(x - 5, -5, 10, h * 0.82, "#38424f", line=0.7)
    for v in (0.26, 0.62):
        pen.rect(-5, h * v, w + 10, 6, "#38424f", line=0.7)
    pen.rect(-5, h * 0.78, w + 10, h * 0.3, "#6d4b3a")
    pen.rect(w * 0.42, h * 0.6, w * 0.16, h * 0.24, "#8d7a50")
    if lens:
        if lit:
            pen.glow(w * 0.5, h * 0.36, h * 0.8, "#fff0a8", 1.0)
        draw_prop(pen, "lens", w * 0.5, h * 0.36, h * 0.5)
    else:
        for u in (0.44, 0.56):
            pen.limb([(w * u, h * 0.6), (w * (u + (0.5 - u) * 0.3), h * 0.48)], 6, "#8d7a50")


def _stairs(pen: Pen, wall: str = "#7d8794") -> None:
    """Draw a spiral stair, seen from below."""
    w, h = pen.width, pen.height
    pen.gradient(darker(wall, 0.5), wall)
    for row in range(9):
        for column in range(9):
            x = (column + 0.5 * (row % 2)) * w / 8
            pen.rect(
                x - w / 16, row * h / 9, w / 8 - 4, h / 9 - 4, lighter(wall, 0.02 + 0.08 * ((row * column) % 3)), line=0
            )
    for i in range(11):
        y = h * (1.0 - i * 0.1)
        u = 0.5 + 0.42 * sin(i * 0.62)
        wide = w * 0.2
        pen.polygon([(w * 0.5, y), (u * w + wide * cos(i * 0.62), y + h * 0.05), (u * w, y - h * 0.03)], "#b99b74")
    pen.rect(w * 0.48, -5, w * 0.04, h + 10, "#4a4f5a")
    pen.glow(w * 0.3, h * 0.3, h * 0.5, "#ffd98a", 0.35)


def _office(pen: Pen, tint: str = "night") -> None:
    """Draw a detective's office: blinds, a lamp, a filing cabinet."""
    w, h = pen.width, pen.height
    pen.gradient("#5f636f", "#8f939c")
    _floor(pen, h * 0.8, "#3b3d46")
    x, y, ww, hh = w * 0.7, h * 0.34, w * 0.36, h * 0.46
    pen.rect(x - ww / 2, y - hh / 2, ww, hh, "#e8e6dc")
    for i in range(9):
        pen.rect(x - ww / 2, y - hh / 2 + i * hh / 9, ww, hh / 18, "#2a2c35", line=0)
    pen.veil([(x - ww / 2, y + hh / 2), (x + ww / 2, y + hh / 2), (w * 0.6, h), (w * 0.1, h)], "#ffffff", 0.35)
    pen.rect(w * 0.04, h * 0.4, w * 0.14, h * 0.45, "#4c505c")
    for i in range(3):
        pen.rect(w * 0.06, h * (0.43 + 0.13 * i), w * 0.1, h * 0.1, "#6a6e7a", line=0.8)
        pen.circle(w * 0.11, h * (0.48 + 0.13 * i), 4, "#e9e6da", line=0)


def _desk(pen: Pen, tint: str = "night", **_: object) -> None:
    w, h = pen.width, pen.height
    pen.polygon([(w * 0.16, h * 0.8), (w * 0.86, h * 0.8), (w * 0.92, h * 0.86), (w * 0.1, h * 0.86)], "#7d6a58")
    pen.rect(w * 0.12, h * 0.86, w * 0.78, h * 0.2, "#4d4038")
    pen.polygon([(w * 0.2, h * 0.66), (w * 0.26, h * 0.56), (w * 0.32, h * 0.66)], "#d8d4c4")
    pen.stroke([(w * 0.26, h * 0.66), (w * 0.26, h * 0.79)], 4)
    pen.glow(w * 0.26, h * 0.72, h * 0.2, "#ffffff", 0.6)


def _club(pen: Pen, piano: bool = True) -> None:
    """Draw a stage: curtains, a spotlight, a grand piano."""
    w, h = pen.width, pen.height
    pen.gradient("#1b1d27", "#3a3c47")
    pen.veil([(w * 0.46, -5), (w * 0.54, -5), (w * 0.86, h * 0.9), (w * 0.14, h * 0.9)], "#ffffff", 0.5)
    for side in (0, 1):
        for i in range(4):
            x = w * (0.05 * i if side == 0 else 1 - 0.05 * i)
            pen.limb(
                [(x, -10), (x + (8 - 16 * side), h * 0.4), (x, h * 0.84)], w * 0.045, "#4b4046" if i % 2 else "#64565c"
            )
    swag = [(w * i / 8, h * (0.05 + 0.05 * (i % 2))) for i in range(9)]
    pen.polygon([(-5, -5), *swag, (w + 5, -5)], "#5a4c52")
    pen.rect(-5, h * 0.82, w + 10, h * 0.25, "#8d8173")
    pen.stroke([(0, h * 0.82), (w, h * 0.82)], 5, "#efe9da")
    if piano:
        draw_prop(pen, "piano", w * 0.62, h * 0.62, h * 0.46)


def _bar(pen: Pen, colour: str = "#6b6670") -> None:
    """Draw shelves of bottles and a counter."""
    w, h = pen.width, pen.height
    pen.gradient(darker(colour, 0.3), colour)
    for v in (0.3, 0.52):
        pen.rect(w * 0.05, h * v, w * 0.9, h * 0.02, "#cfc6b4")
        for i in range(12):
            x, tall = w * (0.09 + 0.075 * i), h * pen.random.uniform(0.08, 0.15)
            pen.panel(
                x, h * v - tall / 2, w * 0.03, tall, pen.random.choice(("#d9d4c8", "#4a4d58", "#93909a")), line=0.8
            )
    for u in (0.25, 0.75):
        pen.polygon([(w * u - 26, h * 0.1), (w * u + 26, h * 0.1), (w * u + 10, 0), (w * u - 10, 0)], "#efe9da")
        pen.glow(w * u, h * 0.14, h * 0.4, "#ffffff", 0.4)
    pen.rect(-5, h * 0.84, w + 10, h * 0.2, "#4a3f3a")


def _cellar(pen: Pen) -> None:
    """Draw a workshop under the street: arches, shelves, a bench, a bulb."""
    w, h = pen.width, pen.height
    pen.gradient("#23252f", "#565a66")
    for i in range(3):
        x = w * (0.18 + 0.32 * i)
        pen.polygon(
            [(x - w * 0.12, h * 0.8), *arc(x, h * 0.34, w * 0.12, h * 0.22, 180, 360), (x + w * 0.12, h * 0.8)],
            "#343743",
        )
    pen.stroke([(w * 0.5, -5), (w * 0.5, h * 0.16)], 3, "#e9e6da")
    pen.glow(w * 0.5, h * 0.2, h * 0.7, "#ffffff", 0.6)
    pen.circle(w * 0.5, h * 0.19, h * 0.035, "#fffbe8")
    _floor(pen, h * 0.82, "#3a3b44")
    pen.rect(w * 0.08, h * 0.68, w * 0.3, h * 0.04, "#9a8a74")
    for u in (0.1, 0.34):
        pen.rect(w * u, h * 0.72, w * 0.02, h * 0.2, "#7a6c5a")
    draw_prop(pen, "hammer", w * 0.2, h * 0.62, h * 0.12)


def _bus_inside(pen: Pen, tint: str = "night") -> None:
    w, h = pen.width, pen.height
    pen.gradient("#e8e2d2", "#cfc7b4")
    for i in range(3):
        x = w * (0.2 + 0.3 * i)
        pen.panel(x, h * 0.36, w * 0.26, h * 0.36, SKIES[tint][0])
        for _ in range(9):
            a, b = x + w * pen.random.uniform(-0.11, 0.11), h * pen.random.uniform(0.22, 0.5)
            pen.circle(a, b, pen.random.uniform(1.5, 4), "#f7f3da", line=0)
    pen.stroke([(0, h * 0.09), (w, h * 0.09)], 6, "#7a7d88")
    for i in range(5):
        x = w * (0.1 + 0.2 * i)
        pen.stroke([(x, h * 0.09), (x, h * 0.15)], 3)
        pen.circle(x, h * 0.18, h * 0.03, "#f4f1e6")
    for i in range(3):
        x = w * (0.04 + 0.34 * i)
        pen.panel(x + w * 0.06, h * 0.76, w * 0.13, h * 0.42, "#7a8a86")
    _floor(pen, h * 0.94, "#8d8878")


def _shop(pen: Pen, tint: str = "rain") -> None:
    """Draw a room with sliding screens and a low table."""
    w, h = pen.width, pen.height
    pen.gradient("#f5efe0", "#e6dcc6")
    _floor(pen, h * 0.78, "#cbb98f")
    for i in range(3):
        x = w * (0.06 + 0.31 * i)
        pen.rect(x, h * 0.12, w * 0.27, h * 0.66, "#fbf8ee")
        for k in (1, 2):
            pen.stroke([(x + w * 0.09 * k, h * 0.12), (x + w * 0.09 * k, h * 0.78)], 2.0)
        for k in (1, 2, 3):
            pen.stroke([(x, h * (0.12 + 0.165 * k)), (x + w * 0.27, h * (0.12 + 0.165 * k))], 2.0)
    pen.rect(-5, h * 0.05, w + 10, h * 0.05, "#8a6a4a")


def _den(pen: Pen, tint: str = "snow", opening: bool = True) -> None:
    """Draw a bear's cave: warm earth and a round door to the weather."""
    w, h = pen.width, pen.height
    pen.gradient("#c59a78", "#a87a5c")
    for _ in range(10):
        x, y = pen.random.random() * w, pen.random.random() * h * 0.7
        pen.curve([(x, y), (x + 24, y + 8), (x + 52, y + 2)], 4, "#b58a68")
    if opening:
        r = min(w, h) * 0.3
        pen.circle(w * 0.74, h * 0.42, r * 1.14, "#8a6248", line=0)
        pen.circle(w * 0.74, h * 0.42, r, SKIES[tint][1], line=0)
        hill = arc(w * 0.74, h * 0.42, r, r, 20, 160)
        pen.polygon(hill, "#ffffff" if tint == "snow" else "#a9c98a", line=0)
    pen.blob(
        [
            (-60, h * 1.2),
            (-60, h * 0.84),
            (w * 0.3, h * 0.8),
            (w * 0.7, h * 0.83),
            (w + 60, h * 0.8),
            (w + 60, h * 1.2),
        ],
        "#9a6f52",
        line=0,
    )
    pen.rect(w * 0.05, h * 0.46, min(w * 0.24, h * 0.5), h * 0.03, "#8a6248", line=0.8)
    for i in range(3):
        draw_prop(pen, "honey", w * 0.05 + min(w * 0.24, h * 0.5) * (0.2 + 0.3 * i), h * 0.405, h * 0.1)
    for u in (0.12, 0.3, 0.5):
        root = [(w * u, -5), (w * (u + 0.02), h * 0.08), (w * (u - 0.01), h * 0.16)]
        pen.limb(root, 6, "#8a6248", line=0)


def _crowd(pen: Pen, **_: object) -> None:
    """Draw heads of an audience, from behind."""
    w, h = pen.width, pen.height
    heads: list[Point] = [(w * (i + 0.5) / 9, h * (0.97 - 0.03 * (i % 2))) for i in range(9)]
    for i, (x, y) in enumerate(heads):
        r = h * 0.08
        for side in (-1, 1):
            if i % 3 == 0:
                pen.circle(x + side * r * 0.8, y - r * 0.8, r * 0.5, "#10121a")
            elif i % 3 == 1:
                pen.polygon(
                    [(x + side * r * 0.2, y - r * 0.6), (x + side * r * 0.9, y - r * 1.6), (x + side * r, y - r * 0.2)],
                    "#10121a",
                )
        pen.polygon(bumpy(x, y, r * 1.1, r * 1.1, 9, 0.01), "#10121a")


def _audience(pen: Pen, piano: bool = True) -> None:
    _club(pen, piano)


def _clockwork(pen: Pen) -> None:
    """Draw a wall of gears."""
    pen.gradient("#39404f", "#596273")
    for i in range(9):
        x, y = pen.width * pen.random.random(), pen.height * pen.random.random()
        r = pen.height * pen.random.uniform(0.1, 0.24)
        teeth = [
            (x + r * k * cos(a), y + r * k * sin(a))
            for a, k in ((t * pi / 14, 1.0 if t % 2 else 0.86) for t in range(28))
        ]
        pen.polygon(teeth, ("#b08d57", "#8a93a3", "#c9a06a")[i % 3])
        pen.circle(x, y, r * 0.5, "#39404f", line=0.8)


BACK: dict[str, Callable[..., None]] = {
    "kitchen": _kitchen,
    "lamproom": _lamproom,
    "stairs": _stairs,
    "office": _office,
    "club": _club,
    "audience": _audience,
    "bar": _bar,
    "cellar": _cellar,
    "bus_inside": _bus_inside,
    "shop": _shop,
    "den": _den,
    "clockwork": _clockwork,
}

FRONT: dict[str, Callable[..., None]] = {"kitchen": _tabletop, "office": _desk, "audience": _crowd}
