"""Skies: a gradient for the hour, with stars, a moon or clouds."""

from tools.sample_comics.draw.ink.colour import lighter, mix
from tools.sample_comics.draw.ink.curves import bumpy
from tools.sample_comics.draw.ink.pen import Pen

SKIES = {
    "day": ("#5fb4e0", "#d6eff2"),
    "dawn": ("#6f8fcb", "#fcd3a8"),
    "dusk": ("#43356f", "#f59a68"),
    "night": ("#0b1433", "#2f477c"),
    "storm": ("#1e2638", "#64758a"),
    "rain": ("#6d7f93", "#b6c3c9"),
    "snow": ("#a9bfd8", "#eef4f7"),
    "autumn": ("#8fc1cf", "#fbe7bd"),
    "spring": ("#8fd0e6", "#f3f7d9"),
    "void": ("#050918", "#101a3c"),
}

GROUNDS = {"day": 0.0, "dawn": 0.12, "dusk": 0.35, "night": 0.6, "storm": 0.45, "rain": 0.22, "void": 0.7}


def dimmed(colour: str, tint: str) -> str:
    """Return a colour of daylight at this hour."""
    return mix(colour, SKIES[tint][0], GROUNDS.get(tint, 0.05))


def is_dark(tint: str) -> bool:
    return tint in {"night", "void"}


def sky(pen: Pen, tint: str, low: float, moon: float = -1.0) -> None:
    """Draw a sky down to the height `low`; `moon` is its place across the panel, or None."""
    pen.gradient(*SKIES[tint])
    pen.gradient(*SKIES[tint], 0, low)
    if is_dark(tint):
        stars(pen, low)
    elif tint in {"day", "dawn", "dusk", "storm", "autumn", "spring"}:
        clouds(pen, tint, low)
    if moon >= 0:
        disc(pen, moon * pen.width, low * 0.34, min(pen.width, pen.height) * 0.1, tint)


def stars(pen: Pen, low: float) -> None:
    for _ in range(int(pen.width * low / 2600)):
        x, y = pen.random.random() * pen.width, pen.random.random() ** 1.3 * low
        pen.circle(x, y, pen.random.choice((0.9, 1.2, 1.9)), "#f4f1d8", line=0)


def disc(pen: Pen, x: float, y: float, r: float, tint: str) -> None:
    """Draw the moon, or by day the sun."""
    bright = "#f6f0d0" if is_dark(tint) or tint == "storm" else "#fff2b0"
    pen.glow(x, y, r * 3.2, bright, 0.5)
    pen.circle(x, y, r, bright, line=0)
    if is_dark(tint):
        pen.circle(x - r * 0.3, y - r * 0.1, r * 0.2, "#ddd5b0", line=0)
        pen.circle(x + r * 0.25, y + r * 0.35, r * 0.14, "#ddd5b0", line=0)


def clouds(pen: Pen, tint: str, low: float) -> None:
    colour = lighter(SKIES[tint][1], 0.45) if tint != "storm" else mix(*SKIES[tint], 0.3)
    for _ in range(max(2, int(pen.width / 190))):
        x, y = pen.random.random() * pen.width, (0.08 + 0.6 * pen.random.random()) * low
        wide = pen.width * (0.07 + 0.09 * pen.random.random())
        pen.veil(bumpy(x, y, wide, min(wide * 0.3, low * 0.12), 7, 0.12), colour, 0.75)
