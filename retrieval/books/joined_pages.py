"""Joined pages of vertical strips: the slices of one long image, joined to pages that hold whole panels.

A joined page is named after its slices: "01.jpg[640:]..03.jpg[:200]" begins at row 640 of 01.jpg, continues over
02.jpg and ends before row 200 of 03.jpg. Its slices are the pages of the book between the two in natural order.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retrieval.books.limits import ReadLimits
from retrieval.books.names import is_junk, is_page, suffix_of
from retrieval.books.order import natural_key
from retrieval.books.problems import REBUILD
from retrieval.errors import PictureError, SourceError
from retrieval.images.decode import check_size, open_image
from retrieval.images.kinds import PICTURE_HEAD, PictureKind, picture_kind

_FIRST = re.compile(r"(?P<name>.+?)(\[(?P<row>\d+):\])?", re.DOTALL)
_LAST = re.compile(r"(?P<name>.+?)(\[:(?P<row>\d+)\])?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class JoinedPage:
    """Rows of consecutive slices: from row `top` of `first` to before row `bottom` of `last` (None: to its end)."""

    first: str
    top: int
    last: str
    bottom: int | None

    @property
    def name(self) -> str:
        """The page name, which `parse_joined` reads back."""
        top = f"[{self.top}:]" if self.top else ""
        bottom = "" if self.bottom is None else f"[:{self.bottom}]"
        return f"{self.first}{top}..{self.last}{bottom}"


def parse_joined(name: str, names: Collection[str] = ()) -> JoinedPage | None:
    """Parse the name of a joined page; None for any other name.

    names: files of the book; slices have the name of an image, or are among them.
    """
    for dots in re.finditer(r"\.\.", name):  # file names may contain dots themselves
        first = _FIRST.fullmatch(name[: dots.start()])
        last = _LAST.fullmatch(name[dots.end() :])
        if first and last and all(is_page(end["name"]) or end["name"] in names for end in (first, last)):
            bottom = None if last["row"] is None else int(last["row"])
            return JoinedPage(first["name"], int(first["row"] or 0), last["name"], bottom)
    return None


def read_joined(
    book: Path, page: JoinedPage, names: Collection[str], read: Callable[[str], bytes], limits: ReadLimits
) -> bytes:
    """Return a joined page as BMP.

    names: all files of the book. read: returns the bytes of one slice. Raises SourceError for a slice that is missing,
    damaged, of another size than before, or beyond the limits.
    """
    path = book / page.name
    slices: list[Image.Image] = []
    for name in _slice_names(path, page, names):
        data = _read_slice(name, read)
        if data is None:
            continue
        piece = _decode_slice(path, page, name, data, limits)
        if slices and piece.width != slices[0].width:
            problem = f"slice {name!r} is {piece.width} px wide, the slices before it {slices[0].width}"
            raise SourceError(problem, path, REBUILD)
        slices.append(piece)
        _check_size(path, slices, limits)
    return _join(slices)


def _slice_names(path: Path, page: JoinedPage, names: Collection[str]) -> list[str]:
    """Return the files of the book from the first slice to the last one; some may be no images."""
    ordered = sorted((name for name in names if not is_junk(name)), key=natural_key)
    try:
        return ordered[ordered.index(page.first) : ordered.index(page.last) + 1]
    except ValueError as error:
        raise SourceError("a slice of this page is missing", path, REBUILD) from error


def _read_slice(name: str, read: Callable[[str], bytes]) -> bytes | None:
    """Return the bytes of a slice; None for a file that a build does not take for an image."""
    if is_page(name):
        return read(name)
    if suffix_of(name) in (".json", ".xml"):
        return None
    try:
        data = read(name)
    except SourceError:
        return None
    return data if picture_kind(data[:PICTURE_HEAD]) is PictureKind.PAGE else None


def _decode_slice(path: Path, page: JoinedPage, name: str, data: bytes, limits: ReadLimits) -> Image.Image:
    """Return the rows of one slice that belong to the joined page."""
    try:
        image = open_image(data, max_pixels=limits.max_pixels, max_bytes=limits.max_bytes)
    except PictureError as error:
        raise SourceError(f"slice {name!r}: {error.problem}", path, error.hint) from error
    top = page.top if name == page.first else 0
    bottom = image.height if name != page.last or page.bottom is None else page.bottom
    if not 0 <= top < bottom <= image.height:
        problem = f"slice {name!r} has {image.height} rows, not those from {top} to {bottom}"
        raise SourceError(problem, path, REBUILD)
    return image.crop((0, top, image.width, bottom))


def _check_size(path: Path, slices: Sequence[Image.Image], limits: ReadLimits) -> None:
    try:
        check_size((slices[0].width, sum(piece.height for piece in slices)), limits.max_pixels)
    except PictureError as error:
        raise SourceError(error.problem, path, error.hint) from error


def _join(slices: Sequence[Image.Image]) -> bytes:
    """Return the slices below each other as one BMP."""
    page = Image.new("RGB", (slices[0].width, sum(piece.height for piece in slices)))
    top = 0
    for piece in slices:
        page.paste(piece, (0, top))
        top += piece.height
    file = io.BytesIO()
    page.save(file, "BMP")
    return file.getvalue()
