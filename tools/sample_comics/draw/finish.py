"""Finishes of a painted panel, before its words: tone for black and white, grading for colour."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.sample_comics.draw.ink.colour import rgb
from tools.sample_comics.draw.ink.pen import SCALE

Tone = NDArray[np.floating[Any]]


def finished(image: Image.Image, finish: str) -> Image.Image:
    return FINISHES[finish](image)


def _flat(image: Image.Image) -> Image.Image:
    return image


def _darkness(image: Image.Image) -> Tone:
    light: Tone = np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)
    return np.float32(1) - light


def _grid(shape: tuple[int, ...]) -> tuple[Tone, Tone]:
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    scale = np.float32(SCALE)
    return xs / scale, ys / scale


def _inked(ink: NDArray[np.bool_]) -> Image.Image:
    return Image.fromarray(np.where(ink, 16, 255).astype(np.uint8)).convert("RGB")


def _hatch(image: Image.Image) -> Image.Image:
    """Return ink lines that thicken with darkness, crossed in the deep tones, then solid black."""
    dark = _darkness(image) ** 1.2
    x, y = _grid(dark.shape)
    wobble = 1.6 * np.sin(x / 61 + y / 47) + 0.9 * np.sin(y / 19 - x / 83)
    first = _wave(x + 0.8 * y + wobble, 8.5) < np.clip((dark - 0.14) * 0.95, 0, 0.8)
    second = _wave(x * 0.75 - y + wobble, 9.5) < np.clip((dark - 0.5) * 1.3, 0, 0.8)
    return _inked((first & (dark > 0.2)) | (second & (dark > 0.55)) | (dark > 0.8))


def _wave(along: Tone, period: float) -> Tone:
    """Return 0 on a line and 1 halfway to the next."""
    share: Tone = np.abs((along / period) % 1 - 0.5) * 2
    return share


def _screentone(image: Image.Image) -> Image.Image:
    """Return dots on a slanted screen; the palest tones become white, the darkest black."""
    dark = _darkness(image) ** 1.5
    x, y = _grid(dark.shape)
    period = 6.5
    u, v = (x + y) / period / 1.414, (x - y) / period / 1.414
    away = np.hypot(u % 1 - 0.5, v % 1 - 0.5)
    radius = np.sqrt(np.clip(dark, 0, 1) / np.pi) * 1.02
    return _inked(((away < radius) & (dark > 0.1)) | (dark > 0.74))


def _night(image: Image.Image) -> Image.Image:
    """Return a few inks from deep blue to lamplight, with some of the painted colour."""
    inks = ("#0a1030", "#1d2f63", "#2f7f93", "#8fcfb9", "#ffe9b8")
    dark = _darkness(image)
    stops = np.linspace(0, 1, len(inks))
    table = np.array([rgb(ink) for ink in inks], dtype=np.float32)
    graded = np.stack([np.interp(1 - dark, stops, table[:, i]) for i in range(3)], axis=-1)
    painted = np.asarray(image, dtype=np.float32)
    warmth = np.clip((painted[:, :, 0] - painted[:, :, 2]) / 110, 0, 1)[:, :, None]
    kept = 0.3 + 0.6 * warmth
    return Image.fromarray(np.clip(graded * (1 - kept) + painted * kept, 0, 255).astype(np.uint8))


def _wash(image: Image.Image) -> Image.Image:
    """Return watercolour: paler, warmer, with broad blooms of pigment."""
    painted = np.asarray(image, dtype=np.float32)
    random = np.random.Generator(np.random.PCG64(7))
    coarse = Image.fromarray(random.integers(0, 255, (9, 9), dtype=np.uint8))
    bloom = np.asarray(coarse.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32) / 255
    warm = painted * 0.86 + np.array([255, 250, 236], dtype=np.float32) * 0.14
    washed = warm + (bloom[:, :, None] - 0.5) * 22
    return Image.fromarray(np.clip(washed, 0, 255).astype(np.uint8))


FINISHES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "flat": _flat,
    "hatch": _hatch,
    "screentone": _screentone,
    "night": _night,
    "wash": _wash,
}
