"""Figures on two legs: a head, a body and limbs that take a pose."""

from dataclasses import dataclass

from tools.sample_comics.draw.cast.creatures import CREATURES
from tools.sample_comics.draw.cast.heads import HEADS, Head, draw_head
from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.cast.stance import Stance
from tools.sample_comics.draw.ink.colour import darker
from tools.sample_comics.draw.ink.curves import Point
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.props import draw_prop
from tools.sample_comics.draw.words.balloons import Speaker
from tools.sample_comics.story import Actor

SHOULDER = 0.57


@dataclass(frozen=True)
class Pose:
    """Hands and feet in heights from the middle of the ground, the far one first."""

    hands: tuple[Point, Point] = ((-0.19, 0.3), (0.19, 0.3))
    feet: tuple[Point, Point] = ((-0.075, 0.0), (0.075, 0.0))
    drop: float = 0.0


POSES: dict[str, Pose] = {
    "stand": Pose(),
    "wave": Pose(((-0.19, 0.3), (0.33, 0.8))),
    "point": Pose(((-0.19, 0.3), (0.42, 0.56))),
    "walk": Pose(((-0.24, 0.36), (0.23, 0.36)), ((-0.17, 0.03), (0.15, 0.0))),
    "run": Pose(((-0.3, 0.46), (0.28, 0.5)), ((-0.27, 0.12), (0.22, 0.02))),
    "hips": Pose(((-0.15, 0.36), (0.15, 0.36))),
    "shrug": Pose(((-0.33, 0.52), (0.33, 0.52))),
    "think": Pose(((-0.16, 0.38), (0.13, 0.58))),
    "hold": Pose(((0.2, 0.42), (0.25, 0.42))),
    "lift": Pose(((-0.19, 0.3), (0.3, 0.66))),
    "up": Pose(((-0.28, 0.92), (0.28, 0.92))),
    "sit": Pose(((-0.16, 0.32), (0.2, 0.34)), ((0.16, 0.02), (0.27, 0.0)), 0.14),
    "row": Pose(((0.2, 0.38), (0.28, 0.36)), ((0.16, 0.02), (0.27, 0.0)), 0.14),
    "play": Pose(((0.3, 0.42), (0.36, 0.42)), ((0.14, 0.02), (0.26, 0.0)), 0.12),
    "hug": Pose(((0.2, 0.46), (0.24, 0.38))),
    "crouch": Pose(((-0.05, 0.2), (0.26, 0.16)), ((-0.1, 0.0), (0.1, 0.0)), 0.16),
}


def draw_actor(pen: Pen, look: Look, actor: Actor) -> Speaker:
    """Draw a figure and return the places of its mouth, face and body."""
    height = actor.size * pen.height
    stance = Stance(actor.x * pen.width, actor.foot * pen.height, height, actor.turn or 1)
    before = pen.line
    pen.line = before * min(max((height / 260) ** 0.4, 0.7), 1.7)
    creature = CREATURES.get(look.kind)
    speaker = creature(pen, look, actor, stance) if creature else _biped(pen, look, actor, stance)
    pen.line = before
    return speaker


def _biped(pen: Pen, look: Look, actor: Actor, stance: Stance) -> Speaker:
    pose = POSES[actor.pose]
    _legs(pen, look, stance, pose)
    _arm(pen, look, stance, pose, far=True)
    if "tail" in look.extras:
        pen.limb(stance.points((-0.1, 0.2), (-0.26, 0.16), (-0.3, 0.3)), stance.height * 0.05, look.skin)
    _torso(pen, look, stance.lowered(pose.drop))
    _extras(pen, look, actor, stance.lowered(pose.drop))
    x, y = stance.p(0, 1 - look.head - pose.drop)
    r = look.head * stance.height
    high = pose.hands[1][1] > SHOULDER
    if not high:
        _front(pen, look, actor, stance, pose)
    draw_head(Head(pen, look, x, y, r, actor.mood, actor.turn, actor.back))
    if high:
        _front(pen, look, actor, stance, pose)
    reach = 1.15 * r if look.kind not in {"hare", "heron"} else 1.5 * r
    mouth = (x + 0.5 * r * actor.turn, y + 0.5 * r)
    body = (x - look.girth * stance.height, y, 2 * look.girth * stance.height, stance.foot - y)
    if r > 0.26 * pen.height:  # in a close-up words may cover a hat or a forehead
        return Speaker(mouth, (x - 0.85 * r, y - 0.4 * r, 1.7 * r, 1.3 * r), body)
    return Speaker(mouth, (x - reach, y - reach, 2 * reach, 2 * reach), body)


def _front(pen: Pen, look: Look, actor: Actor, stance: Stance, pose: Pose) -> None:
    hand = stance.p(*_hand(look, pose, far=False))
    if actor.holding:
        draw_prop(pen, actor.holding, hand[0], hand[1], stance.height * 0.26, stance.side)
    _arm(pen, look, stance, pose, far=False)


def _legs(pen: Pen, look: Look, stance: Stance, pose: Pose) -> None:
    wide = stance.height * (0.085 if look.build != "egg" else 0.11)
    for (u, v), hip in zip(pose.feet, (-0.06, 0.06), strict=True):
        top = stance.p(hip, 0.28 - pose.drop)
        foot = stance.p(u, v + 0.035)
        knee = ((top[0] + foot[0]) / 2 + stance.side * 0.03 * stance.height, (top[1] + foot[1]) / 2)
        pen.limb([top, knee, foot], wide, look.legs)
        x, y = stance.p(u + 0.03, v + 0.025)
        pen.ellipse(x, y, stance.height * 0.07, stance.height * 0.035, darker(look.legs, 0.3))


def _hand(look: Look, pose: Pose, far: bool) -> Point:
    u, v = pose.hands[0 if far else 1]
    wider = look.girth - 0.15
    return u + (wider if u > 0 else -wider), v - pose.drop


def _arm(pen: Pen, look: Look, stance: Stance, pose: Pose, far: bool) -> None:
    side = -1 if far else 1
    u, v = _hand(look, pose, far)
    su, sv = side * look.girth * 0.72, SHOULDER - pose.drop - 0.02
    reach = abs(u - su) + abs(v - sv)
    bend = max(0.0, 0.42 - reach) * 0.5
    elbow = stance.p((su + u) / 2 + side * bend, (sv + v) / 2 - bend * 0.6)
    wide = stance.height * 0.075
    colour = darker(look.coat, 0.12) if far else look.coat
    if look.build == "egg":
        colour = darker(look.skin, 0.08) if far else look.skin
    pen.limb([stance.p(su, sv), elbow, stance.p(u, v)], wide, colour)
    x, y = stance.p(u, v)
    pen.circle(x, y, wide * 0.56, look.skin)


def _torso(pen: Pen, look: Look, stance: Stance) -> None:
    g = look.girth
    if look.build == "egg":
        x, y = stance.p(0, 0.38)
        pen.ellipse(x, y, g * 1.25 * stance.height, 0.27 * stance.height, look.skin)
        pen.ellipse(
            x + 0.03 * stance.height * stance.side,
            y + 0.04 * stance.height,
            g * 0.8 * stance.height,
            0.19 * stance.height,
            look.trim,
            line=0,
        )
    elif look.build == "box":
        x, y = stance.p(0, 0.43)
        pen.panel(x, y, g * 2 * stance.height, 0.36 * stance.height, look.coat)
    else:
        hem = 1.45 if look.build == "dress" else 1.12
        shape = (
            (-g * 0.55, 0.64),
            (-g * 0.85, 0.56),
            (-g * hem, 0.21),
            (0, 0.185),
            (g * hem, 0.21),
            (g * 0.85, 0.56),
            (g * 0.55, 0.64),
        )
        pen.blob(stance.points(*shape), look.coat)


def _extras(pen: Pen, look: Look, actor: Actor, stance: Stance) -> None:
    g, h = look.girth, stance.height
    if actor.back:
        if "pack" in look.extras:
            pen.panel(*stance.p(0, 0.44), g * 1.5 * h, 0.26 * h, look.trim)
        return
    if "buttons" in look.extras:
        for v in (0.48, 0.39, 0.3):
            pen.circle(*stance.p(0.03, v), h * 0.014, look.trim, line=0.6)
    if "collar" in look.extras:
        pen.polygon(stance.points((-g * 0.6, 0.62), (0.03, 0.4), (g * 0.75, 0.62)), look.trim, line=0.8)
        pen.polygon(
            stance.points((0.0, 0.58), (0.05, 0.58), (0.06, 0.42), (0.03, 0.38), (0.0, 0.42)), look.legs, line=0.6
        )
    if "belt" in look.extras:
        pen.limb(stance.points((-g, 0.33), (0, 0.315), (g, 0.33)), h * 0.035, darker(look.coat, 0.4), line=0.6)
    if "apron" in look.extras:
        pen.blob(
            stance.points((-g * 0.5, 0.52), (g * 0.55, 0.52), (g * 0.85, 0.24), (0, 0.21), (-g * 0.8, 0.24)),
            look.trim,
            line=0.8,
        )
    if "panel" in look.extras:
        pen.panel(*stance.p(0.01, 0.44), g * 1.1 * h, 0.16 * h, darker(look.coat, 0.35), line=0.8)
        for i, colour in enumerate(("#ff7b5a", "#ffd23f", "#7be0c3")):
            pen.circle(*stance.p(-0.05 + i * 0.055, 0.46), h * 0.017, colour, line=0)
    if "scarf" in look.extras:
        pen.limb(stance.points((-g * 0.75, 0.61), (0, 0.565), (g * 0.75, 0.61)), h * 0.07, look.hat_colour, line=0.9)
        pen.limb(
            stance.points((-g * 0.4, 0.59), (-g * 0.6, 0.5), (-g * 0.55, 0.4)), h * 0.06, look.hat_colour, line=0.9
        )


assert not set(HEADS) & set(CREATURES)
