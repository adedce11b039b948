"""The panels of one page as JSON, to be corrected by hand and saved next to the page: `panelseek panels`.

A corrected file is an annotation like any other. Its boxes replace detected ones, and the next build encodes that page
again.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index_builder.annotations import read_annotation
from index_builder.panels import detect_panels
from retrieval.books import read_page
from retrieval.books.formats.folder import spelled_on_disk
from retrieval.books.names import sidecar_names
from retrieval.errors import UsageError
from retrieval.images.decode import open_image
from retrieval.images.formats import image_format
from retrieval.names import name_key
from retrieval.records import Box
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url, existing_index
from retrieval.values import path_argument

_SHOWN_PAGES = 5
"""Pages that the error for an ambiguous name lists."""

_NAME_A_PAGE = "name an image, a page of a book file (book.cbz/003.png), or an indexed page"


@dataclass(frozen=True, slots=True)
class PagePanels:
    """The panels of one page.

    page: ready for JSON, in the form of a page annotation. save_as: where a corrected annotation goes.
    warning: why the detection has low confidence; "" if it has not.
    """

    page: dict[str, Any]
    save_as: str
    warning: str = ""


def page_panels(page: str | Path, index: str | Path | None = None, *, right_to_left: bool = False) -> PagePanels:
    """Return the panels of a page: those of the index, else those of its annotation, else detected ones.

    page: an image, a page of a book file (`book.cbz/003.png`), or the end of the path of an indexed page.
    right_to_left: reading order of detected panels. Text is included only if it comes from an annotation: OCR runs
    again in the corrected boxes.

    Raises `UsageError` if no page or several have this name, `PictureError` or `SourceError` for an unreadable page.
    """
    file = _page_file(path_argument("the page", page))
    path = str(page) if file is None else _full_path(*file)
    indexed = None if index is None else _indexed_panels(path, existing_index(index))
    if indexed is not None:
        return indexed
    if file is None:
        raise UsageError("there is no such page", page, _NAME_A_PAGE)
    return _file_panels(*file, right_to_left)


def _page_file(path: Path) -> tuple[Path, str] | None:
    """Return the book and page name of a path on disk; None if there is no such file."""
    if path.is_file():
        with path.open("rb") as file:
            if image_format(file.read(32)):
                return path, path.name
        raise UsageError("the file is not an image", path, f"name a page in it too, such as {path}/003.png")
    book = next((parent for parent in path.parents if parent.is_file()), None)
    return None if book is None else (book, path.relative_to(book).as_posix())


def _full_path(book: Path, name: str) -> str:
    """Return the absolute path of a page; a single image is its own book."""
    resolved = book.resolve()
    return str(resolved if resolved.name == name else resolved / name)


def _indexed_panels(path: str, folder: Path) -> PagePanels | None:
    """Return the panels that an index has of the page whose path ends like this; None if it has no such page."""
    ending = f"/{name_key(path.strip('/'))}"
    with Catalog.open(catalog_url(folder)) as catalog:
        pages = catalog.library.find_pages(posixpath.basename(path))
        matching = [page for page in pages if f"/{name_key(_full_path(page.book, page.name))}".endswith(ending)]
        if len(matching) > 1:
            listed = ", ".join(_full_path(page.book, page.name) for page in matching[:_SHOWN_PAGES])
            problem = f"{len(matching)} pages of the index are called {path}: {listed}"
            raise UsageError(problem, folder, "name more of the path")
        if not matching:
            return None
        (page,) = matching
        panels = catalog.panels.of_page(page.page_id)
    detected = [panel for panel in panels if not panel.is_fallback_page]
    entries = [_entry(p.box, p.dialogue if p.text_source == "annotation" else None) for p in detected]
    warning = "the index also has the page as a whole" if len(detected) < len(panels) else ""
    return PagePanels(_annotation(page.width, page.height, entries), _save_as(page.book, page.name), warning)


def _file_panels(book: Path, name: str, right_to_left: bool) -> PagePanels:
    """Return the panels of the page's annotation, else detected ones."""
    image = open_image(read_page(book, name))
    size = image.width, image.height
    sidecar = _sidecar(book, name)
    annotation = read_annotation(read_page(book, sidecar), *size) if sidecar else None
    if annotation is not None and annotation.panels:
        entries, warning = [_entry(panel.box, panel.text) for panel in annotation.panels], ""
    else:
        detection = detect_panels(np.asarray(image), right_to_left=right_to_left)
        entries = [_entry(box, None) for box in detection.boxes or [Box(0, 0, *size)]]
        warning = detection.reason if detection.low_confidence else ""
    return PagePanels(_annotation(*size, entries), _save_as(book, name), warning)


def _sidecar(book: Path, name: str) -> str | None:
    """Return the name of the annotation file next to a single image, if there is one."""
    if book.name != name:
        return None
    return next((found for other in sidecar_names(name)[1:] if (found := spelled_on_disk(book.parent, other))), None)


def _annotation(width: int, height: int, panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {"image_width": width, "image_height": height, "panels": panels}


def _entry(box: Box, text: str | None) -> dict[str, Any]:
    return {"bbox": box.as_list()} if text is None else {"bbox": box.as_list(), "text": text}


def _save_as(book: Path, name: str) -> str:
    """Return where a corrected annotation goes: next to an image; for a book file, into it or into a folder."""
    if book.is_dir() or book.name == name:
        folder = book if book.is_dir() else book.parent
        exact, default = (folder / other for other in sidecar_names(name)[1:])
        return str(exact if exact.is_file() else default)
    inside = sidecar_names(name)[2]
    return f"{inside} inside {book}, or FOLDER/{book.stem}/{inside} with `panelseek build --annotations FOLDER`"
