"""Distorted panels: cropped, scanned, photographed, recoloured, covered.

Each is drawn from a random generator seeded with (seed, panel, distortion), so that it is the same in every run and on
every index. A distortion starts from the panel at no more than `LONGEST` pixels a side.

The distortions follow a copy detection challenge (Douze et al. 2021, "The 2021 Image Similarity Dataset and
Challenge", https://arxiv.org/abs/2106.09672) and what happens to comics: yellowed paper, tilted phones, lettering
removed for a translation.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.evaluation.lettering import erase_lettering

Pixels = NDArray[np.uint8]

LONGEST = 768
"""Longer side in pixels that a distortion starts from; larger panels are shrunk to it."""

BLOCK_SHARE = 0.2
"""Share of the panel's area that the pasted block covers."""

_PAPER = np.array([246, 228, 188], np.float32)
_INK = np.array([52, 44, 38], np.float32)


def distort(panel: Pixels, distortion: str, *, seed: int = 0, key: str | int = 0) -> Pixels | None:
    """Return a distorted `panel`, (H, W, 3) uint8 RGB; the same for the same (seed, key, distortion).

    distortion: one of `DISTORTIONS`. key: identifies the panel in every run. The result has its own size.
    None if there is nothing to distort: `lettering` of a panel without lettering.
    Raises `KeyError` for an unknown distortion.
    """
    change = DISTORTIONS[distortion]
    return change(_shrunk(panel), _generator(seed, key, distortion))


def distortions_of(panel: Pixels, *, seed: int = 0, key: str | int = 0) -> Iterator[tuple[str, Pixels]]:
    """Yield (distortion, distorted panel) for every distortion that applies to this panel."""
    for distortion in DISTORTIONS:
        distorted = distort(panel, distortion, seed=seed, key=key)
        if distorted is not None:
            yield distortion, distorted


def _generator(seed: int, key: str | int, distortion: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}\0{key}\0{distortion}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _shrunk(panel: Pixels) -> Pixels:
    height, width = panel.shape[:2]
    scale = LONGEST / max(height, width)
    return np.ascontiguousarray(panel) if scale >= 1 else _resized(panel, width * scale, height * scale)


def _resized(panel: Pixels, width: float, height: float) -> Pixels:
    size = (max(1, round(width)), max(1, round(height)))
    return np.asarray(cv2.resize(panel, size, interpolation=cv2.INTER_AREA), np.uint8)


# ------------------------------------------------------------------ distortions


def _crop(share: float) -> Callable[[Pixels, np.random.Generator], Pixels]:
    def crop(panel: Pixels, rng: np.random.Generator) -> Pixels:
        """Return `share` of the area at a random place, with sides stretched by up to a fifth."""
        height, width = panel.shape[:2]
        wide = min(1.0, math.sqrt(share) * rng.uniform(0.9, 1.1))
        w, h = max(1, round(width * wide)), max(1, round(height * share / wide))
        x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
        return np.ascontiguousarray(panel[y : y + h, x : x + w])

    return crop


def _jpeg(panel: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a third of the size, saved as JPEG of quality 10 to 20."""
    height, width = panel.shape[:2]
    return _saved(_resized(panel, width / 3, height / 3), int(rng.integers(10, 21)))


def _scan(panel: Pixels, rng: np.random.Generator) -> Pixels:
    """Return grey ink on yellowed paper, slightly rotated, soft and grainy."""
    grey = cv2.cvtColor(panel, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None] / 255
    age = rng.uniform(0.7, 1.0)
    paper = 255 + age * (_PAPER - 255)
    page = _INK + (paper - _INK) * grey
    height, width = panel.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-1.5, 1.5), 1.0)
    page = cv2.warpAffine(page, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=tuple(paper.tolist()))
    page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.6, 1.2))
    grain = rng.normal(0, 7, (height, width, 1)).astype(np.float32)
    return _clipped(page + grain)


def _photo(panel: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a phone photo: in perspective, tilted, on a table, out of focus, lit from one side."""
    height, width = panel.shape[:2]
    table = rng.uniform(40, 140, 3)
    corners = _seen_corners(width, height, rng)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    view = cv2.getPerspectiveTransform(flat, corners)
    seen = cv2.warpPerspective(
        panel, view, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT, borderValue=table.tolist()
    )
    soft = cv2.GaussianBlur(seen, (0, 0), max(0.8, max(width, height) / 420)).astype(np.float32)
    warm = np.array([1.0, rng.uniform(0.9, 1.0), rng.uniform(0.75, 0.95)], np.float32)
    lit = soft * _light(width, height, rng)[..., None] * warm
    return _saved(_clipped(lit + rng.normal(0, 4, lit.shape)), 60)


def _seen_corners(width: int, height: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the four corners, (4, 2) from top left clockwise: shrunk, tilted, each moved independently."""
    angle = math.radians(rng.uniform(3, 9) * rng.choice([-1, 1]))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    centre = np.array([width / 2, height / 2])
    unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    moved = unit * rng.uniform(0.84, 1.0, (4, 2)) * centre * rng.uniform(0.92, 1.02)
    seen: NDArray[np.float32] = (moved @ turn.T + centre).astype(np.float32)
    return seen


def _light(width: int, height: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (H, W) brightness from about 0.45 to 1.1, falling off across the picture."""
    angle = rng.uniform(0, 2 * math.pi)
    x, y = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    along = (x * math.cos(angle) + y * math.sin(angle)) / math.sqrt(2)
    light: NDArray[np.float32] = (0.78 + 0.32 * along).astype(np.float32)
    return light


def _mirror(panel: Pixels, _: np.random.Generator) -> Pixels:
    """Return the mirror image."""
    return np.ascontiguousarray(panel[:, ::-1])


def _recolour(panel: Pixels, rng: np.random.Generator) -> Pixels:
    """Return hues turned by 40 to 180 degrees, another contrast, and a cast that also shows on black and white."""
    hsv = cv2.cvtColor(panel, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int32) + int(rng.integers(20, 91))) % 180  # OpenCV counts 2 degrees as 1
    turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)
    contrast = rng.uniform(0.55, 0.75) if rng.random() < 0.5 else rng.uniform(1.3, 1.6)
    cast = rng.uniform(0.75, 1.0, 3).astype(np.float32)
    return _clipped(((turned - 128) * contrast + 128 + rng.uniform(-15, 15)) * cast)


def _block(panel: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the panel with an opaque, rimmed block over a fifth of the area, at a random place."""
    height, width = panel.shape[:2]
    wide = float(np.clip(math.sqrt(BLOCK_SHARE) * rng.uniform(0.7, 1.4), BLOCK_SHARE, 1))
    w, h = max(1, round(width * wide)), max(1, round(height * BLOCK_SHARE / wide))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    pasted = panel.copy()
    colour = rng.integers(0, 256, 3)
    pasted[y : y + h, x : x + w] = 255 - colour
    rim = max(1, min(w, h) // 20)
    pasted[y + rim : y + h - rim, x + rim : x + w - rim] = colour
    return pasted


def _lettering(panel: Pixels, _: np.random.Generator) -> Pixels | None:
    """Return the panel without the lettering of balloons and captions."""
    return erase_lettering(panel)


def _saved(picture: Pixels, quality: int) -> Pixels:
    """Return a picture after JPEG compression."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done  # a picture in memory always encodes
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def _clipped(values: NDArray[np.floating]) -> Pixels:
    clipped: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


DISTORTIONS: dict[str, Callable[[Pixels, np.random.Generator], Pixels | None]] = {
    "crop60": _crop(0.6),
    "crop30": _crop(0.3),
    "jpeg": _jpeg,
    "scan": _scan,
    "photo": _photo,
    "mirror": _mirror,
    "recolour": _recolour,
    "block": _block,
    "lettering": _lettering,
}
"""Distortions by name, in the order of the table."""
