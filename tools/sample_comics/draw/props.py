"""Things: held in a hand, lying about, or filling a close-up. Each fits a square of `size` around its centre."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

from tools.sample_comics.draw.ink.colour import lighter
from tools.sample_comics.draw.ink.curves import Point, arc, bumpy, ring, smooth
from tools.sample_comics.draw.ink.pen import Pen


@dataclass(frozen=True)
class Spot:
    pen: Pen
    x: float
    y: float
    size: float
    side: int

    def p(self, u: float, v: float) -> Point:
        """Return a point in pixels; u to the right, v down, both from -0.5 to 0.5."""
        return self.x + u * self.size * self.side, self.y + v * self.size

    def points(self, *pairs: Point) -> list[Point]:
        return [self.p(u, v) for u, v in pairs]

    def blob(self, colour: str, *pairs: Point, line: float = 1.0) -> None:
        self.pen.blob(self.points(*pairs), colour, line)

    def polygon(self, colour: str, *pairs: Point, line: float = 1.0) -> None:
        self.pen.polygon(self.points(*pairs), colour, line)

    def circle(self, colour: str, u: float, v: float, r: float, line: float = 1.0) -> None:
        self.pen.circle(*self.p(u, v), r * self.size, colour, line)

    def line(self, width: float, *pairs: Point, colour: str | None = None) -> None:
        self.pen.curve(self.points(*pairs), max(width * self.size, 1.4), colour)

    def steam(self, u: float, v: float) -> None:
        for i in (-0.12, 0.06, 0.2):
            path = ((u + i, v), (u + i + 0.06, v - 0.12), (u + i - 0.04, v - 0.24), (u + i + 0.04, v - 0.38))
            self.line(0.03, *path, colour="#f4f6f2")


def draw_prop(pen: Pen, name: str, x: float, y: float, size: float, side: int = 1) -> None:
    PROPS[name](Spot(pen, x, y, size, side))


def _lantern(s: Spot) -> None:
    s.pen.glow(*s.p(0, 0.1), s.size * 1.6, "#ffd98a", 0.55)
    s.line(0.04, (-0.16, -0.2), (0, -0.48), (0.16, -0.2))
    s.polygon("#8a5a3a", (-0.2, -0.2), (0.2, -0.2), (0.12, -0.32), (-0.12, -0.32))
    s.polygon("#ffe9a8", (-0.17, -0.2), (0.17, -0.2), (0.2, 0.3), (-0.2, 0.3))
    s.blob("#ff9d3c", (0, -0.08), (0.09, 0.12), (0, 0.22), (-0.09, 0.12), line=0)
    s.polygon("#8a5a3a", (-0.25, 0.3), (0.25, 0.3), (0.25, 0.42), (-0.25, 0.42))


def _jar(s: Spot) -> None:
    s.pen.glow(*s.p(0, 0.05), s.size * 1.8, "#a6ffe0", 0.6)
    s.blob("#d9fff2", (-0.26, -0.2), (-0.3, 0.2), (-0.2, 0.42), (0.2, 0.42), (0.3, 0.2), (0.26, -0.2))
    for i in range(7):
        s.circle("#58d8b0", 0.17 * sin(i * 2.4), 0.12 + 0.18 * cos(i * 1.7), 0.045, line=0)
    s.polygon("#c98b4b", (-0.24, -0.36), (0.24, -0.36), (0.24, -0.2), (-0.24, -0.2))


def _teacup(s: Spot) -> None:
    s.pen.ellipse(*s.p(0, 0.36), s.size * 0.46, s.size * 0.08, "#e8e2d2")
    s.pen.stroke(arc(*s.p(0.34, 0.08), s.size * 0.14, s.size * 0.14, -110, 120), s.size * 0.06)
    s.blob("#f7f3e6", (-0.36, -0.12), (-0.3, 0.2), (-0.14, 0.34), (0.14, 0.34), (0.3, 0.2), (0.36, -0.12))
    s.pen.ellipse(*s.p(0, -0.12), s.size * 0.36, s.size * 0.09, "#a9632f")
    s.line(0.05, (-0.31, 0.1), (0, 0.17), (0.31, 0.1), colour="#d9653b")
    s.steam(0, -0.2)


def _kettle(s: Spot) -> None:
    s.pen.stroke(arc(*s.p(0, -0.12), s.size * 0.28, s.size * 0.3, 190, 350), s.size * 0.06)
    s.polygon("#c8553d", (0.25, 0.1), (0.5, -0.16), (0.44, -0.24), (0.2, -0.08))
    s.blob("#c8553d", (-0.38, 0.2), (-0.3, -0.1), (0, -0.22), (0.3, -0.1), (0.38, 0.2), (0.28, 0.38), (-0.28, 0.38))
    s.circle("#2b2330", 0, -0.26, 0.05)
    s.line(0.04, (-0.26, 0.1), (-0.2, -0.04), (-0.08, -0.12), colour="#f0a58a")


def _key(s: Spot) -> None:
    """Draw a piano key, ivory with a cracked edge."""
    s.polygon("#fbf7ea", (-0.1, -0.48), (0.14, -0.48), (0.14, 0.48), (-0.14, 0.48), (-0.14, -0.05), (-0.1, -0.1))
    s.line(0.02, (-0.06, -0.44), (-0.06, 0.1), colour="#c9c2ae")
    s.line(0.02, (0.14, 0.2), (0.04, 0.16), (0.08, 0.06))


def _hammer(s: Spot) -> None:
    """Draw a felt hammer out of a piano, split along the wood."""
    s.line(0.07, (-0.4, 0.4), (0.18, -0.16))
    s.line(0.045, (-0.4, 0.4), (0.18, -0.16), colour="#b5814e")
    s.blob("#efe7d4", (0.02, -0.3), (0.24, -0.48), (0.42, -0.3), (0.36, -0.04), (0.16, 0.0))
    s.polygon("#8c5b3c", (0.04, -0.24), (0.14, -0.32), (0.28, -0.06), (0.18, -0.02))
    s.line(0.025, (-0.16, 0.2), (-0.02, 0.02), (-0.06, -0.04))


def _clock(s: Spot) -> None:
    s.circle("#e9dfc4", 0, 0, 0.45)
    s.circle("#fdf9ec", 0, 0, 0.37, line=0.7)
    for i in range(12):
        a = i * pi / 6
        s.circle("#2a2d3d", 0.31 * cos(a), 0.31 * sin(a), 0.022, line=0)
    s.line(0.04, (0, 0), (-0.1, -0.2))
    s.line(0.03, (0, 0), (0.02, -0.3))


def _umbrella(s: Spot) -> None:
    """Draw an umbrella held by its handle, with the dome over the head."""
    s.line(0.05, (0, 0.25), (-0.5, -3.3))
    s.line(0.05, (0, 0.2), (0.06, 0.34), (0.14, 0.26))
    dome = smooth(s.points((-2.2, -2.35), (-1.75, -3.15), (-0.5, -3.55), (0.75, -3.15), (1.2, -2.35)))
    hem = [s.p(1.2 - 3.4 * i / 24, -2.35 - 0.2 * abs(sin(i / 24 * 4 * pi))) for i in range(25)]
    s.pen.polygon([*dome, *hem], "#d8483e")
    for u in (-1.35, -0.5, 0.35):
        s.line(0.03, (u, -2.45), (u * 0.6 - 0.2, -3.15), (-0.5, -3.55))


def _ticket(s: Spot) -> None:
    s.polygon("#f6e7b4", (-0.48, -0.2), (0.48, -0.28), (0.48, 0.2), (-0.48, 0.28))
    s.line(0.02, (-0.36, -0.06), (0.1, -0.1))
    s.line(0.02, (-0.36, 0.08), (0.0, 0.05))
    s.circle("#c8553d", 0.3, -0.03, 0.1, line=0.6)
    s.line(0.015, (0.16, -0.22), (0.16, 0.22))


def _letter(s: Spot) -> None:
    s.polygon("#fbf5e3", (-0.45, -0.3), (0.45, -0.3), (0.45, 0.3), (-0.45, 0.3))
    s.line(0.025, (-0.45, -0.3), (0, 0.06), (0.45, -0.3))
    s.circle("#c23b3b", 0, 0.08, 0.08, line=0.7)


def _glass(s: Spot) -> None:
    """Draw a magnifying glass."""
    s.line(0.12, (-0.42, 0.42), (-0.1, 0.1))
    s.circle("#d8eef5", 0.14, -0.14, 0.3, line=1.6)
    s.line(0.04, (0.0, -0.22), (0.08, -0.32), (0.2, -0.35), colour="#ffffff")


def _wrench(s: Spot) -> None:
    s.line(0.16, (-0.3, 0.34), (0.2, -0.2))
    s.line(0.11, (-0.3, 0.34), (0.2, -0.2), colour="#c9d2dc")
    s.polygon("#c9d2dc", (0.08, -0.2), (0.12, -0.44), (0.26, -0.34), (0.36, -0.46), (0.46, -0.2), (0.24, -0.04))


def _plant(s: Spot) -> None:
    for u, lean in ((-0.1, -0.3), (0.0, 0.04), (0.1, 0.3)):
        s.line(0.03, (u, 0.15), (u + lean * 0.5, -0.1), (u + lean, -0.28), colour="#4f8f4a")
        s.blob("#6dbb5e", (u + lean, -0.46), (u + lean + 0.12, -0.3), (u + lean, -0.16), (u + lean - 0.12, -0.3))
    s.polygon("#c8704a", (-0.24, 0.12), (0.24, 0.12), (0.17, 0.46), (-0.17, 0.46))


def _flower(s: Spot) -> None:
    s.line(0.04, (0, 0.48), (0.05, 0.2), (0, -0.1), colour="#4f8f4a")
    s.blob("#6dbb5e", (0.02, 0.3), (0.2, 0.14), (0.26, 0.2), (0.12, 0.34))
    for i in range(6):
        a = i * pi / 3
        s.circle("#f7b7c8", 0.17 * cos(a), -0.22 + 0.17 * sin(a), 0.12)
    s.circle("#ffd23f", 0, -0.22, 0.12)


def _note(s: Spot) -> None:
    s.line(0.05, (0.14, 0.3), (0.14, -0.4))
    s.line(0.09, (0.14, -0.4), (0.34, -0.28), (0.3, -0.1))
    s.blob(s.pen.ink, (-0.12, 0.34), (0.0, 0.2), (0.17, 0.26), (0.06, 0.42))


def _leaf(s: Spot) -> None:
    s.blob("#e08a3a", (-0.44, 0.3), (-0.26, -0.2), (0.42, -0.42), (0.3, 0.2))
    s.line(0.025, (-0.48, 0.4), (-0.1, 0.06), (0.36, -0.36))


def _snowflake(s: Spot) -> None:
    for i in range(6):
        a = i * pi / 3 + 0.2
        tip = (0.45 * cos(a), 0.45 * sin(a))
        s.line(0.035, (0, 0), tip, colour="#ffffff")
        for turn in (-0.4, 0.4):
            s.line(0.03, (tip[0] * 0.6, tip[1] * 0.6), (0.42 * cos(a + turn), 0.42 * sin(a + turn)), colour="#ffffff")


def _snowbear(s: Spot) -> None:
    """Draw a snowman with ears."""
    s.circle("#f7fafc", 0, 0.24, 0.27)
    s.circle("#f7fafc", 0, -0.14, 0.19)
    for u in (-0.13, 0.13):
        s.circle("#f7fafc", u, -0.31, 0.06)
        s.circle("#39405a", u * 0.55, -0.17, 0.02, line=0)
    s.polygon("#f08a3c", (0, -0.13), (0.16, -0.09), (0, -0.06), line=0.6)
    s.line(0.03, (-0.24, 0.1), (-0.46, -0.06))
    s.line(0.03, (0.24, 0.1), (0.46, -0.06))


def _sled(s: Spot) -> None:
    s.line(0.05, (-0.5, 0.3), (0.36, 0.3), (0.5, 0.1), colour="#8a5a3a")
    for u in (-0.3, 0.2):
        s.line(0.05, (u, 0.28), (u, 0.12), colour="#8a5a3a")
    s.polygon("#d86a4a", (-0.46, 0.04), (0.42, 0.04), (0.38, 0.13), (-0.42, 0.13))


def _honey(s: Spot) -> None:
    s.blob("#e9a93a", (-0.3, -0.14), (-0.36, 0.16), (-0.22, 0.42), (0.22, 0.42), (0.36, 0.16), (0.3, -0.14))
    s.polygon("#f6e7c8", (-0.3, -0.3), (0.3, -0.3), (0.34, -0.14), (-0.34, -0.14))
    s.pen.panel(*s.p(0, 0.16), s.size * 0.4, s.size * 0.22, "#fff6da", line=0.7)


def _shell(s: Spot) -> None:
    s.blob("#f6c9b6", (-0.4, 0.2), (-0.3, -0.2), (0, -0.4), (0.3, -0.2), (0.4, 0.2), (0.1, 0.34), (-0.1, 0.34))
    for u in (-0.22, 0, 0.22):
        s.line(0.02, (u * 0.3, 0.3), (u * 1.1, -0.2))


def _fish(s: Spot) -> None:
    s.polygon("#7fb3c9", (-0.28, 0), (-0.5, -0.2), (-0.5, 0.2))
    s.blob("#9ccfe0", (-0.34, 0), (0, -0.2), (0.4, -0.06), (0.46, 0.02), (0.3, 0.12), (0, 0.2))
    s.circle("#16203a", 0.3, -0.03, 0.03, line=0)


def _lens(s: Spot) -> None:
    """Draw the great lens of a lighthouse."""
    s.pen.ellipse(*s.p(0, 0), s.size * 0.34, s.size * 0.48, "#bfe6e6")
    for r in (0.27, 0.2, 0.12):
        s.pen.polygon(ring(*s.p(0, 0), s.size * r, s.size * r * 1.4), lighter("#9fd3d6", r), line=0.7)
    s.line(0.03, (-0.2, -0.26), (-0.26, 0.0), (-0.2, 0.2), colour="#ffffff")


def _radio(s: Spot) -> None:
    s.line(0.03, (0.3, -0.2), (0.44, -0.5))
    s.pen.panel(*s.p(0, 0.1), s.size * 0.9, s.size * 0.6, "#3e7c86")
    s.circle("#20324a", -0.2, 0.1, 0.19)
    for v in (0.0, 0.1, 0.2):
        s.line(0.025, (-0.32, v), (-0.08, v), colour="#cfe8e0")
    s.circle("#ffd23f", 0.24, 0.0, 0.08)
    s.circle("#ff7b5a", 0.24, 0.22, 0.06)


def _star(s: Spot) -> None:
    s.pen.glow(s.x, s.y, s.size * 0.9, "#fff3b8", 0.7)
    spikes = [
        (0.45 * cos(a), 0.45 * sin(a)) if i % 2 == 0 else (0.19 * cos(a), 0.19 * sin(a))
        for i, a in ((i, i * pi / 5 - pi / 2) for i in range(10))
    ]
    s.polygon("#ffe27a", *spikes)


def _footprints(s: Spot) -> None:
    for i in range(4):
        u, v = -0.4 + i * 0.26, (0.14 if i % 2 else -0.08) - i * 0.05
        s.pen.ellipse(*s.p(u, v), s.size * 0.055, s.size * 0.048, "#4a5470", line=0)
        for k in (-1.5, -0.5, 0.5, 1.5):
            s.circle("#4a5470", u + 0.1 * cos(k * 0.5), v + 0.1 * sin(k * 0.5), 0.02, line=0)


def _rings(s: Spot) -> None:
    """Draw wet marks of suckers on a floor."""
    for u, v, r in ((-0.42, 0.1, 0.13), (-0.1, -0.04, 0.1), (0.14, 0.16, 0.14), (0.44, 0.0, 0.09), (-0.16, 0.28, 0.07)):
        s.pen.ellipse(*s.p(u, v), s.size * r, s.size * r * 0.5, "#7fb3c9", line=0.8)
        s.pen.ellipse(*s.p(u, v), s.size * r * 0.6, s.size * r * 0.28, "#9c6b44", line=0.6)


def _notice(s: Spot) -> None:
    """Draw a sign on a post, its words worn away."""
    s.line(0.05, (0, 0.5), (0, 0.0))
    s.pen.panel(*s.p(0, -0.16), s.size * 0.86, s.size * 0.5, "#f2e2b0")
    for v, w in ((-0.28, 0.3), (-0.16, 0.34), (-0.04, 0.22)):
        s.line(0.025, (-w, v), (w, v), colour="#8b7a58")


def _bed(s: Spot) -> None:
    """Draw heaped leaves and a quilt."""
    s.blob("#b9854f", (-0.95, 0.3), (-0.7, 0.0), (0, -0.05), (0.75, 0.05), (0.95, 0.3), (0, 0.4))
    s.blob("#c9566b", (-0.4, 0.28), (-0.3, -0.08), (0.3, -0.14), (0.8, 0.06), (0.86, 0.3))
    for u in (-0.1, 0.2, 0.5):
        s.line(0.03, (u, -0.06), (u + 0.06, 0.28), colour="#f3d6c2")


def _piano(s: Spot) -> None:
    """Draw a grand piano from the side, lid up."""
    s.polygon("#14161f", (-0.72, -0.22), (0.2, -0.86), (0.7, -0.62), (0.62, -0.22))
    s.line(0.03, (0.3, -0.2), (0.36, -0.66), colour="#55596a")
    s.blob("#23262f", (-0.9, 0.12), (-0.88, -0.18), (0.0, -0.24), (0.85, -0.2), (0.9, 0.05), (0.3, 0.16))
    s.polygon("#fdfaf0", (-1.0, -0.02), (-0.56, -0.02), (-0.56, 0.05), (-1.0, 0.05))
    for i in range(6):
        s.polygon(
            "#101218",
            (-0.97 + i * 0.07, -0.02),
            (-0.94 + i * 0.07, -0.02),
            (-0.94 + i * 0.07, 0.02),
            (-0.97 + i * 0.07, 0.02),
            line=0,
        )
    for u in (-0.72, 0.0, 0.7):
        s.polygon("#14161f", (u - 0.04, 0.1), (u + 0.04, 0.1), (u + 0.02, 0.5), (u - 0.02, 0.5))


def _keyboard(s: Spot) -> None:
    """Draw piano keys from above, one of them missing."""
    for i in range(11):
        left = -0.9 + i * 0.164
        colour = "#0f1118" if i == 6 else "#fbf8ee"
        s.polygon(colour, (left, -0.3), (left + 0.164, -0.3), (left + 0.164, 0.5), (left, 0.5))
    for i in (0, 1, 3, 4, 7, 8):
        left = -0.9 + (i + 0.7) * 0.164
        s.polygon("#15171f", (left, -0.3), (left + 0.1, -0.3), (left + 0.1, 0.16), (left, 0.16))
    s.polygon("#2c2f3a", (-1.0, -0.44), (1.0, -0.44), (1.0, -0.3), (-1.0, -0.3))


def _puddle(s: Spot) -> None:
    s.pen.polygon(bumpy(s.x, s.y, s.size * 0.6, s.size * 0.16, 7, 0.08), "#5f7f9c", line=0.8)
    s.pen.stroke(arc(s.x, s.y, s.size * 0.3, s.size * 0.07, 190, 330), 2.0, "#dcebf2")


def _smoke(s: Spot) -> None:
    for u, v, r in ((0, 0.3, 0.16), (0.14, 0.08, 0.2), (-0.04, -0.2, 0.24)):
        s.pen.polygon(bumpy(*s.p(u, v), s.size * r, s.size * r * 0.8, 7, 0.08), "#cfd4da", line=0.7)


def _bus(s: Spot) -> None:
    """Draw an old round-nosed bus with lit windows."""
    s.pen.glow(*s.p(1.0, 0.25), s.size * 1.1, "#fff2c0", 0.7)
    s.pen.polygon(ring(*s.p(0, 0), s.size * 0.95, s.size * 0.42, squareness=6), "#d8604a")
    s.polygon("#f4ead2", (-0.94, 0.05), (0.94, 0.05), (0.94, 0.2), (-0.94, 0.2))
    for i in range(5):
        s.pen.panel(*s.p(-0.7 + i * 0.34, -0.16), s.size * 0.27, s.size * 0.26, "#fff0b8")
    for u in (-0.55, 0.55):
        s.circle("#23262f", u, 0.42, 0.17)
        s.circle("#aab0bd", u, 0.42, 0.07, line=0.6)
    s.circle("#fffbe0", 0.92, 0.24, 0.07)


def _house(s: Spot) -> None:
    s.polygon("#f4ead2", (-0.4, -0.05), (0.4, -0.05), (0.4, 0.5), (-0.4, 0.5))
    s.polygon("#c8553d", (-0.5, -0.02), (0, -0.5), (0.5, -0.02))
    s.polygon("#7a4a35", (-0.08, 0.5), (-0.08, 0.18), (0.12, 0.18), (0.12, 0.5))
    s.pen.panel(*s.p(-0.24, 0.16), s.size * 0.16, s.size * 0.16, "#ffe9a0")


def _shuttle(s: Spot) -> None:
    s.pen.glow(*s.p(-0.7, 0.0), s.size * 0.6, "#ffb46a", 0.8)
    s.polygon("#e4572e", (-0.45, -0.12), (-0.75, -0.34), (-0.3, -0.16))
    s.polygon("#e4572e", (-0.45, 0.12), (-0.75, 0.34), (-0.3, 0.16))
    s.blob("#eef1ea", (-0.6, 0.14), (-0.6, -0.14), (0.1, -0.2), (0.66, 0.0), (0.1, 0.2))
    s.circle("#2b4c7e", 0.24, -0.02, 0.1)


def _pipe(s: Spot) -> None:
    """Draw a burst pipe, dripping tea."""
    s.line(0.22, (-0.5, -0.1), (0.5, -0.1))
    s.line(0.17, (-0.5, -0.1), (0.5, -0.1), colour="#8d99a8")
    for u in (-0.2, 0.2):
        s.polygon("#6b7788", (u - 0.05, -0.24), (u + 0.05, -0.24), (u + 0.05, 0.04), (u - 0.05, 0.04))
    for v in (0.16, 0.3, 0.44):
        s.circle("#b5703a", 0.0, v, 0.04, line=0.6)


def _sailboat(s: Spot) -> None:
    s.line(0.05, (0, 0.25), (0, -0.5))
    s.polygon("#f4ead2", (0.04, -0.48), (0.42, 0.14), (0.04, 0.14))
    s.polygon("#d8604a", (-0.04, -0.36), (-0.3, 0.14), (-0.04, 0.14))
    s.blob("#7a4a35", (-0.46, 0.2), (0, 0.25), (0.46, 0.2), (0.3, 0.46), (-0.3, 0.46))


PROPS: dict[str, Callable[[Spot], None]] = {
    name.removeprefix("_"): draw
    for name, draw in globals().items()
    if name.startswith("_") and not name.startswith("__") and callable(draw)
}
