"""Pages with drawn text, and OCR lines, for the tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from index_builder.dialogue.lines import Line


def lettered(
    texts: Sequence[tuple[int, int, str]], size: tuple[int, int] = (900, 1300), height: int = 26
) -> Image.Image:
    """Draw a white page with texts at (x, y). height: of the letters in pixels."""
    page = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(height)
    for x, y, text in texts:
        pen.multiline_text((x, y), text, fill="black", font=font)
    return page


def pixels(page: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(page)


def line(text: str, x: float, y: float, w: float | None = None, h: float = 20, score: float = 0.99) -> Line:
    """Return a horizontal line like those of an engine; by default a letter is half as wide as high."""
    width = h / 2 * len(text) if w is None else w
    return Line(((x, y), (x + width, y), (x + width, y + h), (x, y + h)), text, score)
