"""Rain and snow in front of the cast."""

from collections.abc import Callable

from tools.sample_comics.draw.ink.pen import Pen


def _rain(pen: Pen) -> None:
    """Draw rain: pale streaks with a thin dark edge, visible on any ground."""
    for _ in range(int(pen.width * pen.height / 2600)):
        x, y = pen.random.random() * pen.width, pen.random.random() * pen.height
        long = pen.random.uniform(12, 34)
        pen.stroke([(x + 1.4, y), (x + 1.4 - long * 0.28, y + long)], 0.8, "#3a4256")
        pen.stroke([(x, y), (x - long * 0.28, y + long)], 1.5, "#eef4f8")


def _snow(pen: Pen) -> None:
    for _ in range(int(pen.width * pen.height / 3600)):
        x, y = pen.random.random() * pen.width, pen.random.random() * pen.height
        pen.circle(x, y, pen.random.choice((1.6, 2.4, 3.4)), "#ffffff", line=0)


def _leaves(pen: Pen) -> None:
    for _ in range(int(pen.width * pen.height / 14000)):
        x, y = pen.random.random() * pen.width, pen.random.random() * pen.height
        colour = pen.random.choice(("#e08a3a", "#c9566b", "#e8b84a"))
        pen.blob([(x, y), (x + 8, y - 5), (x + 13, y + 2), (x + 5, y + 6)], colour, line=0)


def _sparks(pen: Pen) -> None:
    for _ in range(14):
        x, y = pen.random.random() * pen.width, pen.random.random() * pen.height
        pen.glow(x, y, pen.random.uniform(8, 22), "#ffe9a0", 0.9)


WEATHER: dict[str, Callable[[Pen], None]] = {"rain": _rain, "snow": _snow, "leaves": _leaves, "sparks": _sparks}
