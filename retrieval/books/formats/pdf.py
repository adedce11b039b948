"""PDF by pypdfium2. A page that is one scan is returned as stored in the file; any other page is rendered."""

from __future__ import annotations

import io
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.books.container import Container, Entry
from retrieval.books.limits import ReadLimits
from retrieval.books.problems import COPY_AGAIN, ENCRYPTED, ReadProblem, damaged_book
from retrieval.errors import PictureError
from retrieval.images.decode import check_size, is_rotated

_PDFIUM = threading.RLock()
"""PDFium is not thread safe, not even for two documents."""

_SCAN_COVERAGE = 0.98
"""Share of the page's width and height that a scan must cover to be the page: scanners leave thin borders."""

_IMAGE_COVERAGE = 0.8
"""Share of the page's area that its images must cover to decide the resolution of rendering."""

_POINTS_PER_INCH = 72


class Pdf(Container):
    """A PDF. Its pages are named "page 1", "page 2" ...; a scan is returned as JPEG, any other page as BMP."""

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        stat = path.stat()
        self._document = self._open()
        with _PDFIUM:
            count = len(self._document)
        self.refuse(limits.check_count(count))
        if not count:
            self.refuse(ReadProblem("a PDF without pages, or a damaged one", COPY_AGAIN))
        self.order = tuple(f"page {number}" for number in range(1, count + 1))
        self.entries = {name: Entry(f"{stat.st_size}:{stat.st_mtime_ns}") for name in self.order}

    def _open(self) -> Any:
        import pypdfium2
        from pypdfium2 import raw

        with _PDFIUM:
            try:
                return pypdfium2.PdfDocument(self.path)
            except pypdfium2.PdfiumError as error:
                self.refuse(ENCRYPTED if error.err_code == raw.FPDF_ERR_PASSWORD else damaged_book("PDF", error))
        raise AssertionError  # refuse has raised

    def _read_entry(self, name: str) -> bytes:
        import pypdfium2

        with _PDFIUM:
            try:
                page = self._document[int(name.removeprefix("page ")) - 1]
                try:
                    return self._read_page(page, name)
                finally:
                    page.close()
            except pypdfium2.PdfiumError as error:
                raise self.page_error(name, ReadProblem(f"damaged: {error}", COPY_AGAIN)) from error

    def _read_page(self, page: Any, name: str) -> bytes:
        content = _page_content(page)
        scan = _scanned_jpeg(page, content)
        if scan is not None:
            return scan
        # Slightly less: sides are 32-bit floats, and rounding 1500.0001 up would add a column.
        return self._render(page, _scale(content, self.limits.dpi) * (1 - 1e-6), name)

    def _render(self, page: Any, scale: float, name: str) -> bytes:
        width, height = (math.ceil(side * scale) for side in page.get_size())
        try:
            check_size((width, height), self.limits.max_pixels)
        except PictureError as error:
            raise self.page_error(name, ReadProblem(error.problem, f"{error.hint}, or lower --dpi")) from error
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
        image = bitmap.to_pil().convert("RGB")
        file = io.BytesIO()
        image.save(file, "BMP")  # compression would only cost time: it is decoded at once
        bitmap.close()
        return file.getvalue()

    def _close_files(self) -> None:
        if hasattr(self, "_document"):
            with _PDFIUM:
                self._document.close()


@dataclass(frozen=True, slots=True)
class _PageContent:
    """Visible objects of a page.

    images: (object, share of the page's area, pixels per point). has_others: True if there is anything else.
    """

    images: tuple[tuple[Any, float, float], ...]
    has_others: bool


def _page_content(page: Any) -> _PageContent:
    """Return the visible objects of a page; invisible text (from OCR) does not count."""
    from pypdfium2 import raw

    images, has_others = [], False
    for item in page.get_objects(max_depth=1):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            images.append((item, *_extent(page, item)))
        elif item.type == raw.FPDF_PAGEOBJ_TEXT:
            has_others |= raw.FPDFTextObj_GetTextRenderMode(item) != raw.FPDF_TEXTRENDERMODE_INVISIBLE
        else:
            has_others = True
    return _PageContent(tuple(images), has_others)


def _extent(page: Any, image: Any) -> tuple[float, float]:
    """Return (share of the page's area, pixels per point) of an image."""
    left, bottom, right, top = image.get_bounds()
    page_left, page_bottom, page_right, page_top = page.get_bbox()
    width = min(right, page_right) - max(left, page_left)
    height = min(top, page_top) - max(bottom, page_bottom)
    page_area = (page_right - page_left) * (page_top - page_bottom)
    area = (right - left) * (top - bottom)
    if width <= 0 or height <= 0 or area <= 0 or page_area <= 0:
        return 0.0, 0.0
    pixels = math.prod(image.get_px_size())
    return width * height / page_area, math.sqrt(pixels / area)


def _scanned_jpeg(page: Any, content: _PageContent) -> bytes | None:
    """Return the bytes of the one upright JPEG that is this page; None if rendering it may look different."""
    if content.has_others or len(content.images) != 1 or page.get_rotation():
        return None
    image = content.images[0][0]
    if image.get_filters() != ["DCTDecode"] or not _fills_page(page, image) or _is_transparent(image):
        return None
    info = image.get_metadata()
    if info.bits_per_pixel not in (8, 24):  # a JPEG of four channels does not define its inks: render it
        return None
    data = bytes(image.get_data(decode_simple=False))
    # A PDF shows images as they are stored and ignores their own metadata.
    return data if data.startswith(b"\xff\xd8\xff") and not is_rotated(data) else None


def _fills_page(page: Any, image: Any) -> bool:
    """Return True if an image covers the whole page upright, and does not reach beyond it."""
    matrix = image.get_matrix()
    if matrix.a <= 0 or matrix.d <= 0 or abs(matrix.b) > 1e-3 or abs(matrix.c) > 1e-3:
        return False
    left, bottom, right, top = page.get_bbox()
    slack_x, slack_y = (1 - _SCAN_COVERAGE) * (right - left), (1 - _SCAN_COVERAGE) * (top - bottom)
    bounds = image.get_bounds()
    x_fits = abs(bounds[0] - left) <= slack_x and abs(bounds[2] - right) <= slack_x
    return bool(x_fits and abs(bounds[1] - bottom) <= slack_y and abs(bounds[3] - top) <= slack_y)


def _is_transparent(image: Any) -> bool:
    """Return True if parts of an image are transparent."""
    from pypdfium2 import raw

    return bool(raw.FPDFPageObj_HasTransparency(image))


def _scale(content: _PageContent, dpi: int) -> float:
    """Return the pixels per point to render a page at: the resolution of its images if they fill it, else `dpi`."""
    default = dpi / _POINTS_PER_INCH
    if sum(share for _, share, _ in content.images) < _IMAGE_COVERAGE:
        return default
    own = max(content.images, key=lambda item: item[1])[2]
    return max(own, default) if content.has_others else own
