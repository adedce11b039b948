"""PDF by pypdfium2. A page that is one scan comes as that scan, as it lies in the file; any other page is drawn."""

from __future__ import annotations

import io
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.books.container import Container, Entry
from retrieval.books.limits import Reading
from retrieval.errors import SourceError
from retrieval.images.decode import is_turned

_PDFIUM = threading.RLock()
"""PDFium is not thread safe, not even for two documents."""

_COVERS = 0.98
"""A scan is the page when it covers so much of its width and of its height."""

_MOSTLY = 0.8
"""Share of its area from which pictures decide the resolution a page is drawn at."""

_POINTS_PER_INCH = 72


class Pdf(Container):
    """A PDF; its pages are called "page 1", "page 2" ... and come as JPEG where they are one, else as BMP."""

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path, reading)
        stat = path.stat()
        self._document = self._open()
        with _PDFIUM:
            count = len(self._document)
        self.refuse(reading.too_many(count))
        self.refuse("" if count else "is a PDF without pages, or damaged; copy it here again")
        self.order = tuple(f"page {number}" for number in range(1, count + 1))
        self.entries = {name: Entry(f"{stat.st_size}:{stat.st_mtime_ns}") for name in self.order}

    def _open(self) -> Any:
        import pypdfium2

        with _PDFIUM:
            try:
                return pypdfium2.PdfDocument(self.path)
            except pypdfium2.PdfiumError as error:
                if "password" in str(error).lower():
                    self.refuse("is encrypted; remove the password")
                self.refuse(f"is a PDF that is cut off or damaged ({error}); copy it here again")
        raise AssertionError  # refuse has raised

    def _bytes(self, name: str, label: str) -> bytes:
        import pypdfium2

        with _PDFIUM:
            try:
                page = self._document[int(name.removeprefix("page ")) - 1]
                try:
                    return self._page(page, label)
                finally:
                    page.close()
            except pypdfium2.PdfiumError as error:
                raise SourceError(f"{label} is damaged: {error}") from error

    def _page(self, page: Any, label: str) -> bytes:
        look = _look_at(page)
        scan = _jpeg(page, look)
        # a hair less: sides are 32-bit floats, and rounding 1500.0001 up would add a column
        return scan if scan is not None else self._drawn(page, _scale(look, self.reading.dpi) * (1 - 1e-6), label)

    def _drawn(self, page: Any, scale: float, label: str) -> bytes:
        width, height = (math.ceil(side * scale) for side in page.get_size())
        if width * height > self.reading.max_pixels:
            raise SourceError(
                f"{label} is {width} x {height} px, {width * height / 1e6:.4g} megapixels; "
                f"the limit is {self.reading.max_pixels / 1e6:.4g} (raise it with --max-pixels, or lower --dpi)"
            )
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
        picture = bitmap.to_pil().convert("RGB")
        file = io.BytesIO()
        picture.save(file, "BMP")  # no time lost on packing: it is unpacked again at once
        bitmap.close()
        return file.getvalue()

    def _close(self) -> None:
        if hasattr(self, "_document"):
            with _PDFIUM:
                self._document.close()


@dataclass(frozen=True, slots=True)
class _Look:
    """What lies on a page. `images`: (object, share of the page's area, pixels per point); `others`: anything else."""

    images: tuple[tuple[Any, float, float], ...]
    others: bool


def _look_at(page: Any) -> _Look:
    """The pictures of a page and whether it shows anything else; invisible text (from OCR) does not count."""
    from pypdfium2 import raw

    images, others = [], False
    for item in page.get_objects(max_depth=1):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            images.append((item, *_extent(page, item)))
        elif item.type == raw.FPDF_PAGEOBJ_TEXT:
            others |= raw.FPDFTextObj_GetTextRenderMode(item) != raw.FPDF_TEXTRENDERMODE_INVISIBLE
        else:
            others = True
    return _Look(tuple(images), others)


def _extent(page: Any, image: Any) -> tuple[float, float]:
    """(share of the page's area, pixels per point) of a picture."""
    left, bottom, right, top = image.get_bounds()
    page_left, page_bottom, page_right, page_top = page.get_bbox()
    wide = min(right, page_right) - max(left, page_left)
    high = min(top, page_top) - max(bottom, page_bottom)
    whole = (page_right - page_left) * (page_top - page_bottom)
    area = (right - left) * (top - bottom)
    if wide <= 0 or high <= 0 or area <= 0 or whole <= 0:
        return 0.0, 0.0
    pixels = math.prod(image.get_px_size())
    return wide * high / whole, math.sqrt(pixels / area)


def _jpeg(page: Any, look: _Look) -> bytes | None:
    """The bytes of the one upright JPEG that is this page; None where it is none, or where drawing it may differ."""
    if look.others or len(look.images) != 1 or page.get_rotation():
        return None
    image = look.images[0][0]
    if image.get_filters() != ["DCTDecode"] or not _fills(page, image) or _is_masked(image):
        return None
    info = image.get_metadata()
    if info.bits_per_pixel not in (8, 24):  # inks are drawn: a JPEG of four channels does not say how
        return None
    data = bytes(image.get_data(decode_simple=False))
    # a PDF shows pictures as they are stored, whatever their own metadata say
    return data if data.startswith(b"\xff\xd8\xff") and not is_turned(data) else None


def _fills(page: Any, image: Any) -> bool:
    """Whether a picture lies upright over the whole page, and not beyond it."""
    matrix = image.get_matrix()
    if matrix.a <= 0 or matrix.d <= 0 or abs(matrix.b) > 1e-3 or abs(matrix.c) > 1e-3:
        return False
    left, bottom, right, top = page.get_bbox()
    slack_x, slack_y = (1 - _COVERS) * (right - left), (1 - _COVERS) * (top - bottom)
    bounds = image.get_bounds()
    x_fits = abs(bounds[0] - left) <= slack_x and abs(bounds[2] - right) <= slack_x
    return bool(x_fits and abs(bounds[1] - bottom) <= slack_y and abs(bounds[3] - top) <= slack_y)


def _is_masked(image: Any) -> bool:
    """Whether parts of a picture are see-through."""
    from pypdfium2 import raw

    return bool(raw.FPDFPageObj_HasTransparency(image))


def _scale(look: _Look, dpi: int) -> float:
    """Pixels per point to draw a page at: the resolution of its pictures where they fill it, else the setting."""
    asked = dpi / _POINTS_PER_INCH
    if sum(share for _, share, _ in look.images) < _MOSTLY:
        return asked
    own = max(look.images, key=lambda item: item[1])[2]
    return max(own, asked) if look.others else own
