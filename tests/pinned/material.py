"""Words and pictures to ask with, derived from the comics while the questions are asked.

Texts: words as they stand, or {"words_of": [panel, first, count], "changed": ...}.
Pictures: {"panel": id}, {"page_of": id, "box": [x, y, w, h]}, {"file": name}, {"noise": seed} or {"plain": [r, g, b]};
"edits" are made in order, "given_as" is the form in which the picture is handed over.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"


class Material:
    """Makes words and pictures from an opened library.

    Args: `dialogue`, `picture` and `page` return those of a panel by its id; `folder` takes files that are written.
    """

    def __init__(
        self,
        dialogue: Callable[[int], str],
        picture: Callable[[int], Image.Image],
        page: Callable[[int], Image.Image],
        folder: Path,
    ) -> None:
        self._dialogue, self._picture, self._page, self._folder = dialogue, picture, page, folder

    def text(self, given: Any) -> Any:
        """Return the text of a question; what is no description of a text is returned as it is."""
        if not isinstance(given, Mapping):
            return given
        panel, first, count = given["words_of"]
        words = self._dialogue(panel).split()[first : first + count]
        assert words, f"panel {panel} has no words from {first} on"
        return _CHANGES[given.get("changed", "not")](words)

    def picture(self, given: Any) -> Any:
        """Return the picture of a question; what is no description of a picture is returned as it is."""
        if not isinstance(given, Mapping):
            return given
        picture = self._source(given)
        for name, *values in given.get("edits", ()):
            picture = _EDITS[name](picture, *values)
        return self._given_as(picture, given.get("given_as", "picture"))

    def _source(self, given: Mapping[str, Any]) -> Image.Image:
        if "panel" in given:
            return self._picture(given["panel"])
        if "page_of" in given:
            page = self._page(given["page_of"])
            x, y, w, h = given.get("box", (0, 0, page.width, page.height))
            return page.crop((x, y, x + w, y + h))
        if "file" in given:
            with Image.open(SAMPLE_DATA / given["file"]) as picture:
                return picture.convert("RGB")
        if "noise" in given:
            coarse = np.random.default_rng(given["noise"]).integers(0, 256, (9, 12, 3), np.uint8)
            return Image.fromarray(coarse).resize((480, 360), Image.Resampling.BICUBIC)
        return Image.new("RGB", (320, 240), tuple(given["plain"]))

    def _given_as(self, picture: Image.Image, form: str) -> Any:
        if form == "picture":
            return picture
        if form == "array":
            return np.asarray(picture)
        if form == "numbers from 0 to 1":
            return np.asarray(picture, np.float32) / 255
        if form == "grey array":
            return np.asarray(picture.convert("L"))
        out = io.BytesIO()
        picture.save(out, "PNG")
        if form == "bytes":
            return out.getvalue()
        path = self._folder / "query.png"
        path.write_bytes(out.getvalue())
        return str(path) if form == "path as text" else path


def _swap(word: str) -> str:
    """Swap the second and the third letter."""
    return word[0] + word[2] + word[1] + word[3:] if len(word) > 3 else word


_CHANGES: dict[str, Callable[[list[str]], str]] = {
    "not": " ".join,
    "letters swapped": lambda words: " ".join(map(_swap, words)),
    "glued": "".join,
    "glued in pairs": lambda words: " ".join("".join(words[i : i + 2]) for i in range(0, len(words), 2)),
    "upper case": lambda words: " ".join(words).upper(),
    "backwards": lambda words: " ".join(reversed(words)),
    "letters lost": lambda words: " ".join(w[:-1] if len(w) > 4 else w for w in words),
    "digits for letters": lambda words: " ".join(words).translate(str.maketrans("oilO", "0110")),
    "hyphenated": lambda words: " ".join(f"{w[:3]}-\n{w[3:]}" if len(w) > 5 else w for w in words),
}


def _jpeg(picture: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    with Image.open(out) as read:
        return read.convert("RGB")


def _crop(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Cut out a part, its edges given as shares of the picture's sides."""
    w, h = picture.size
    return picture.crop((round(left * w), round(top * h), round(right * w), round(bottom * h)))


def _scale(picture: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _grain(picture: Image.Image, spread: float) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    grain = np.random.default_rng(7).normal(0, spread, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _tint(picture: Image.Image, red: float, green: float, blue: float) -> Image.Image:
    pixels = np.asarray(picture, np.float32) * np.array([red, green, blue], np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


_EDITS: dict[str, Callable[..., Image.Image]] = {
    "crop": _crop,
    "mirror": ImageOps.mirror,
    "flip": ImageOps.flip,
    "jpeg": _jpeg,
    "scale": _scale,
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "blur": lambda picture, radius: picture.filter(ImageFilter.GaussianBlur(radius)),
    "bright": lambda picture, factor: ImageEnhance.Brightness(picture).enhance(factor),
    "contrast": lambda picture, factor: ImageEnhance.Contrast(picture).enhance(factor),
    "turn": lambda picture, angle: picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white"),
    "border": lambda picture, width: ImageOps.expand(picture, width, "white"),
    "grain": _grain,
    "tint": _tint,
    "negative": ImageOps.invert,
}
