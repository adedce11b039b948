"""Eyes, brows and mouths of each mood, for any head."""

from tools.sample_comics.draw.ink.curves import arc
from tools.sample_comics.draw.ink.pen import Pen


def eyes(pen: Pen, x: float, y: float, r: float, mood: str, gap: float = 0.36, size: float = 1.0) -> None:
    for side in (-1, 1):
        _eye(pen, x + side * gap * r, y, r * size, mood, side)


def _eye(pen: Pen, x: float, y: float, r: float, mood: str, side: int) -> None:
    thick = max(r * 0.07, 1.4)
    if mood == "happy":
        pen.stroke(arc(x, y + r * 0.04, r * 0.14, r * 0.14, 190, 350), thick)
    elif mood == "closed":
        pen.stroke(arc(x, y - r * 0.02, r * 0.14, r * 0.1, 10, 170), thick)
    elif mood == "shock":
        pen.circle(x, y, r * 0.2, "#ffffff", line=0.7)
        pen.circle(x, y, r * 0.07, pen.ink, line=0)
    else:
        pen.ellipse(x, y, r * 0.095, r * 0.125, pen.ink, line=0)
        pen.circle(x + r * 0.03, y - r * 0.045, r * 0.035, "#ffffff", line=0)
    _brow(pen, x, y - r * 0.3, r, mood, side, thick)


def _brow(pen: Pen, x: float, y: float, r: float, mood: str, side: int, thick: float) -> None:
    tilt = {"angry": 0.12, "sly": -0.03, "sad": -0.11, "shock": -0.03}.get(mood)
    if tilt is not None:
        lift = -0.08 * r if mood == "shock" or (mood == "sly" and side > 0) else 0
        inner, outer = (x - side * 0.15 * r, y + tilt * r + lift), (x + side * 0.15 * r, y - tilt * r + lift)
        pen.stroke([inner, outer], thick * 1.1)


def mouth(pen: Pen, x: float, y: float, r: float, mood: str, colour: str = "#a8433c") -> None:
    thick = max(r * 0.06, 1.4)
    if mood == "happy":
        pen.polygon(arc(x, y - r * 0.05, r * 0.22, r * 0.24, 0, 180), colour, line=0.8)
    elif mood == "shock":
        pen.ellipse(x, y + r * 0.05, r * 0.12, r * 0.17, colour, line=0.8)
    elif mood in {"sad", "angry"}:
        pen.stroke(arc(x, y + r * 0.14, r * 0.18, r * 0.13, 200, 340), thick)
    elif mood == "sly":
        pen.curve([(x - r * 0.18, y + r * 0.04), (x, y + r * 0.06), (x + r * 0.22, y - r * 0.07)], thick)
    else:
        pen.stroke(arc(x, y - r * 0.06, r * 0.17, r * 0.11, 25, 155), thick)


def cheeks(pen: Pen, x: float, y: float, r: float, colour: str = "#f08f7d") -> None:
    for side in (-1, 1):
        pen.veil(arc(x + side * 0.58 * r, y, r * 0.15, r * 0.1, 0, 360), colour, 0.45)
