"""Points along curves."""

from collections.abc import Sequence
from math import copysign, cos, pi, sin
from random import Random

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # x, y, width, height


def smooth(points: Sequence[Point], closed: bool = False, steps: int = 8) -> list[Point]:
    """Return a Catmull-Rom curve through every point."""
    if len(points) < 3:
        return list(points)
    last = len(points)
    ends = [*points, points[0]] if closed else list(points)
    curve = [ends[0]]
    for i in range(len(ends) - 1):
        before = points[i - 1] if i or closed else points[0]
        after = points[(i + 2) % last] if closed or i + 2 < last else points[-1]
        curve += [_between(before, ends[i], ends[i + 1], after, k / steps) for k in range(1, steps + 1)]
    return curve


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    weights = (
        -0.5 * t**3 + t**2 - 0.5 * t,
        1.5 * t**3 - 2.5 * t**2 + 1,
        -1.5 * t**3 + 2 * t**2 + 0.5 * t,
        0.5 * t**3 - 0.5 * t**2,
    )
    x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
    return x, y


def ring(x: float, y: float, rx: float, ry: float, squareness: float = 2.0, count: int = 72) -> list[Point]:
    """Return a superellipse: 2 is an ellipse, larger is closer to a rectangle."""
    power = 2 / squareness

    def bent(value: float) -> float:
        return copysign(abs(value) ** power, value)

    angles = (2 * pi * i / count for i in range(count))
    return [(x + rx * bent(cos(a)), y + ry * bent(sin(a))) for a in angles]


def arc(x: float, y: float, rx: float, ry: float, start: float, stop: float, count: int = 16) -> list[Point]:
    """Return an arc; angles in degrees, clockwise on the page from three o'clock."""
    angles = (pi * (start + (stop - start) * i / count) / 180 for i in range(count + 1))
    return [(x + rx * cos(a), y + ry * sin(a)) for a in angles]


def bumpy(x: float, y: float, rx: float, ry: float, bumps: int, depth: float) -> list[Point]:
    """Return a cloud outline: lobes around an ellipse."""
    count = bumps * 10
    outline = []
    for i in range(count):
        angle = 2 * pi * i / count
        reach = 1 - depth + depth * 2 * abs(sin(angle * bumps / 2))
        outline.append((x + rx * reach * cos(angle), y + ry * reach * sin(angle)))
    return outline


def spiky(x: float, y: float, rx: float, ry: float, spikes: int, depth: float, random: Random) -> list[Point]:
    outline = []
    for i in range(spikes * 2):
        angle = pi * i / spikes
        reach = 1 + depth * (0.5 + random.random()) if i % 2 else 1.0
        outline.append((x + rx * reach * cos(angle), y + ry * reach * sin(angle)))
    return outline


def bounds(points: Sequence[Point]) -> Box:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
