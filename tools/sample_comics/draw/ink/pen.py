"""A pen on one picture. Callers think in final pixels; the picture is drawn SCALE times larger."""

from collections.abc import Sequence
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from tools.sample_comics.draw.ink.colour import rgb
from tools.sample_comics.draw.ink.curves import Point, bounds, ring, smooth

SCALE = 2


class Pen:
    """Filled shapes get an ink outline of `line` times the style's width; `line=0` leaves it out."""

    def __init__(self, width: float, height: float, ink: str, line: float, seed: str) -> None:
        self.width, self.height = width, height
        self.ink, self.line = ink, line
        self.image = Image.new("RGB", (round(width * SCALE), round(height * SCALE)), "#ffffff")
        self.draw = ImageDraw.Draw(self.image)
        self.random = Random(seed)

    def polygon(self, points: Sequence[Point], colour: str, line: float = 1.0) -> None:
        self.draw.polygon(_scaled(points), fill=colour)
        if line and self.line:
            self.stroke([*points, points[0], points[1]], self.line * line)

    def blob(self, points: Sequence[Point], colour: str, line: float = 1.0) -> None:
        self.polygon(smooth(points, closed=True), colour, line)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: str, line: float = 1.0) -> None:
        self.polygon(ring(x, y, rx, ry, count=48), colour, line)

    def circle(self, x: float, y: float, r: float, colour: str, line: float = 1.0) -> None:
        self.ellipse(x, y, r, r, colour, line)

    def rect(self, x: float, y: float, w: float, h: float, colour: str, line: float = 1.0) -> None:
        self.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour, line)

    def panel(self, x: float, y: float, w: float, h: float, colour: str, line: float = 1.0) -> None:
        """Draw a rectangle with soft corners, centred on x, y."""
        self.polygon(ring(x, y, w / 2, h / 2, squareness=5), colour, line)

    def stroke(self, points: Sequence[Point], width: float, colour: str | None = None) -> None:
        """Draw a line with round caps and joins."""
        colour = colour or self.ink
        wide = max(1, round(width * SCALE))
        scaled = _scaled(points)
        self.draw.line(scaled, fill=colour, width=wide, joint="curve")
        r = wide / 2
        joints = scaled if wide > 12 else (scaled[0], scaled[-1])  # wide lines show gaps at every joint
        for x, y in joints if r > 1 else ():
            self.draw.ellipse((x - r, y - r, x + r - 1, y + r - 1), fill=colour)

    def curve(self, points: Sequence[Point], width: float, colour: str | None = None) -> None:
        self.stroke(smooth(points), width, colour)

    def limb(self, points: Sequence[Point], width: float, colour: str, line: float = 1.0) -> None:
        """Draw a thick soft line with an outline: an arm, a leg, a tail."""
        path = smooth(points)
        if line and self.line:
            self.stroke(path, width + 2 * self.line * line)
        self.stroke(path, width, colour)

    def gradient(self, top: str, bottom: str, y0: float = 0.0, y1: float | None = None) -> None:
        """Fill the full width between two heights."""
        start, stop = round(y0 * SCALE), round((self.height if y1 is None else y1) * SCALE)
        if stop <= start:
            return
        share = np.linspace(0, 1, stop - start)[:, None]
        rows = np.array(rgb(top)) * (1 - share) + np.array(rgb(bottom)) * share
        band = np.repeat(rows[:, None, :], self.image.width, axis=1)
        self.image.paste(Image.fromarray(band.round().astype(np.uint8)), (0, start))

    def veil(self, points: Sequence[Point], colour: str, alpha: float) -> None:
        """Draw a translucent shape: mist, a light beam, a shadow."""
        x, y, w, h = bounds(_scaled(points))
        left, top = int(max(x, 0)), int(max(y, 0))
        size = (int(min(x + w, self.image.width)) - left, int(min(y + h, self.image.height)) - top)
        if min(size) <= 0:
            return
        mask = Image.new("L", size, 0)
        moved = [(px - left, py - top) for px, py in _scaled(points)]
        ImageDraw.Draw(mask).polygon(moved, fill=round(255 * alpha))
        self.image.paste(Image.new("RGB", size, colour), (left, top), mask)

    def glow(self, x: float, y: float, radius: float, colour: str, strength: float = 0.8) -> None:
        """Add light around a point, fading to nothing at `radius`."""
        left, top = int(max((x - radius) * SCALE, 0)), int(max((y - radius) * SCALE, 0))
        right = int(min((x + radius) * SCALE, self.image.width))
        bottom = int(min((y + radius) * SCALE, self.image.height))
        if right <= left or bottom <= top:
            return
        ys, xs = np.mgrid[top:bottom, left:right].astype(np.float32)
        away = np.hypot(xs - x * SCALE, ys - y * SCALE) / (radius * SCALE)
        light = (np.clip(1 - away, 0, 1) ** 2 * strength)[:, :, None]
        under = np.asarray(self.image.crop((left, top, right, bottom)), dtype=np.float32)
        lit = under + (np.array(rgb(colour), dtype=np.float32) - under * 0.25) * light
        self.image.paste(Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)), (left, top))


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]
