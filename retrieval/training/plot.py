"""The losses of a training as a small SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

WIDTH, HEIGHT, MARGIN = 720, 360, 48
"""Size of the plot in its own units; the browser scales it."""

BASE, END = HEIGHT - MARGIN, WIDTH - 3 * MARGIN
"""y of the horizontal axis, and x of its right end; the names of the lines stand to the right of it."""

COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8d6a9f", "#b08968", "#6c757d")

Points = Sequence[tuple[float, float]]


class _Curve(NamedTuple):
    """A line of the plot. points: "x,y" in its units. last: the last value, as text."""

    name: str
    points: list[str]
    colour: str
    last: str


class _Label(NamedTuple):
    """A text at (x, y) of the plot. anchor: start, middle or end."""

    x: int
    y: int
    anchor: str
    text: str


def loss_plot(metrics: Sequence[Mapping[str, Any]], title: str) -> str:
    """Return an SVG of the losses over epochs: training, its parts, and validation."""
    epochs = [row for row in metrics if row["kind"] == "epoch"]
    lines: dict[str, Points] = {
        "validation": [(row["epoch"], row["validation"]["total"]) for row in epochs if row["validation"]]
    }
    parts = dict.fromkeys(part for row in epochs for part in row["training"])
    for part in sorted(parts, key=lambda part: part != "total"):
        name = "training" if part == "total" else part.replace("_", " ")
        lines[name] = [(row["epoch"], row["training"][part]) for row in epochs if row["training"]]
    return draw({name: points for name, points in lines.items() if any(y for _, y in points)}, title)


def draw(lines: Mapping[str, Points], title: str) -> str:
    """Return an SVG of named lines over a common x axis, with the y axis from 0."""
    xs = [x for points in lines.values() for x, _ in points] or [0.0]
    top = max((y for points in lines.values() for _, y in points), default=0.0) or 1.0
    left, span = min(xs), (max(xs) - min(xs)) or 1.0

    def place(x: float, y: float) -> str:
        across = MARGIN + (x - left) / span * (END - MARGIN)
        return f"{across:.1f},{BASE - y / top * (BASE - MARGIN):.1f}"

    curves = [
        _Curve(name, [place(x, y) for x, y in points], colour, f"{points[-1][1]:.3f}")
        for (name, points), colour in zip(lines.items(), COLOURS, strict=False)
    ]
    labels = _labels(title, left, max(xs), top)
    sizes = {"width": WIDTH, "height": HEIGHT, "margin": MARGIN, "base": BASE, "end": END}
    return _template().render(curves=curves, labels=labels, **sizes)


def _labels(title: str, left: float, right: float, top: float) -> list[_Label]:
    return [
        _Label(MARGIN, 24, "start", title),
        _Label(MARGIN - 6, MARGIN + 4, "end", f"{top:.3g}"),
        _Label(MARGIN - 6, BASE + 4, "end", "0"),
        _Label(MARGIN, BASE + 18, "middle", f"{left:g}"),
        _Label(END, BASE + 18, "middle", f"{right:g}"),
        _Label((MARGIN + END) // 2, BASE + 34, "middle", "epoch"),
    ]


@lru_cache(maxsize=1)
def _template() -> Template:
    """Return the template of the plot. Every value is escaped."""
    loader = PackageLoader("retrieval.training", ".")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("losses.svg.jinja")
