"""Room for words: the cast moves down until no balloon covers a face."""

from dataclasses import replace

from tools.sample_comics.draw.cast.figures import draw_actor
from tools.sample_comics.draw.ink.curves import Box
from tools.sample_comics.draw.ink.pen import Pen
from tools.sample_comics.draw.words.balloons import Balloon, Ground, Speaker, place
from tools.sample_comics.story import Actor, Book, Panel

SEATED = {"boat", "kitchen", "office", "audience", "deep", "roofs"}  # scenes where a step down looks wrong
STEPS = (0.0, 0.07, 0.14, 0.21, 0.28)
WORTH = 60.0  # a step down must save at least this much


def staged(panel: Panel, book: Book, pen: Pen, room: Box, closed: list[Box]) -> tuple[Panel, list[Balloon]]:
    """Return the panel as it will be drawn, and its balloons."""
    best, layout = panel, _trial(panel, book, pen, room, closed)
    for step in STEPS[1:] if _may_step(panel) else ():
        lower = _lowered(panel, step)
        trial = _trial(lower, book, pen, room, closed)
        if trial[0] + WORTH < layout[0]:
            best, layout = lower, trial
    return best, layout[1]


def _may_step(panel: Panel) -> bool:
    names = {part.name for part in panel.cast if isinstance(part, Actor)}
    speech = any(words.who in names for words in panel.words)
    return speech and panel.frame != "bleed" and panel.scene.name not in SEATED


def _lowered(panel: Panel, step: float) -> Panel:
    cast = (
        replace(part, foot=part.foot + step) if isinstance(part, Actor) else replace(part, y=part.y + step)
        for part in panel.cast
    )
    return replace(panel, cast=tuple(cast))


def _trial(panel: Panel, book: Book, pen: Pen, room: Box, closed: list[Box]) -> tuple[float, list[Balloon]]:
    scratch = Pen(pen.width, pen.height, pen.ink, pen.line, "scratch")
    cast: dict[str, Speaker] = {}
    things: list[Box] = []
    lost = 0.0
    for part in panel.cast:
        if isinstance(part, Actor):
            cast[part.name] = draw_actor(scratch, book.cast[part.name], part)
            lost += max(cast[part.name].mouth[1] - 0.84 * pen.height, 0) * 40
        else:
            size = part.size * pen.height
            things.append((part.x * pen.width - size / 2, part.y * pen.height - size / 2, size, size))
    cost, balloons = place(panel.words, Ground(room, cast, things, closed), book.style)
    return cost + lost, balloons
