"""Characters without two legs: a puffin, a kraken and her egg, a ghost, a snail, a small cat."""

from collections.abc import Callable
from math import pi, sin

from tools.sample_comics.draw.cast.faces import cheeks, eyes, mouth
from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.cast.stance import Stance
from tools.sample_comics.draw.ink.colour import darker, lighter
from tools.sample_comics.draw.ink.curves import Point, arc, ring
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.words.balloons import Speaker
from tools.sample_comics.story import Actor


def _speaker(stance: Stance, mouth_at: Point, centre: Point, reach: float) -> Speaker:
    x, y = stance.p(*centre)
    r = reach * stance.height
    face = (x - r, y - r, 2 * r, 2 * r)
    body = (x - r, y - r, 2 * r, stance.foot - y + r)
    return Speaker(stance.p(*mouth_at), face, body)


def _puffin(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    h = stance.height
    for u in (-0.08, 0.1):
        pen.limb(stance.points((u, 0.14), (u, 0.02), (u + 0.1, 0.01)), h * 0.05, "#f08a3c")
    up = actor.pose in {"wave", "up", "run"}
    wing = (
        ((-0.12, 0.52), (-0.62, 0.85), (-0.5, 0.45), (-0.16, 0.28))
        if up
        else ((-0.18, 0.55), (-0.34, 0.3), (-0.3, 0.1), (-0.12, 0.26))
    )
    pen.blob(
        stance.points((-0.26, 0.3), (-0.2, 0.6), (0.05, 0.7), (0.26, 0.5), (0.26, 0.22), (0.05, 0.07), (-0.3, 0.12)),
        look.coat,
    )
    pen.blob(stance.points((0.0, 0.55), (0.24, 0.48), (0.25, 0.22), (0.06, 0.1), (-0.06, 0.26)), look.trim, line=0)
    pen.circle(*stance.p(0.06, 0.78), h * 0.2, look.coat)
    pen.ellipse(*stance.p(0.12, 0.77), h * 0.135, h * 0.15, look.trim, line=0)
    pen.blob(stance.points(*wing), darker(look.coat, 0.1))
    gape = 0.05 if actor.mood in {"shock", "happy", "angry"} else 0.01
    pen.polygon(stance.points((0.22, 0.88), (0.4, 0.82), (0.46, 0.74 + gape), (0.22, 0.76)), "#f26a3d")
    pen.polygon(stance.points((0.22, 0.75), (0.44, 0.73 - gape), (0.36, 0.66), (0.22, 0.66)), "#f2a33d")
    pen.stroke(stance.points((0.29, 0.86), (0.29, 0.67)), pen.line * 0.8, "#ffe08a")
    _bird_eye(pen, stance, actor)
    return _speaker(stance, (0.44, 0.74), (0.12, 0.78), 0.27)


def _bird_eye(pen: Pen, stance: Stance, actor: Actor) -> None:
    x, y = stance.p(0.13, 0.82)
    r = stance.height * 0.05
    if actor.mood in {"happy", "closed"}:
        pen.stroke(arc(x, y, r, r, 190, 350), max(1.6, r * 0.4))
    else:
        pen.circle(x, y, r * (1.3 if actor.mood == "shock" else 0.9), "#ffffff", line=0.6)
        pen.circle(x, y, r * 0.55, pen.ink, line=0)
    if actor.mood in {"angry", "sad"}:
        slope = 0.03 if actor.mood == "angry" else -0.03
        pen.stroke(stance.points((0.08, 0.89 + slope), (0.2, 0.89 - slope)), max(1.8, r * 0.4))


def _kraken(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    """Draw a shy kraken: a dome of a head and curling arms."""
    h = stance.height
    for i, u in enumerate((-0.42, -0.28, -0.12, 0.12, 0.28, 0.42)):
        side = 1 if u > 0 else -1
        lift = 0.12 + 0.1 * ((i * 7) % 3)
        raised = 0.25 if actor.pose in {"wave", "up", "hold"} and i in {0, 5} else 0.0
        path = (
            (u * 0.6, 0.42),
            (u * 1.2, 0.2 + raised),
            (u * 1.75, 0.1 + lift + raised),
            (u * 1.95 - side * 0.08, 0.26 + lift + raised),
        )
        pen.limb(stance.points(*path), h * 0.1, darker(look.skin, 0.1 * (i % 2)))
        for k in range(4):
            x, y = stance.p(u * (1.0 + 0.2 * k), 0.2 + raised * 0.9 + (0.02 + lift * 0.12) * k)
            pen.circle(x, y, h * 0.018, lighter(look.skin, 0.45), line=0)
    pen.blob(stance.points((-0.3, 0.4), (-0.4, 0.75), (0, 1.0), (0.4, 0.75), (0.3, 0.4), (0, 0.34)), look.skin)
    for u, v, r in ((-0.2, 0.86, 0.04), (0.12, 0.9, 0.03), (0.24, 0.8, 0.045)):
        pen.circle(*stance.p(u, v), h * r, lighter(look.skin, 0.2), line=0)
    _great_eyes(pen, stance, actor)
    mouth(pen, stance.x, stance.p(0, 0.43)[1], h * 0.26, actor.mood)
    cheeks(pen, stance.x, stance.p(0, 0.48)[1], h * 0.4, "#ff9fb2")
    return _speaker(stance, (0.0, 0.44), (0.0, 0.62), 0.36)


def _great_eyes(pen: Pen, stance: Stance, actor: Actor) -> None:
    h = stance.height
    for u in (-0.16, 0.16):
        x, y = stance.p(u, 0.58)
        if actor.mood in {"happy", "closed"}:
            pen.stroke(arc(x, y, h * 0.09, h * 0.08, 190, 350), h * 0.025)
            continue
        pen.circle(x, y, h * 0.1, "#fff6d6")
        pen.ellipse(x + h * 0.02 * stance.side, y, h * 0.06, h * 0.045, "#1a1630", line=0)
        pen.circle(x + h * 0.04, y - h * 0.04, h * 0.02, "#ffffff", line=0)
        if actor.mood == "sad":
            pen.stroke(
                [
                    (x - h * 0.1, y - h * (0.1 if x < stance.x else 0.15)),
                    (x + h * 0.1, y - h * (0.15 if x < stance.x else 0.1)),
                ],
                h * 0.022,
            )


def _ghost(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    """Draw a ghost, a sheet that never touches the ground."""
    h = stance.height
    hem: list[Point] = [(0.3 - 0.6 * i / 12, 0.1 + 0.05 * sin(i / 12 * 5 * pi)) for i in range(13)]
    shape = [
        (-0.3, 0.1),
        (-0.33, 0.45),
        (-0.29, 0.75),
        (-0.16, 0.95),
        (0, 1.0),
        (0.16, 0.95),
        (0.29, 0.75),
        (0.33, 0.45),
    ]
    sheet = [stance.p(u, v) for u, v in (*shape, *hem)]
    pen.polygon(sheet, look.skin)
    pen.veil(
        stance.points((-0.3, 0.1), (-0.33, 0.45), (-0.27, 0.75), (-0.2, 0.85), (-0.2, 0.3), (-0.16, 0.1)),
        "#8d93a8",
        0.35,
    )
    pen.stroke([*sheet, sheet[0], sheet[1]], pen.line)
    hands = {
        "wave": ((-0.36, 0.4), (0.42, 0.8)),
        "up": ((-0.42, 0.82), (0.42, 0.82)),
        "point": ((-0.36, 0.4), (0.52, 0.52)),
        "hold": ((0.28, 0.36), (0.34, 0.4)),
    }
    for u, v in hands.get(actor.pose, ((-0.38, 0.36), (0.38, 0.36))):
        if actor.back:
            break
        side = 1 if u > 0 else -1
        pen.blob(
            stance.points((side * 0.26, 0.56), (u, v + 0.04), (u + 0.02 * side, v - 0.03), (side * 0.26, 0.42)),
            look.skin,
        )
    if not actor.back:
        x, y = stance.p(0.06, 0.7)
        eyes(pen, x, y, h * 0.26, actor.mood, 0.42, 1.35)
        cheeks(pen, x, y + h * 0.07, h * 0.26)
        mouth(pen, x, y + h * 0.1, h * 0.22, actor.mood)
    if "hat" in look.extras:
        pen.blob(stance.points((-0.36, 0.86), (0.36, 0.86), (0.0, 0.92)), look.hat_colour)
        pen.blob(stance.points((-0.18, 0.9), (-0.16, 1.06), (0.16, 1.06), (0.18, 0.9)), look.hat_colour)
    return _speaker(stance, (0.08, 0.6), (0.0, 0.75), 0.33)


def _snail(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    h = stance.height
    pen.blob(
        stance.points(
            (-0.75, 0.02), (-0.5, 0.16), (0.3, 0.2), (0.42, 0.5), (0.62, 0.56), (0.72, 0.36), (0.56, 0.04), (0, 0.0)
        ),
        look.skin,
    )
    for u in (0.5, 0.66):
        pen.limb(stance.points((u, 0.5), (u + 0.06, 0.84)), h * 0.05, look.skin)
        pen.circle(*stance.p(u + 0.06, 0.88), h * 0.07, "#ffffff", line=0.8)
        pen.circle(*stance.p(u + 0.08, 0.88), h * 0.035, pen.ink, line=0)
    x, y = stance.p(-0.12, 0.48)
    pen.circle(x, y, h * 0.4, look.coat)
    for i, r in enumerate((0.28, 0.17, 0.07)):
        pen.stroke(arc(x + h * 0.02 * i, y + 0.02 * h, r * h, r * h, 100, 420), h * 0.035, look.trim)
    mouth(pen, *stance.p(0.6, 0.34), h * 0.26, actor.mood)
    cheeks(pen, stance.p(0.58, 0.4)[0], stance.p(0.58, 0.4)[1], h * 0.14)
    return _speaker(stance, (0.68, 0.34), (0.58, 0.6), 0.34)


def _kitten(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    """Draw a ship's cat, sitting."""
    h = stance.height
    pen.limb(stance.points((-0.2, 0.1), (-0.5, 0.1), (-0.55, 0.4), (-0.42, 0.5)), h * 0.1, look.skin)
    pen.blob(stance.points((-0.3, 0.05), (-0.28, 0.35), (-0.05, 0.6), (0.2, 0.55), (0.26, 0.05), (0, 0.0)), look.skin)
    pen.blob(stance.points((0.02, 0.5), (0.2, 0.48), (0.2, 0.12), (0.04, 0.1)), look.trim, line=0)
    for u in (0.08, 0.22):
        pen.limb(stance.points((u, 0.3), (u, 0.04)), h * 0.09, look.skin)
    for u in (-0.1, 0.26):
        pen.polygon(stance.points((u - 0.1, 0.82), (u + (u - 0.08) * 0.3, 1.06), (u + 0.1, 0.82)), look.skin)
    x, y = stance.p(0.08, 0.72)
    pen.ellipse(x, y, h * 0.27, h * 0.21, look.skin)
    eyes(pen, x + 0.04 * h * stance.side, y, h * 0.27, actor.mood, 0.4, 1.25)
    nose = (x + 0.04 * h * stance.side, y + 0.07 * h)
    pen.circle(*nose, h * 0.022, "#ff9f8f", line=0)
    for side in (-1, 1):
        pen.stroke([(nose[0] + side * 0.08 * h, nose[1] + 0.01 * h), (nose[0] + side * 0.34 * h, nose[1])], 1.3)
    mouth(pen, nose[0], nose[1] + 0.05 * h, h * 0.16, actor.mood)
    return _speaker(stance, (0.16, 0.64), (0.08, 0.74), 0.3)


def _egg(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    """Draw a kraken's egg; with a happy mood, a kraken's child looks out."""
    h = stance.height
    x, y = stance.p(0, 0.45)
    pen.glow(x, y, h * 0.9, "#8ff0d0", 0.5)
    if actor.mood == "happy":
        pen.circle(*stance.p(0, 0.68), h * 0.26, look.coat)
        eyes(pen, x, stance.p(0, 0.7)[1], h * 0.26, "calm", 0.4, 1.8)
        mouth(pen, x, stance.p(0, 0.6)[1], h * 0.2, "happy")
        shell = [
            (-0.36, 0.5),
            (-0.2, 0.4),
            (-0.08, 0.52),
            (0.06, 0.4),
            (0.2, 0.52),
            (0.36, 0.46),
            (0.3, 0.14),
            (0, 0.0),
            (-0.3, 0.14),
        ]
        pen.polygon(stance.points(*shell), look.skin)
    else:
        pen.polygon(ring(x, y, h * 0.36, h * 0.45), look.skin)
    for u, v in ((-0.16, 0.26), (0.12, 0.34), (0.02, 0.16), (0.2, 0.2)):
        pen.circle(*stance.p(u, v), h * 0.05, look.trim, line=0)
    return _speaker(stance, (0.1, 0.6), (0.0, 0.5), 0.4)


CREATURES: dict[str, Callable[[Pen, Look, Actor, Stance], Speaker]] = {
    "puffin": _puffin,
    "kraken": _kraken,
    "ghost": _ghost,
    "snail": _snail,
    "kitten": _kitten,
    "egg": _egg,
}
