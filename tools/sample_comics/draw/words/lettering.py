"""Hand lettering: pen strokes, each letter a little different from the last."""

from functools import cache
from random import Random

from PIL import Image, ImageDraw

from tools.sample_comics.draw.ink.curves import Point, smooth
from tools.sample_comics.draw.style import Hand
from tools.sample_comics.draw.words.glyphs import ALPHABET

FINE = 3  # letters are drawn this many times finer than the picture they go on
LEADING = 1.52
SPACE = 0.42

Stroke = list[Point]


@cache
def glyph(letter: str) -> tuple[float, tuple[tuple[Point, ...], ...]]:
    width, text = ALPHABET[letter]
    return width, tuple(_stroke(part.strip()) for part in text.split("/"))


def _stroke(text: str) -> tuple[Point, ...]:
    pairs = [part.split(",") for part in text.removeprefix("~").split()]
    points = [(float(x), float(y)) for x, y in pairs]
    return tuple(smooth(points, steps=6)) if text.startswith("~") else tuple(points)


def letters(line: str) -> list[str]:
    """Return capitals; only the word I, alone or before an apostrophe, has serifs."""
    upper = line.upper()
    found = []
    for i, letter in enumerate(upper):
        before, after = upper[i - 1 : i] if i else "", upper[i + 1 : i + 2]
        alone = letter == "I" and not before.isalnum() and before != "'" and not after.isalnum()
        found.append("I|" if alone else letter)
    return found


def advance(letter: str, hand: Hand) -> float:
    if letter == " ":
        return SPACE * hand.height * hand.width
    return (glyph(letter)[0] * hand.width + hand.spacing) * hand.height


def measure(line: str, hand: Hand) -> float:
    """Return the width of a line in pixels."""
    return sum(advance(letter, hand) for letter in letters(line)) - hand.spacing * hand.height


def wrap(text: str, hand: Hand, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and measure(f"{lines[-1]} {word}", hand) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def strokes(lines: list[str], hand: Hand, x: float, y: float, seed: str, left: bool = False) -> list[Stroke]:
    """Return pen strokes of lines centred on x (or starting there), the first line's top at y."""
    random = Random(seed)
    found: list[Stroke] = []
    for row, line in enumerate(lines):
        start = x if left else x - measure(line, hand) / 2
        found += _line(line, hand, start, y + row * hand.height * LEADING, random)
    return found


def _line(line: str, hand: Hand, x: float, y: float, random: Random) -> list[Stroke]:
    found: list[Stroke] = []
    for letter in letters(line):
        if letter != " ":
            found += _letter(letter, hand, x, y, random)
        x += advance(letter, hand)
    return found


def _letter(letter: str, hand: Hand, x: float, y: float, random: Random) -> list[Stroke]:
    lift, lean, grow = (random.uniform(-hand.jitter, hand.jitter) for _ in range(3))
    size = hand.height * (1 + grow)
    slant = hand.slant + lean
    return [
        [(x + (px * hand.width + (0.5 - py) * slant) * size, y + (py + lift) * size) for px, py in stroke]
        for stroke in glyph(letter)[1]
    ]


def ink(image: Image.Image, marks: list[Stroke], scale: float, width: float, colour: str) -> None:
    """Draw strokes given in final pixels onto a picture `scale` times larger."""
    xs = [x for mark in marks for x, _ in mark]
    ys = [y for mark in marks for _, y in mark]
    pad = width + 2
    left, top = int((min(xs) - pad) * scale), int((min(ys) - pad) * scale)
    size = (int((max(xs) + pad) * scale) - left + 1, int((max(ys) + pad) * scale) - top + 1)
    mask = Image.new("L", (size[0] * FINE, size[1] * FINE), 0)
    draw = ImageDraw.Draw(mask)
    for mark in marks:
        fine = [((x * scale - left) * FINE, (y * scale - top) * FINE) for x, y in mark]
        _mark(draw, fine, width * scale * FINE)
    image.paste(Image.new("RGB", size, colour), (left, top), mask.reduce(FINE))


def _mark(draw: ImageDraw.ImageDraw, points: list[Point], width: float) -> None:
    draw.line(points, fill=255, width=round(width), joint="curve")
    r = width / 2
    for x, y in (points[0], points[-1]):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
