"""Pairs for training the small picture branch: a panel, and a copy as somebody might meet it again.

Panels of one page stand together in a batch, because they are what a panel is most easily mistaken for.
Every pair is a function of (seed, step, place in the batch), so a run goes on where it stopped.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from index_builder.sources import BookRef, find_books
from retrieval.books import read_page
from retrieval.encoder.network.small import CELLS, WINDOWS, windows

Pixels = NDArray[np.uint8]
Rect = tuple[float, float, float, float]

PAGE_SIDE = 1100
"""Pages are held with their longer side at most this many pixels."""

SIDE = 288
"""Side of the square a panel is drawn from; larger than the network sees, so that pieces stay sharp."""

PER_PAGE = 4
ZOOMS = tuple(side / CELLS for side, _ in WINDOWS)
_SHARES = (0.42, 0.23, 0.35)
"""How many of the copies are met as a whole panel, as a window of half the area and of a third."""


@dataclass(frozen=True)
class TrainingPage:
    """A page, and the boxes (x, y, w, h in its pixels) of its panels where they are known."""

    pixels: Pixels
    panels: tuple[Rect, ...]

    def boxes(self, rng: np.random.Generator) -> list[Rect]:
        """Boxes that do not overlap: its panels, or else (and now and then) a chance division of the page."""
        if len(self.panels) > 1 and rng.random() < 0.6:
            return list(self.panels)
        return divided(self.pixels.shape[1], self.pixels.shape[0], rng)


def load_pages(comics: Path, samples: Path, skip: tuple[str, ...]) -> list[TrainingPage]:
    """Every page below `comics` whose series neither ends in `_NC` nor is in `skip`, and the drawn ones."""
    found = []
    for series in sorted(p for p in comics.iterdir() if p.is_dir()):
        if not series.name.endswith("_NC") and series.name not in skip:
            found += [_load(path, path.with_suffix(".json")) for path in _pictures(series)]
    found += [TrainingPage(_shrunk(picture)[0], ()) for picture in _drawn(samples)]
    return found


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})


def _drawn(samples: Path) -> Iterator[Image.Image]:
    """The pages of the sample comics, from folders and archives."""
    for book in find_books(samples):
        if isinstance(book, BookRef):
            for page in book.pages:
                yield Image.open(io.BytesIO(read_page(book.path, page.name)))


def _load(path: Path, notes: Path) -> TrainingPage:
    pixels, scale = _shrunk(Image.open(path))
    boxes = []
    if notes.exists():
        for panel in json.loads(notes.read_text(encoding="utf-8")).get("panels") or []:
            x, y, w, h = (v * scale for v in panel["bbox"])
            x, y = max(x, 0.0), max(y, 0.0)
            w, h = min(w, pixels.shape[1] - x), min(h, pixels.shape[0] - y)
            if min(w, h) >= 24:
                boxes.append((x, y, w, h))
    return TrainingPage(pixels, tuple(boxes))


def _shrunk(image: Image.Image) -> tuple[Pixels, float]:
    scale = min(1.0, PAGE_SIDE / max(image.size))
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR)), scale


def divided(width: int, height: int, rng: np.random.Generator) -> list[Rect]:
    """The page cut into rows, each row into pieces of about a panel's shape."""
    rows = max(1, min(round(rng.integers(2, 5) * height / width / 1.4), 12))
    ys = _cuts(height, rows, rng)
    found = []
    for top, bottom in pairwise(ys):
        xs = _cuts(width, int(rng.integers(1, 4)), rng)
        found += [(x, top, after - x, bottom - top) for x, after in pairwise(xs)]
    return found


def _cuts(length: int, parts: int, rng: np.random.Generator) -> list[float]:
    inner = (np.arange(1, parts) + rng.uniform(-0.25, 0.25, parts - 1)) * length / parts
    return [0.0, *inner.tolist(), float(length)]


# --------------------------------------------------------------------- batches


@dataclass(frozen=True)
class Batch:
    """`panels` (n, 224, 224, 3) uint8. `copies`: by zoom, (rows of the batch, part each copy lies in, pictures)."""

    panels: Pixels
    copies: list[tuple[NDArray[np.int64], NDArray[np.int64], Pixels]]


class Batches:
    """`Batches(pages, size, seed)[step]`: the pairs of that step."""

    def __init__(self, pages: list[TrainingPage], size: int, seed: int) -> None:
        self.pages = pages
        self.size = size
        self.seed = seed

    @cached_property
    def _parts(self) -> NDArray[np.float64]:
        return np.array(windows())

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self.seed, step))
        squares = [square for _ in range(self.size // PER_PAGE) for square in self._panels(rng)]
        zooms = rng.choice(len(ZOOMS), len(squares), p=_SHARES)
        panels, made = [], []
        for square, zoom in zip(squares, zooms, strict=True):
            base = restyled(square, rng)
            box = piece(ZOOMS[zoom], rng)
            copy, box = copied(base, box, WINDOWS[zoom][0] * 8, rng)
            panels.append(cv2.resize(gentle(base, rng), (224, 224), interpolation=cv2.INTER_AREA))
            made.append((self._nearest(box, zoom), copy))
        copies = []
        for zoom in range(len(ZOOMS)):
            rows = np.flatnonzero(zooms == zoom)
            if len(rows):
                parts = np.array([made[r][0] for r in rows])
                copies.append((rows, parts, np.stack([made[r][1] for r in rows])))
        return Batch(np.stack(panels), copies)

    def _panels(self, rng: np.random.Generator) -> list[Pixels]:
        """PER_PAGE squares of one page."""
        page = self.pages[rng.integers(len(self.pages))]
        boxes = page.boxes(rng)
        while len(boxes) < PER_PAGE:
            boxes += divided(page.pixels.shape[1], page.pixels.shape[0], rng)
        chosen = rng.permutation(len(boxes))[:PER_PAGE]
        return [_square(page.pixels, boxes[i]) for i in chosen]

    def _nearest(self, box: Rect, zoom: int) -> int:
        """The part of the panel that a piece overlaps most, among those of its zoom."""
        first = [0, 1, 5][zoom]
        last = [1, 5, len(self._parts)][zoom]
        x, y, w, h = self._parts[first:last].T
        across = np.minimum(x + w, box[0] + box[2]) - np.maximum(x, box[0])
        down = np.minimum(y + h, box[1] + box[3]) - np.maximum(y, box[1])
        return first + int(np.argmax(np.clip(across, 0, None) * np.clip(down, 0, None)))


def _square(pixels: Pixels, box: Rect) -> Pixels:
    x, y, w, h = (round(v) for v in box)
    cut = pixels[y : y + max(h, 8), x : x + max(w, 8)]
    shrinks = cut.shape[0] > SIDE and cut.shape[1] > SIDE
    return cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


# ---------------------------------------------------------------------- copies


def restyled(square: Pixels, rng: np.random.Generator) -> Pixels:
    """Another kind of comic: grey, inked, toned, inverted; what panel and copy have in common."""
    way = rng.random()
    if way < 0.45:
        return square if rng.random() < 0.5 else square[:, ::-1]
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    if way < 0.65:
        inked = cv2.createCLAHE(rng.uniform(1, 4), (4, 4)).apply(grey)
    elif way < 0.85:
        soft = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.6, 1.6))
        around, less = int(rng.integers(4, 16)) * 2 + 1, rng.uniform(4, 12)
        inked = cv2.adaptiveThreshold(soft, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, around, less)
        if rng.random() < 0.5:
            inked = np.where(grey < np.percentile(grey, rng.uniform(10, 40)), 0, inked).astype(np.uint8)
    elif way < 0.95:
        levels = int(rng.integers(2, 6))
        inked = (grey.astype(np.int32) * levels // 256 * (255 // (levels - 1))).astype(np.uint8)
    else:
        return 255 - square
    return cv2.cvtColor(inked, cv2.COLOR_GRAY2RGB)


def piece(zoom: float, rng: np.random.Generator) -> Rect:
    """A box about as large as a window of this zoom, as shares of the panel's sides."""
    if zoom == 1:
        if rng.random() < 0.6:
            return (0.0, 0.0, 1.0, 1.0)
        zoom = rng.uniform(0.82, 1.0)
    scale, stretch = zoom * np.exp(rng.uniform(-0.14, 0.14)), np.exp(rng.uniform(-0.12, 0.12))
    w, h = min(scale * stretch, 1.0), min(scale / stretch, 1.0)
    return (rng.uniform(0, 1 - w), rng.uniform(0, 1 - h), w, h)


def copied(base: Pixels, box: Rect, side: int, rng: np.random.Generator) -> tuple[Pixels, Rect]:
    """The piece `box` of a panel as met again, (side, side, 3), and the box with what was lost at its edges."""
    picture = _seen(base, box, 2 * side, rng)
    for change, chance in _CHANGES:
        if rng.random() < chance:
            picture = change(picture, rng)
    if rng.random() < 0.3:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if rng.random() < 0.6:
            picture = _tinted(picture, rng.uniform((0.9, 0.8, 0.55), (1.0, 1.0, 1.0)), rng.uniform(0, 25))
    if rng.random() < 0.3:
        picture = recompressed(picture, rng)
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), box


def _seen(base: Pixels, box: Rect, side: int, rng: np.random.Generator) -> Pixels:
    """The piece through a camera now and then (perspective, tilt), mirrored now and then."""
    x, y, w, h = (v * SIDE for v in box)
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
    if rng.random() < 0.4:
        corners = _tilted(corners, rng)
    if rng.random() < 0.35:
        corners = corners[[1, 0, 3, 2]]
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    edge = rng.integers(0, 256, 3).tolist()
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), square)
    return cv2.warpPerspective(base, matrix, (side, side), borderMode=cv2.BORDER_CONSTANT, borderValue=edge)


def _tilted(corners: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The corners of what a camera sees: turned, from further away, each moved on its own.

    Turned before the sides were made equal: a long panel then leans more than a square one.
    """
    centre, reach = corners.mean(axis=0), corners[2] - corners[0]
    shape = np.array([np.exp(rng.uniform(-0.6, 0.6)), 1.0])
    angle = np.radians(rng.uniform(-10, 10))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    away = rng.uniform(0.95, 1.3, (1, 1)) + rng.uniform(-0.09, 0.09, (4, 2))
    turned = ((corners - centre) * away / reach * shape) @ turn.T / shape * reach + centre
    return turned.astype(np.float32)


def gentle(base: Pixels, rng: np.random.Generator) -> Pixels:
    """The panel as it lies in the library: only now and then printed lighter or darker."""
    return _tinted(base, rng.uniform(0.9, 1.05, 3), rng.uniform(-10, 10)) if rng.random() < 0.2 else base


def repainted(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Other hues, stronger or weaker colours, other contrast."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.int32)
    hsv[..., 0] = (hsv[..., 0] + rng.integers(0, 180)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.4, 1.6), 0, 255)
    turned = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    return _tinted(turned, np.full(3, rng.uniform(0.7, 1.4)), rng.uniform(-40, 40))


def pasted(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """A block of one colour, of noise or of another part of the picture, over up to a third."""
    out, side = picture.copy(), len(picture)
    area, stretch = rng.uniform(0.05, 0.33), np.exp(rng.uniform(-0.5, 0.5))
    w, h = (min(round(side * v), side - 1) for v in (np.sqrt(area) * stretch, np.sqrt(area) / stretch))
    x, y = rng.integers(0, side - w), rng.integers(0, side - h)
    u, v = rng.integers(0, side - w), rng.integers(0, side - h)
    way = rng.random()
    if way < 0.5:
        out[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    elif way < 0.75:
        out[y : y + h, x : x + w] = rng.integers(0, 256, (h, w, 3))
    else:
        out[y : y + h, x : x + w] = picture[v : v + h, u : u + w][::-1]
    return out


def cleaned(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Balloons without their lettering: boxes emptied, or thin dark strokes on light ground filled."""
    if rng.random() < 0.5:
        return emptied(picture, rng)
    size = int(rng.integers(5, 12))
    filled = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    light = cv2.GaussianBlur(cv2.cvtColor(filled, cv2.COLOR_RGB2GRAY), (0, 0), 3) > rng.integers(190, 240)
    return np.where(light[..., None], filled, picture)


def emptied(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Up to eight boxes, wide as lines of words are, filled with the lightest colour that is common in each."""
    out, side = picture.copy(), len(picture)
    for _ in range(int(rng.integers(1, 9))):
        w, h = round(side * rng.uniform(0.12, 0.5)), round(side * rng.uniform(0.05, 0.22))
        x, y = rng.integers(0, side - w), rng.integers(0, side - h)
        inside = out[y : y + h, x : x + w]
        inside[:] = np.percentile(inside.reshape(-1, 3), 80, axis=0)
    return out


def lit(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Light from one side."""
    side = len(picture)
    angle, amount = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.65)
    at = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    slope = 1 - amount * (0.5 + np.cos(angle) * at[None] + np.sin(angle) * at[:, None])
    return np.clip(picture * slope[..., None], 0, 255).astype(np.uint8)


def blurred(picture: Pixels, rng: np.random.Generator) -> Pixels:
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2.5))


def noisy(picture: Pixels, rng: np.random.Generator) -> Pixels:
    grain = rng.normal(0, rng.uniform(3, 18), picture.shape[:2])[..., None]
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def recompressed(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Made smaller, saved as a poor JPEG, and drawn up again."""
    side = len(picture)
    small = max(round(side * rng.uniform(0.3, 1.0)), 16)
    reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", reduced, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 60))])[1]
    return cv2.resize(cv2.imdecode(coded, cv2.IMREAD_COLOR), (side, side), interpolation=cv2.INTER_LINEAR)


def _tinted(picture: Pixels, factors: NDArray[np.float64], offset: float) -> Pixels:
    return np.clip(picture * factors + offset, 0, 255).astype(np.uint8)


_CHANGES = ((cleaned, 0.3), (repainted, 0.35), (pasted, 0.35), (lit, 0.25), (blurred, 0.3), (noisy, 0.15))
"""What may happen to a copy, in this order, and how often."""
