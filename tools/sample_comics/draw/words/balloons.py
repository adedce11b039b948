"""Placing and drawing of balloons, captions and sounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin
from random import Random

from tools.sample_comics.draw.ink.curves import Box, Point, bumpy, ring, smooth, spiky
from tools.sample_comics.draw.ink.pen import SCALE, Pen
from tools.sample_comics.draw.style import Hand, Style
from tools.sample_comics.draw.words.lettering import LEADING, ink, measure, strokes, wrap
from tools.sample_comics.story import Words

BEAM = 50
OPTIONS = 160
CLEAR = 9.0  # between a balloon and the panel's border


@dataclass(frozen=True)
class Speaker:
    mouth: Point
    face: Box
    body: Box


@dataclass(frozen=True)
class Ground:
    """Room and obstacles for a panel's words, in its own pixels."""

    room: Box
    cast: dict[str, Speaker]
    things: Sequence[Box]
    closed: Sequence[Box]  # covered by other panels


@dataclass(frozen=True)
class Balloon:
    words: Words
    lines: list[str]
    box: Box
    target: Point | None = None
    face: Box | None = None

    @property
    def centre(self) -> Point:
        x, y, w, h = self.box
        return x + w / 2, y + h / 2


def hand_of(words: Words, style: Style) -> Hand:
    hand = style.hand
    changes = {"sound": (2.15, 0.18), "title": (3.0, 0.17), "shout": (1.12, 0.16), "whisper": (0.94, 0.11)}
    grow, weight = changes.get(words.kind, (1.0, hand.weight))
    return Hand(hand.height * grow, weight, hand.slant, hand.spacing, hand.jitter, hand.width)


def place(lines: Sequence[Words], ground: Ground, style: Style) -> tuple[float, list[Balloon]]:
    """Return a balloon for each of a panel's lines, off faces and in reading order.

    A beam search: the best partial layouts are extended line by line. Returns the layout's cost as well.
    """
    beam: list[tuple[float, list[Balloon]]] = [(0.0, [])]
    for i, words in enumerate(lines):
        last = i == len(lines) - 1
        options = _options(words, ground, style, last)
        longer = [
            (cost + alone + _against(option, placed, style), [*placed, option])
            for cost, placed in beam
            for alone, option in options
        ]
        beam = sorted(longer, key=lambda each: each[0])[:BEAM]
    return beam[0]


def _options(words: Words, ground: Ground, style: Style, last: bool) -> list[tuple[float, Balloon]]:
    """Return the cheapest places for one line by itself."""
    speaker = ground.cast.get(words.who)
    found = []
    for rows, size in _sizes(words, ground.room, style):
        for box in _spots(words, size, ground.room):
            option = Balloon(words, rows, box, speaker.mouth if speaker else None, speaker.face if speaker else None)
            found.append((_cost(option, ground, style, last), option))
    return sorted(found, key=lambda each: each[0])[:OPTIONS]


def _sizes(words: Words, room: Box, style: Style) -> list[tuple[list[str], Point]]:
    """Return ways to break the words into lines, with the size of the balloon around each."""
    hand = hand_of(words, style)
    whole = measure(words.text, hand)
    found: dict[int, tuple[list[str], Point]] = {}
    for count in range(1, 9):
        rows = _balanced(words.text, hand, whole, count)
        size = _around(words, rows, hand, style.balloon_squareness)
        if len(rows) not in found and size[0] <= room[2] - 2:
            found[len(rows)] = (rows, size)
    return list(found.values()) or [(rows, size)]


def _balanced(text: str, hand: Hand, whole: float, count: int) -> list[str]:
    """Return lines of even length: the narrowest width that needs no more than `count`."""
    width = whole / count
    while len(wrap(text, hand, width)) > count:
        width += hand.height * 0.4
    return wrap(text, hand, width)


def _around(words: Words, rows: list[str], hand: Hand, squareness: float) -> Point:
    wide = max(measure(row, hand) for row in rows)
    high = hand.height * (LEADING * (len(rows) - 1) + 1)
    if words.kind in {"caption", "title"}:
        return wide + 26, high + 24
    if words.kind == "sound":
        return wide + 8, high + 8
    if words.kind == "shout":
        return wide * 1.36 + 36, high * 1.45 + 44
    widths = [measure(row, hand) for row in rows]
    if words.kind == "thought":
        wide, high = _oval(widths, hand, high, 2.0)
        return wide * 1.08, high * 1.1
    return _oval(widths, hand, high, squareness)


def _oval(widths: list[float], hand: Hand, high: float, squareness: float) -> Point:
    """Return the smallest superellipse of a pleasant height that clears every line's ends."""
    air = hand.height * 0.5
    ry = high / 2 + air + high * 0.09
    rx = 0.0
    for i, width in enumerate(widths):
        middle = abs((i + 0.5) - len(widths) / 2) * hand.height * LEADING
        share = min((middle + hand.height * 0.5) / ry, 0.97)
        rx = max(rx, (width / 2 + air * 0.8) / (1 - share**squareness) ** (1 / squareness))
    return 2 * rx, 2 * ry


def _spots(words: Words, size: Point, room: Box) -> list[Box]:
    w, h = size
    clear = 4.0 if words.kind == "caption" else CLEAR
    x0, y0 = room[0] + clear, room[1] + clear
    dx, dy = max(room[2] - 2 * clear - w, 0), max(room[3] - 2 * clear - h, 0)
    if words.at:
        x, y = _anchored(words.at, room)
        fixed = (min(max(x - w / 2, x0), x0 + dx), min(max(y - h / 2, y0), y0 + dy), w, h)
        if words.kind != "sound":
            return [fixed]
    across = (0, 1) if words.kind == "caption" else tuple(i / 12 for i in range(13))
    return [(x0 + dx * i, y0 + dy * j / 12, w, h) for i in across for j in range(13)]


def _anchored(at: Point, room: Box) -> Point:
    return room[0] + at[0] * room[2], room[1] + at[1] * room[3]


def _cost(option: Balloon, ground: Ground, style: Style, last: bool) -> float:
    box, room, cast = option.box, ground.room, ground.cast
    ahead = room[0] + room[2] - box[0] - box[2] if style.rtl else box[0] - room[0]
    cost = 0.9 * min(1, 340 / room[3]) * (box[1] - room[1]) + _stretch(box)
    cost += _out(box, room) * 60
    cost += sum(_shared(box, speaker.face) * 0.5 for speaker in cast.values())
    cost += sum(_shared(box, speaker.body) * 0.012 for speaker in cast.values())
    cost += sum(_shared(box, item) * 0.03 for item in ground.things)
    cost += sum(_shared(_grown(box, 12), item) * 0.8 for item in ground.closed)
    if option.words.at:
        x, y = _anchored(option.words.at, room)
        return cost + 1.2 * hypot(option.centre[0] - x, option.centre[1] - y)
    if option.words.kind == "caption":
        return cost + 0.4 * ahead
    return cost + _reach(option, cast) + (0 if last else 0.25 * ahead)


def _stretch(box: Box) -> float:
    """Return the cost of a shape; balloons look best slightly wider than tall."""
    shape = box[2] / box[3]
    return 260 * max(1.35 - shape, 0) + 70 * max(shape - 3.0, 0)


def _against(option: Balloon, placed: Sequence[Balloon], style: Style) -> float:
    box = _grown(option.box, 5)
    cost = sum(_shared(box, other.box) * 0.9 + 500 * _crossed(option, other) for other in placed)
    kinds = {"sound", "title"}
    if option.words.kind in kinds:
        return cost
    return cost + sum(_disorder(option.box, o.box, style.rtl) for o in placed if o.words.kind not in kinds)


def _crossed(one: Balloon, two: Balloon) -> bool:
    """Return True if two tails cross, or one passes behind the other balloon."""
    if one.target is None or two.target is None or one.words.who == two.words.who:
        return False
    a, b, c, d = one.centre, one.target, two.centre, two.target
    return _left(a, b, c) != _left(a, b, d) and _left(c, d, a) != _left(c, d, b)


def _left(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0


def _reach(option: Balloon, cast: dict[str, Speaker]) -> float:
    """Return the tail's length, more if it climbs or crosses another face."""
    if option.target is None:
        return 0.0
    x, y = option.centre
    tx, ty = option.target
    cost = 0.35 * abs(tx - x) + 0.2 * abs(ty - y)
    if option.box[1] + option.box[3] > ty:
        cost += 0.8 * (option.box[1] + option.box[3] - ty)
    for name, speaker in cast.items():
        if name != option.words.who:
            points = [(x + (tx - x) * k / 8, y + (ty - y) * k / 8) for k in range(1, 7)]
            cost += sum(90 for point in points if _inside(point, speaker.face))
    return cost


def _disorder(box: Box, earlier: Box, rtl: bool) -> float:
    """Return a large cost if a later balloon would be read before an earlier one."""
    below = box[1] + box[3] / 2 - earlier[1] - earlier[3] / 2
    if below > 0.45 * (box[3] + earlier[3]) / 2 + 8 and box[1] > earlier[1] + 10:
        return 0.0
    after = earlier[0] - box[0] - box[2] if rtl else box[0] - earlier[0] - earlier[2]
    if after >= -6 and below > -0.25 * earlier[3]:
        return 0.0
    return 600.0


def _shared(a: Box, b: Box) -> float:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0)


def _out(a: Box, room: Box) -> float:
    wide = max(a[0] + a[2] - room[0] - room[2], 0) + max(room[0] - a[0], 0)
    return wide + max(a[1] + a[3] - room[1] - room[3], 0) + max(room[1] - a[1], 0)


def _grown(box: Box, by: float) -> Box:
    return box[0] - by, box[1] - by, box[2] + 2 * by, box[3] + 2 * by


def _inside(point: Point, box: Box) -> bool:
    return box[0] < point[0] < box[0] + box[2] and box[1] < point[1] < box[1] + box[3]


def draw(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    DRAWN[balloon.words.kind](pen, balloon, style, seed)


def _letter(pen: Pen, balloon: Balloon, style: Style, seed: str, colour: str) -> None:
    hand = hand_of(balloon.words, style)
    x, y = balloon.centre
    high = hand.height * (LEADING * (len(balloon.lines) - 1) + 1)
    marks = strokes(balloon.lines, hand, x, y - high / 2, seed)
    ink(pen.image, marks, SCALE, hand.height * hand.weight, colour)


def _bubble(pen: Pen, outline: list[Point], tail: list[Point], style: Style) -> None:
    """Draw outline and tail in ink, then fill both, so that they join without a seam."""
    for shape in (outline, tail):
        if shape:
            pen.stroke([*shape, shape[0], shape[1]], 2 * max(style.line, 2.0), style.balloon_ink)
    for shape in (outline, tail):
        if shape:
            pen.polygon(shape, style.balloon, line=0)


def _speech(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    x, y = balloon.centre
    outline = ring(x, y, balloon.box[2] / 2, balloon.box[3] / 2, style.balloon_squareness)
    _bubble(pen, outline, _tail(balloon), style)
    _letter(pen, balloon, style, seed, style.balloon_ink)


def _tail(balloon: Balloon) -> list[Point]:
    """Return a curved wedge from the balloon towards the mouth, stopping short of it."""
    if balloon.target is None:
        return []
    x, y = balloon.centre
    dx, dy = balloon.target[0] - x, balloon.target[1] - y
    far = hypot(dx, dy) or 1.0
    rx, ry = balloon.box[2] / 2, balloon.box[3] / 2
    edge = far / max(hypot(dx / rx, dy / ry), 0.01)
    short = 0.42 * balloon.face[2] if balloon.face else 16
    tip = min(max(far - short, edge + 16), edge + 130)
    ux, uy = dx / far, dy / far
    root, half = edge * 0.72, min(12.0, rx * 0.3)
    bend = 0.16 * (tip - root) * (1 if ux > 0 else -1)
    middle = (root + tip) / 2

    def at(along: float, side: float) -> Point:
        return x + ux * along - uy * side, y + uy * along + ux * side

    one = smooth([at(root, half), at(middle, half * 0.75 + bend), at(tip, 0)])
    two = smooth([at(tip, 0), at(middle, bend - half * 0.35), at(root, -half)])
    return one + two


def _shout(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    x, y = balloon.centre
    rx, ry = balloon.box[2] / 2, balloon.box[3] / 2
    outline = spiky(x, y, rx * 0.84, ry * 0.82, 17, 0.16, Random(seed))
    _bubble(pen, outline, _tail(balloon), style)
    _letter(pen, balloon, style, seed, style.balloon_ink)


def _whisper(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    x, y = balloon.centre
    outline = ring(x, y, balloon.box[2] / 2, balloon.box[3] / 2, style.balloon_squareness)
    tail = _tail(balloon)
    for shape in (outline, tail):
        if shape:
            pen.polygon(shape, style.balloon, line=0)
    for i in range(0, len(outline), 4):
        pen.stroke([outline[i], outline[(i + 1) % 72], outline[(i + 2) % 72]], 2.0, style.balloon_ink)
    if tail:
        pen.polygon(tail, style.balloon, line=0)
        pen.stroke(tail[2:-2], 1.6, style.balloon_ink)
    _letter(pen, balloon, style, seed, style.balloon_ink)


def _thought(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    x, y = balloon.centre
    rx, ry = balloon.box[2] / 2, balloon.box[3] / 2
    _bubble(pen, bumpy(x, y, rx * 0.98, ry * 0.98, 11, 0.05), [], style)
    for share, r in ((0.25, 9.0), (0.55, 6.5), (0.82, 4.5)):
        if balloon.target:
            spot = _along(balloon, share)
            _bubble(pen, ring(*spot, r, r), [], style)
    _letter(pen, balloon, style, seed, style.balloon_ink)


def _along(balloon: Balloon, share: float) -> Point:
    """Return a point between the balloon's edge and its thinker."""
    assert balloon.target
    x, y = balloon.centre
    dx, dy = balloon.target[0] - x, balloon.target[1] - y
    edge = 1 / max(hypot(dx / balloon.box[2] * 2, dy / balloon.box[3] * 2), 1.0)
    along = edge + (0.9 - edge) * share
    return x + dx * along, y + dy * along


def _caption(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    x, y, w, h = balloon.box
    pen.rect(x, y, w, h, style.caption, line=0)
    corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y), (x + w, y)]
    pen.stroke(corners, 2.2, style.caption_ink)
    _letter(pen, balloon, style, seed, style.caption_ink)


def _loud(pen: Pen, balloon: Balloon, style: Style, seed: str) -> None:
    """Draw sounds and titles: no balloon, heavy letters with a rim, sounds tilted."""
    hand = hand_of(balloon.words, style)
    x, y = balloon.centre
    high = hand.height * (LEADING * (len(balloon.lines) - 1) + 1)
    marks = strokes(balloon.lines, hand, x, y - high / 2, seed)
    if balloon.words.kind == "sound":
        marks = [[_turned(point, (x, y), -7) for point in mark] for mark in marks]
    width = hand.height * hand.weight
    ink(pen.image, marks, SCALE, width + 9, style.border_colour)
    ink(pen.image, marks, SCALE, width, style.sound)


def _turned(point: Point, centre: Point, angle: float) -> Point:
    dx, dy, a = point[0] - centre[0], point[1] - centre[1], radians(angle)
    return centre[0] + dx * cos(a) - dy * sin(a), centre[1] + dx * sin(a) + dy * cos(a)


DRAWN: dict[str, Callable[[Pen, Balloon, Style, str], None]] = {
    "speech": _speech,
    "shout": _shout,
    "whisper": _whisper,
    "thought": _thought,
    "caption": _caption,
    "title": _loud,
    "sound": _loud,
}


def moved(balloon: Balloon, dx: float, dy: float) -> Balloon:
    x, y, w, h = balloon.box
    target = balloon.target and (balloon.target[0] + dx, balloon.target[1] + dy)
    return replace(balloon, box=(x + dx, y + dy, w, h), target=target)
