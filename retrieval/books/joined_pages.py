"""Vertical strips: slices of one long picture, joined to pages that hold whole panels.

A joined page is named after its slices: "01.jpg[640:]..03.jpg[:200]" begins at row 640 of 01.jpg, goes over 02.jpg and
ends before row 200 of 03.jpg. Slices are those pages of the book that lie between the two in natural order.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from retrieval.books.container import WAY_OUT
from retrieval.books.limits import Reading
from retrieval.books.names import is_junk, is_page, natural_key
from retrieval.errors import PictureError, SourceError
from retrieval.images.decode import open_picture

_FIRST = re.compile(r"(?P<name>.+?)(\[(?P<row>\d+):\])?", re.DOTALL)
_LAST = re.compile(r"(?P<name>.+?)(\[:(?P<row>\d+)\])?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows of consecutive slices: from row `top` of `first` to before row `bottom` of `last` (None: to its end)."""

    first: str
    top: int
    last: str
    bottom: int | None

    @property
    def name(self) -> str:
        top = f"[{self.top}:]" if self.top else ""
        bottom = "" if self.bottom is None else f"[:{self.bottom}]"
        return f"{self.first}{top}..{self.last}{bottom}"


def parse_joined(name: str) -> Joined | None:
    """What a joined page's name says, None for the name of anything else."""
    for dots in re.finditer(r"\.\.", name):  # file names may hold dots themselves
        first = _FIRST.fullmatch(name[: dots.start()])
        last = _LAST.fullmatch(name[dots.end() :])
        if first and last and is_page(first["name"]) and is_page(last["name"]):
            bottom = None if last["row"] is None else int(last["row"])
            return Joined(first["name"], int(first["row"] or 0), last["name"], bottom)
    return None


def slices_of(joined: Joined, pages: Sequence[str]) -> list[str]:
    """The names of the slices, from the names of all files of the book. Raises SourceError where an end is missing."""
    ordered = sorted((name for name in pages if is_page(name) and not is_junk(name)), key=natural_key)
    try:
        return ordered[ordered.index(joined.first) : ordered.index(joined.last) + 1]
    except ValueError as error:
        raise SourceError(f"a slice of {joined.name!r} is missing: {WAY_OUT}") from error


def join(joined: Joined, slices: Sequence[str], read: Callable[[str], bytes], reading: Reading) -> bytes:
    """The joined page as BMP. `read` gives a slice's bytes. Raises SourceError naming the slice that is amiss."""
    parts: list[Image.Image] = []
    for name in slices:
        part = _part(joined, name, read(name), reading)
        if parts and part.width != parts[0].width:
            raise SourceError(f"{name!r} is {part.width} px wide, the slices before it {parts[0].width}: {WAY_OUT}")
        parts.append(part)
        _check(parts, joined, reading)
    page = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)))
    top = 0
    for part in parts:
        page.paste(part, (0, top))
        top += part.height
    file = io.BytesIO()
    page.save(file, "BMP")
    return file.getvalue()


def _part(joined: Joined, name: str, data: bytes, reading: Reading) -> Image.Image:
    """The rows of one slice that belong to the joined page."""
    try:
        picture = open_picture(data, max_pixels=reading.max_pixels, max_bytes=reading.max_bytes)
    except PictureError as error:
        raise SourceError(f"its slice {name!r}: {error}") from error
    top = joined.top if name == joined.first else 0
    bottom = picture.height if name != joined.last or joined.bottom is None else joined.bottom
    if not 0 <= top < bottom <= picture.height:
        raise SourceError(f"its slice {name!r} has {picture.height} rows, not those from {top} to {bottom}: {WAY_OUT}")
    return picture.crop((0, top, picture.width, bottom))


def _check(parts: Sequence[Image.Image], joined: Joined, reading: Reading) -> None:
    pixels = parts[0].width * sum(part.height for part in parts)
    if pixels > reading.max_pixels:
        limit = f"the limit is {reading.max_pixels / 1e6:.4g} (raise it with --max-pixels)"
        raise SourceError(f"{joined.name!r} is more than {pixels / 1e6:.4g} megapixels; {limit}")
