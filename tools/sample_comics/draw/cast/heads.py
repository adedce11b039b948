"""One head per kind of person, animal or machine. Heads are circles of radius r that turn by shifting the face."""

from collections.abc import Callable
from dataclasses import dataclass

from tools.sample_comics.draw.cast.faces import cheeks, eyes, mouth
from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.curves import Point, arc, ring
from tools.sample_comics.draw.ink.pen import Pen


@dataclass(frozen=True)
class Head:
    pen: Pen
    look: Look
    x: float
    y: float
    r: float
    mood: str
    turn: int
    back: bool

    def at(self, u: float, v: float) -> Point:
        """Return a point in pixels from head radii around the centre, u forwards."""
        return self.x + u * self.r * (self.turn or 1), self.y + v * self.r

    def points(self, *pairs: Point) -> list[Point]:
        return [self.at(u, v) for u, v in pairs]

    @property
    def face(self) -> float:
        """Return the middle of the face."""
        return self.x + 0.26 * self.r * self.turn


def draw_head(head: Head) -> None:
    HEADS[head.look.kind](head)
    if head.look.hat:
        HATS[head.look.hat](head)


def _girl(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    bob = ((-1.12, -0.1), (-0.8, -0.95), (0, -1.2), (0.8, -0.95), (1.12, -0.1), (1.1, 0.75), (0, 0.6), (-1.1, 0.75))
    pen.blob(head.points(*bob), look.hair)
    if head.back:
        return
    pen.ellipse(head.x + 0.06 * r * head.turn, head.y + 0.08 * r, r * 0.9, r * 0.88, look.skin)
    fringe = (
        (-1.0, 0.05),
        (-0.85, -0.75),
        (0, -1.1),
        (0.85, -0.8),
        (1.0, -0.05),
        (0.6, -0.4),
        (0.1, -0.32),
        (-0.5, -0.42),
    )
    pen.blob(head.points(*fringe), look.hair, line=0.8)
    _features(head, 0.08, 0.5)


def _features(head: Head, eye: float, lips: float) -> None:
    pen, r = head.pen, head.r
    eyes(pen, head.face, head.y + eye * r, r, head.mood)
    cheeks(pen, head.face, head.y + (eye + 0.26) * r, r)
    mouth(pen, head.face, head.y + lips * r, r, head.mood)


def _hooded(head: Head) -> None:
    """Draw a child in a rain hood."""
    pen, look, r = head.pen, head.look, head.r
    hood = ((-1.15, 0.3), (-1.05, -0.6), (-0.3, -1.25), (0.5, -1.1), (1.1, -0.45), (1.1, 0.4), (0.6, 1.0), (-0.6, 1.0))
    pen.blob(head.points(*hood), look.coat)
    if head.back:
        pen.curve(head.points((-0.1, -1.1), (0.0, -0.2), (-0.05, 0.8)), pen.line * 0.8)
        return
    x = head.x + 0.16 * r * head.turn
    pen.ellipse(x, head.y + 0.08 * r, r * 0.84, r * 0.82, darker(look.coat, 0.35))
    pen.ellipse(x, head.y + 0.12 * r, r * 0.76, r * 0.74, look.skin)
    locks = (
        (-0.6, -0.05),
        (-0.4, -0.6),
        (0.2, -0.72),
        (0.75, -0.5),
        (0.92, -0.05),
        (0.5, -0.25),
        (0.2, -0.12),
        (-0.2, -0.3),
    )
    pen.blob(head.points(*locks), look.hair, line=0.8)
    _features(head, 0.14, 0.52)


def _keeper(head: Head) -> None:
    """Draw an old sailor with a large beard."""
    pen, look, r = head.pen, head.look, head.r
    pen.circle(head.x, head.y, r, look.skin if not head.back else look.hair)
    if head.back:
        return
    beard = (
        (-1.05, -0.05),
        (-0.7, 0.1),
        (-0.2, 0.25),
        (0.5, 0.25),
        (0.95, 0.0),
        (1.05, 0.5),
        (0.7, 1.25),
        (0.1, 1.5),
        (-0.6, 1.2),
        (-1.0, 0.6),
    )
    pen.blob(head.points(*beard), look.hair)
    eyes(pen, head.face, head.y - 0.08 * r, r, head.mood)
    mouth(pen, head.face, head.y + 0.52 * r, r, head.mood)
    pen.ellipse(
        head.face + 0.08 * r * head.turn, head.y + 0.18 * r, r * 0.2, r * 0.16, darker(look.skin, 0.08), line=0.8
    )
    tash = ((-0.3, 0.42), (0.05, 0.28), (0.3, 0.36), (0.6, 0.26), (0.9, 0.44), (0.5, 0.5), (0.3, 0.44), (0.0, 0.52))
    pen.blob(head.points(*tash), lighter(look.hair, 0.25), line=0.7)


def _cat(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    for u in (-0.62, 0.62):
        pen.polygon(head.points((u - 0.36, -0.55), (u * 1.25, -1.45), (u + 0.34, -0.6)), look.skin)
        if not head.back:
            pen.polygon(head.points((u - 0.16, -0.7), (u * 1.2, -1.18), (u + 0.16, -0.72)), look.trim, line=0)
    pen.ellipse(head.x, head.y, r * 1.1, r * 0.92, look.skin)
    if head.back:
        return
    pen.ellipse(head.face, head.y + 0.42 * r, r * 0.52, r * 0.36, look.trim, line=0)
    for side in (-1, 1):
        _cat_eye(head, side)
        for v in (0.32, 0.46):
            start = (head.face + side * 0.4 * r, head.y + v * r)
            pen.stroke([start, (start[0] + side * 0.75 * r, start[1] + (v - 0.42) * r)], 1.4, look.legs)
    nose = head.y + 0.24 * r
    pen.polygon(
        [(head.face - 0.1 * r, nose), (head.face + 0.1 * r, nose), (head.face, nose + 0.12 * r)], "#2a1a22", line=0
    )
    mouth(pen, head.face, head.y + 0.52 * r, r * 0.8, head.mood)


def _cat_eye(head: Head, side: int) -> None:
    pen, r = head.pen, head.r
    x, y = head.face + side * 0.42 * r, head.y - 0.06 * r
    if head.mood in {"happy", "closed"}:
        pen.stroke(arc(x, y, r * 0.18, r * 0.14, 190, 350), max(2.0, r * 0.06), head.look.trim)
        return
    wide = 0.24 if head.mood == "shock" else 0.17
    pen.ellipse(x, y, r * 0.21, r * wide, "#f7f4d8", line=0.8)
    pen.ellipse(x, y, r * 0.055, r * wide * 0.85, "#10121c", line=0)
    if head.mood in {"sly", "angry", "calm"}:
        lid = 0.09 if head.mood == "angry" else 0.0
        pen.stroke(
            [(x - side * 0.22 * r, y - (0.1 - lid) * r), (x + side * 0.24 * r, y - (0.17 + lid) * r)],
            r * 0.08,
            "#10121c",
        )


def _mouse(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    for u in (-0.85, 0.85):
        x, y = head.at(u, -0.72)
        pen.circle(x, y, r * 0.56, look.skin)
        pen.circle(x, y, r * 0.36, look.trim if not head.back else look.skin, line=0)
    pen.blob(
        head.points((-0.9, -0.2), (-0.3, -0.85), (0.5, -0.8), (0.95, -0.1), (0.8, 0.6), (0.1, 0.9), (-0.7, 0.6)),
        look.skin,
    )
    if head.back:
        return
    eyes(pen, head.face, head.y - 0.06 * r, r, head.mood, 0.36, 1.25)
    x, y = head.face + 0.2 * r * head.turn, head.y + 0.36 * r
    pen.ellipse(x, y, 0.15 * r, 0.11 * r, "#c86a6e", line=0.7)
    for side in (-1, 1):
        pen.stroke([(x + side * 0.2 * r, y + 0.05 * r), (x + side * 0.85 * r, y - 0.02 * r)], 1.3)
    mouth(pen, head.face, head.y + 0.62 * r, r * 0.8, head.mood)


def _badger(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    for u in (-0.75, 0.75):
        pen.circle(*head.at(u, -0.7), r * 0.28, look.hair)
    pen.circle(head.x, head.y, r, look.hair)
    if head.back:
        return
    x = head.face
    for side in (-1, 0, 1):
        top, low = (
            (x + side * 0.62 * r, head.y - 0.92 * r + abs(side) * 0.3 * r),
            (x + side * 0.5 * r, head.y + 0.78 * r),
        )
        wide = 0.2 if side else 0.16
        pen.limb([top, ((top[0] + low[0]) / 2 + side * 0.1 * r, head.y), low], r * wide * 1.7, look.skin, line=0)
    pen.ellipse(x, head.y + 0.55 * r, r * 0.5, r * 0.36, look.skin, line=0)
    for side in (-1, 1):
        pen.circle(x + side * 0.34 * r, head.y - 0.08 * r, r * 0.13, "#ffffff", line=0)
    eyes(pen, x, head.y - 0.08 * r, r, head.mood, 0.34, 0.9)
    pen.ellipse(x, head.y + 0.34 * r, r * 0.2, r * 0.14, "#1a1a22", line=0)
    mouth(pen, x, head.y + 0.62 * r, r * 0.8, head.mood)


def _mole(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    pen.blob(
        head.points((-1, 0.2), (-0.8, -0.7), (0, -1), (0.7, -0.6), (1.0, 0.1), (0.7, 0.7), (0, 0.95), (-0.8, 0.8)),
        look.skin,
    )
    if head.back:
        return
    x = head.face
    pen.ellipse(x + 0.12 * r * head.turn, head.y + 0.46 * r, r * 0.56, r * 0.4, look.trim)
    pen.ellipse(x + 0.4 * r * head.turn, head.y + 0.3 * r, r * 0.2, r * 0.15, "#3a2a2e", line=0.7)
    for side in (-1, 1):
        pen.circle(x + side * 0.38 * r, head.y - 0.14 * r, r * 0.29, lighter(look.skin, 0.75))
        pen.circle(x + side * 0.38 * r, head.y - 0.14 * r, r * 0.2, "#20232e", line=0)
        pen.stroke(arc(x + side * 0.38 * r, head.y - 0.14 * r, r * 0.12, r * 0.12, 190, 270), 2.0, "#ffffff")
    mouth(pen, x + 0.1 * r * head.turn, head.y + 0.66 * r, r * 0.7, head.mood)


def _heron(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    pen.limb(head.points((-0.2, 0.3), (-0.45, 1.2), (0.05, 2.0)), r * 0.6, look.skin)
    crest = ((-0.3, -0.75), (-1.2, -1.1), (-2.0, -0.8), (-1.2, -0.75), (-0.6, -0.2))
    pen.blob(head.points(*crest), look.hair)
    pen.ellipse(head.x, head.y, r * 0.9, r * 0.78, look.skin)
    if head.back:
        return
    gape = 0.18 if head.mood in {"shock", "happy"} else 0.04
    pen.polygon(head.points((0.55, -0.35), (2.6, 0.1 - gape), (0.7, 0.12)), look.trim)
    pen.polygon(head.points((0.6, 0.1), (2.3, 0.14 + gape), (0.5, 0.42)), darker(look.trim, 0.2))
    x, y = head.at(0.3, -0.14)
    if head.mood in {"closed", "happy"}:
        pen.stroke(arc(x, y, r * 0.2, r * 0.12, 10, 170), 2.4)
    else:
        pen.circle(x, y, r * 0.2, "#fbf7d9", line=0.7)
        pen.circle(x + r * 0.05 * (head.turn or 1), y, r * 0.09, pen.ink, line=0)
    pen.stroke(head.points((-0.2, -0.5), (0.5, -0.42 + (0.14 if head.mood == "angry" else 0))), r * 0.12, look.hair)


def _bear(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    for u in (-0.72, 0.72):
        pen.circle(*head.at(u, -0.72), r * 0.34, look.skin)
        pen.circle(*head.at(u, -0.7), r * 0.18, look.trim if not head.back else look.skin, line=0)
    pen.ellipse(head.x, head.y, r * 1.06, r, look.skin)
    if head.back:
        return
    pen.ellipse(head.face, head.y + 0.42 * r, r * 0.5, r * 0.4, look.trim, line=0)
    eyes(pen, head.face, head.y - 0.08 * r, r, head.mood, 0.4)
    pen.ellipse(head.face, head.y + 0.22 * r, r * 0.18, r * 0.13, "#3a2a2c", line=0)
    mouth(pen, head.face, head.y + 0.52 * r, r * 0.8, head.mood)
    cheeks(pen, head.face, head.y + 0.24 * r, r * 1.1)


def _hare(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    lean = -0.35 if head.mood in {"sad", "shock"} else 0.0
    for u in (-0.42, 0.42):
        ear = [
            (u - 0.2, -0.7),
            (u * 1.3 - 0.22 + lean, -1.9),
            (u * 1.3 + lean, -2.35),
            (u * 1.3 + 0.24 + lean, -1.85),
            (u + 0.24, -0.7),
        ]
        pen.blob(head.points(*ear), look.skin)
        if not head.back:
            pen.limb(head.points((u, -0.9), (u * 1.25 + lean * 0.8, -1.9)), r * 0.16, look.trim, line=0)
    pen.ellipse(head.x, head.y, r * 0.95, r, look.skin)
    if head.back:
        return
    eyes(pen, head.face, head.y - 0.06 * r, r, head.mood, 0.4, 1.15)
    pen.polygon(
        [
            (head.face - 0.12 * r, head.y + 0.24 * r),
            (head.face + 0.12 * r, head.y + 0.24 * r),
            (head.face, head.y + 0.36 * r),
        ],
        "#d4787c",
        line=0.6,
    )
    cheeks(pen, head.face, head.y + 0.3 * r, r * 1.1)
    mouth(pen, head.face, head.y + 0.56 * r, r * 0.8, head.mood)


def _fox(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    for u in (-0.66, 0.66):
        pen.polygon(head.points((u - 0.4, -0.5), (u * 1.3, -1.5), (u + 0.36, -0.55)), look.skin)
        pen.polygon(head.points((u - 0.14, -0.75), (u * 1.26, -1.3), (u + 0.14, -0.78)), look.hair, line=0)
    pen.blob(
        head.points(
            (-1.2, 0.2), (-0.8, -0.7), (0, -0.95), (0.8, -0.7), (1.2, 0.2), (0.5, 0.75), (0, 1.0), (-0.5, 0.75)
        ),
        look.skin,
    )
    if head.back:
        return
    x = head.face
    for side in (-1, 1):
        patch = [
            (x + side * 0.95 * r, head.y + 0.18 * r),
            (x + side * 0.2 * r, head.y + 0.2 * r),
            (x, head.y + 0.9 * r),
            (x + side * 0.5 * r, head.y + 0.68 * r),
        ]
        pen.blob(patch, look.trim, line=0)
    eyes(pen, x, head.y - 0.08 * r, r, head.mood, 0.42)
    pen.ellipse(x, head.y + 0.5 * r, r * 0.15, r * 0.11, "#1c1720", line=0)
    mouth(pen, x, head.y + 0.72 * r, r * 0.7, head.mood)


def _robot(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    pen.stroke(head.points((0, -0.9), (0, -1.5)), max(2.4, r * 0.1))
    pen.circle(*head.at(0, -1.6), r * 0.17, look.hair)
    for u in (-1.15, 1.15):
        pen.panel(*head.at(u, 0.05), r * 0.34, r * 0.6, darker(look.skin, 0.25))
    pen.polygon(ring(head.x, head.y, r * 1.1, r * 0.92, squareness=5), look.skin)
    if head.back:
        for v in (-0.3, 0, 0.3):
            pen.stroke(head.points((-0.5, v), (0.5, v)), pen.line)
        return
    x = head.x + 0.14 * r * head.turn
    pen.polygon(ring(x, head.y, r * 0.86, r * 0.66, squareness=5), "#131a33")
    _lamps(head, x)


def _lamps(head: Head, x: float) -> None:
    """Draw a robot, whose eyes and mouth are lights on a dark screen."""
    pen, r, light = head.pen, head.r, head.look.trim
    for side in (-1, 1):
        ex, ey = x + side * 0.38 * r, head.y - 0.1 * r
        if head.mood == "happy":
            pen.stroke(arc(ex, ey + 0.08 * r, r * 0.18, r * 0.2, 190, 350), r * 0.11, light)
        elif head.mood in {"closed", "sad"}:
            tilt = 0.08 * r if head.mood == "sad" else 0
            pen.stroke([(ex - side * 0.18 * r, ey - tilt), (ex + side * 0.18 * r, ey + tilt)], r * 0.1, light)
        else:
            size = 0.26 if head.mood == "shock" else 0.18
            pen.circle(ex, ey, r * size, light, line=0)
    y = head.y + 0.36 * r
    bend = {"happy": 0.14, "sad": -0.12, "angry": -0.1, "shock": 0.0}.get(head.mood, 0.06)
    pen.curve([(x - 0.28 * r, y), (x, y + bend * r), (x + 0.28 * r, y)], r * 0.08, light)


def _astronaut(head: Head) -> None:
    pen, look, r = head.pen, head.look, head.r
    pen.circle(head.x, head.y, r * 1.18, look.trim)
    if head.back:
        pen.panel(head.x, head.y + 0.2 * r, r * 0.9, r * 0.7, look.coat)
        return
    x = head.x + 0.14 * r * head.turn
    pen.ellipse(x, head.y + 0.04 * r, r * 0.95, r * 0.88, "#24365f")
    pen.ellipse(x, head.y + 0.14 * r, r * 0.72, r * 0.72, look.skin, line=0)
    pen.blob(
        head.points((-0.6, -0.1), (-0.4, -0.6), (0.2, -0.68), (0.75, -0.4), (0.8, 0), (0.3, -0.3), (-0.2, -0.22)),
        look.hair,
        line=0,
    )
    _features(head, 0.16, 0.5)
    pen.stroke(arc(x, head.y, r * 0.8, r * 0.74, 195, 245), max(2.0, r * 0.09), "#ffffff")


def _elder(head: Head) -> None:
    """Draw round glasses and a bun."""
    pen, look, r = head.pen, head.look, head.r
    pen.circle(*head.at(-0.35, -1.1), r * 0.45, look.hair)
    pen.circle(head.x, head.y - 0.05 * r, r * 1.02, look.hair)
    if head.back:
        return
    pen.ellipse(head.x + 0.1 * r * head.turn, head.y + 0.14 * r, r * 0.84, r * 0.82, look.skin)
    for side in (-1, 1):
        pen.circle(head.face + side * 0.38 * r, head.y + 0.06 * r, r * 0.27, lighter(look.skin, 0.5), line=0.9)
    pen.stroke([(head.face - 0.1 * r, head.y + 0.02 * r), (head.face + 0.1 * r, head.y + 0.02 * r)], pen.line * 0.9)
    _features(head, 0.08, 0.54)


def _sou_wester(head: Head) -> None:
    pen, r, colour = head.pen, head.r, head.look.hat_colour
    pen.blob(head.points((-1.5, -0.05), (-0.9, -0.5), (0.8, -0.62), (1.35, -0.35), (0.8, -0.42), (-0.8, -0.25)), colour)
    pen.blob(head.points((-0.9, -0.42), (-0.7, -1.1), (0, -1.35), (0.7, -1.1), (0.86, -0.5)), colour)
    pen.stroke(head.points((-0.2, -1.25), (-0.25, -0.5)), max(1.4, r * 0.05))


def _cap(head: Head) -> None:
    pen, colour = head.pen, head.look.hat_colour
    pen.blob(head.points((-1.05, -0.5), (-1.1, -1.0), (0, -1.35), (1.1, -1.05), (1.05, -0.5)), colour)
    pen.blob(
        head.points((-1.0, -0.42), (0, -0.62), (1.0, -0.45), (1.5, -0.22), (0.9, -0.28), (0, -0.36)),
        darker(colour, 0.5),
    )
    if not head.back:
        pen.circle(*head.at(0.25, -0.85), head.r * 0.16, "#f2c14e", line=0.7)


def _fedora(head: Head) -> None:
    pen, colour = head.pen, head.look.hat_colour
    pen.blob(
        head.points((-0.8, -0.55), (-0.72, -1.3), (-0.1, -1.5), (0.1, -1.38), (0.4, -1.5), (0.8, -1.2), (0.84, -0.55)),
        colour,
    )
    pen.polygon(head.points((-0.8, -0.85), (0.82, -0.85), (0.84, -0.58), (-0.8, -0.58)), "#f3efe2", line=0.6)
    pen.blob(head.points((-1.55, -0.52), (-0.8, -0.7), (0.8, -0.7), (1.6, -0.42), (0.7, -0.4), (-0.7, -0.42)), colour)


def _bowler(head: Head) -> None:
    pen, colour = head.pen, head.look.hat_colour
    pen.blob(head.points((-0.75, -0.6), (-0.7, -1.15), (0, -1.45), (0.7, -1.15), (0.75, -0.6)), colour)
    pen.blob(head.points((-1.15, -0.6), (0, -0.75), (1.15, -0.6), (0, -0.5)), colour)


def _beanie(head: Head) -> None:
    pen, colour = head.pen, head.look.hat_colour
    pen.blob(head.points((-1.0, -0.45), (-0.85, -1.1), (0, -1.4), (0.85, -1.1), (1.0, -0.45)), colour)
    pen.limb(head.points((-0.95, -0.5), (0, -0.62), (0.95, -0.5)), head.r * 0.26, lighter(colour, 0.45), line=0.7)
    pen.circle(*head.at(0, -1.45), head.r * 0.26, lighter(colour, 0.6))


def _petal(head: Head) -> None:
    """Draw a flower behind the ear."""
    x, y = head.at(-0.75, -0.75)
    for dx, dy in ((0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2)):
        head.pen.circle(x + dx * head.r, y + dy * head.r, head.r * 0.16, head.look.hat_colour, line=0.6)
    head.pen.circle(x, y, head.r * 0.12, "#ffd23f", line=0.5)


HEADS: dict[str, Callable[[Head], None]] = {
    "girl": _girl,
    "hooded": _hooded,
    "keeper": _keeper,
    "cat": _cat,
    "mouse": _mouse,
    "badger": _badger,
    "mole": _mole,
    "heron": _heron,
    "bear": _bear,
    "hare": _hare,
    "fox": _fox,
    "robot": _robot,
    "astronaut": _astronaut,
    "elder": _elder,
}

HATS: dict[str, Callable[[Head], None]] = {
    "souwester": _sou_wester,
    "cap": _cap,
    "fedora": _fedora,
    "bowler": _bowler,
    "beanie": _beanie,
    "flower": _petal,
}
