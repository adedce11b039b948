"""PDF by pypdfium2. A page that is one plain JPEG is returned as stored in the file; any other page is rendered."""

from __future__ import annotations

import atexit
import ctypes
import io
import math
import mmap
import re
import threading
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from retrieval.books.container import Container, Entry
from retrieval.books.formats.pdf_pages import page_content, plain_jpeg, render_scale
from retrieval.books.limits import ReadLimits
from retrieval.books.problems import COPY_AGAIN, ENCRYPTED, ReadProblem, damaged_book
from retrieval.errors import PictureError
from retrieval.images.decode import check_size

_PDFIUM = threading.RLock()
"""PDFium is not thread safe, not even for two documents."""

_VERSION = 2
"""Version of the reading of pages; part of their fingerprints, so that the next build reads them again."""

_HEAD = 1024
_REVISION = re.compile(rb"startxref")
_PAGE_OBJECT = re.compile(rb"\bobj\b[^>]{0,200}/Type\s*/Page\b")

_OPEN: WeakValueDictionary[int, Pdf] = WeakValueDictionary()
"""The open documents of this process, by their `id`."""


class Pdf(Container):
    """A PDF. Its pages are named "page 1", "page 2" ...; a plain JPEG is returned as such, any other page as BMP."""

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        stat = path.stat()
        self._document = self._open()
        _OPEN[id(self)] = self
        with _PDFIUM:
            count = len(self._document)
            self.reading_direction = _reading_direction(self._document)
        self.refuse(limits.check_count(count))
        if not count:
            self.refuse(ReadProblem("a PDF without pages, or a damaged one", COPY_AGAIN))
        self.order = tuple(f"page {number}" for number in range(1, count + 1))
        self.entries = {name: Entry(f"{stat.st_size}:{stat.st_mtime_ns}|pdf-{_VERSION}") for name in self.order}

    def find_warning(self) -> ReadProblem | None:
        """Return a warning if the file has more pages than its page tree lists."""
        return _lost_pages(self.path, len(self.entries))

    def _open(self) -> Any:
        pypdfium2 = _load_pdfium()
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
            except (pypdfium2.PdfiumError, ValueError) as error:  # ValueError: a box outside the page
                raise self.page_error(name, ReadProblem(f"damaged: {error}", COPY_AGAIN)) from error

    def _read_page(self, page: Any, name: str) -> bytes:
        content = page_content(page)
        jpeg = plain_jpeg(page, content)
        if jpeg is not None:
            return jpeg
        # Slightly less: sides are 32-bit floats, and rounding 1500.0001 up would add a column.
        return self._render(page, render_scale(content, self.limits.dpi) * (1 - 1e-6), name)

    def _render(self, page: Any, scale: float, name: str) -> bytes:
        width, height = (math.ceil(side * scale) for side in page.get_size())
        try:
            check_size((width, height), self.limits.max_pixels)
        except PictureError as error:
            raise self.page_error(name, ReadProblem(error.problem, f"{error.hint}, or lower --dpi")) from error
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
        file = io.BytesIO()
        try:
            bitmap.to_pil().convert("RGB").save(file, "BMP")  # not compressed: it is decoded at once
        finally:
            bitmap.close()
        return file.getvalue()

    def _close_files(self) -> None:
        if hasattr(self, "_document"):
            with _PDFIUM:
                self._document.close()
            _OPEN.pop(id(self), None)


@cache
def _load_pdfium() -> Any:
    """Import PDFium, and have all documents closed at exit before its library is unloaded.

    Handlers run in reverse order, and pypdfium2 registers its own when it is imported.
    """
    import pypdfium2

    atexit.register(_close_documents)
    return pypdfium2


def _close_documents() -> None:
    for document in list(_OPEN.values()):
        document.close()


def _lost_pages(path: Path, count: int) -> ReadProblem | None:
    """Return a warning if a PDF has more page objects than its page tree lists.

    A PDF with revisions may have dropped pages on purpose, and one with object streams hides them: no warning for both.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        revisions = len(_REVISION.findall(data)) - (b"/Linearized" in data[:_HEAD])
        found = len(_PAGE_OBJECT.findall(data)) if revisions <= 1 else 0
    return damaged_book("PDF", f"its list of pages has {count} of {found}") if found > count else None


def _reading_direction(document: Any) -> str | None:
    """Return the direction in the preferences of a document: "rtl" for `/R2L`; its default `/L2R` says nothing."""
    from pypdfium2 import raw

    name = ctypes.create_string_buffer(8)
    length = raw.FPDF_VIEWERREF_GetName(document, b"Direction", name, len(name))
    return "rtl" if length and name.value == b"R2L" else None
