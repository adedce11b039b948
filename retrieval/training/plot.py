"""The losses of a training as a small SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 720, 360, 48
COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8d6a9f", "#b08968", "#6c757d")

Points = Sequence[tuple[float, float]]


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
        across = MARGIN + (x - left) / span * (WIDTH - 4 * MARGIN)
        return f"{across:.1f},{HEIGHT - MARGIN - y / top * (HEIGHT - 2 * MARGIN):.1f}"

    parts = [_frame(title, left, max(xs), top)]
    for (name, points), colour, row in zip(lines.items(), COLOURS, range(len(COLOURS)), strict=False):
        where = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for across, down in (point.split(",") for point in where.split()):  # one epoch alone makes no line
            parts.append(f'<circle cx="{across}" cy="{down}" r="2.5" fill="{colour}"/>')
        last = f"{points[-1][1]:.3f}"
        height = MARGIN + 18 * row
        parts.append(f'<text x="{WIDTH - 3 * MARGIN + 12}" y="{height}" fill="{colour}">{escape(name)} {last}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return "\n".join(
        [
            f'{head} font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _frame(title: str, left: float, right: float, top: float) -> str:
    base, end = HEIGHT - MARGIN, WIDTH - 3 * MARGIN
    axes = f'<path d="M{MARGIN} {MARGIN}V{base}H{end}" fill="none" stroke="#444"/>'
    words = (
        (MARGIN, 24, "start", title),
        (MARGIN - 6, MARGIN + 4, "end", f"{top:.3g}"),
        (MARGIN - 6, base + 4, "end", "0"),
        (MARGIN, base + 18, "middle", f"{left:g}"),
        (end, base + 18, "middle", f"{right:g}"),
        ((MARGIN + end) // 2, base + 34, "middle", "epoch"),
    )
    texts = [f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>' for x, y, anchor, text in words]
    return "\n".join([axes, *texts])
