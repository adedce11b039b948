"""The panels of one page in the form that a person may edit and lay beside it: `panelseek panels`.

An edited file is an annotation like any other: it wins over the panel finder, and the next build encodes that page
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
from retrieval.books.names import sidecar_names
from retrieval.errors import UsageError
from retrieval.images.decode import open_image
from retrieval.images.formats import image_format
from retrieval.records import Box
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url, existing_index


@dataclass(frozen=True, slots=True)
class PagePanels:
    """`page` is ready for JSON, in the form of a page's annotation; `place` says where an edited one is to go.

    `doubt` says why the panels are doubtful, "" where they are not: the index keeps such a page whole besides them.
    """

    page: dict[str, Any]
    place: str
    doubt: str = ""


def page_panels(page: str | Path, index: str | Path | None = None, *, right_to_left: bool = False) -> PagePanels:
    """The panels of a page: as the index has them, else as the file beside it says, else as they are found.

    page: a picture, a page of a book file (`book.cbz/003.png`), or the end of the path of a page of the index.
    Words are left out unless an annotation told them: those that OCR reads are read again in the new boxes.

    Raises `UsageError` where there is no such page, or several, `PictureError` or `SourceError` for an unreadable one.
    """
    found = _of_file(Path(page).expanduser())
    known = None if index is None else _of_index(str(page) if found is None else _full(*found), existing_index(index))
    if known is not None:
        return known
    if found is None:
        raise UsageError(
            f"there is no page {page}: name a picture, a page of a book file (book.cbz/003.png), or one of the index"
        )
    return _looked_at(*found, right_to_left)


def _of_file(path: Path) -> tuple[Path, str] | None:
    """(book, page's name) of a path on the disk, or None where there is no such file."""
    if path.is_file():
        with path.open("rb") as file:
            if image_format(file.read(32)):
                return path, path.name
        raise UsageError(f"{path} is no picture: of a book file name a page too, like {path}/003.png")
    book = next((parent for parent in path.parents if parent.is_file()), None)
    return None if book is None else (book, path.relative_to(book).as_posix())


def _full(book: Path, name: str) -> str:
    place = book.resolve()
    return str(place if place.name == name else place / name)


def _of_index(path: str, folder: Path) -> PagePanels | None:
    """What the index has of a page, by the end of its path."""
    with Catalog.open(catalog_url(folder)) as catalog:
        places = catalog.library.find_pages(posixpath.basename(path))
        fitting = [place for place in places if f"/{_full(place.book, place.name)}".endswith(f"/{path.strip('/')}")]
        if len(fitting) > 1:
            named = ", ".join(_full(place.book, place.name) for place in fitting[:5])
            raise UsageError(f"{len(fitting)} pages of the index are called {path}: {named}; name more of the path")
        if not fitting:
            return None
        (place,) = fitting
        held = catalog.panels.of_page(place.page_id)
    panels = [
        _panel(panel.box, panel.dialogue if panel.text_source == "annotation" else None)
        for panel in held
        if not panel.is_fallback_page
    ]
    doubt = "the index keeps the page whole besides them" if any(panel.is_fallback_page for panel in held) else ""
    return PagePanels(_page(place.width, place.height, panels), _place(place.book, place.name), doubt)


def _looked_at(book: Path, name: str, right_to_left: bool) -> PagePanels:
    picture = open_image(read_page(book, name))
    size = picture.width, picture.height
    note = (
        next((n for n in sidecar_names(name)[1:] if (book.parent / n).is_file()), None) if book.name == name else None
    )
    said = read_annotation(read_page(book, note), *size) if note else None
    doubt = ""
    if said is not None and said.panels:
        panels = [_panel(panel.box, panel.text) for panel in said.panels]
    else:
        outcome = detect_panels(np.asarray(picture), right_to_left=right_to_left)
        panels = [_panel(box, None) for box in outcome.boxes or [Box(0, 0, *size)]]
        doubt = outcome.reason if outcome.low_confidence else ""
    return PagePanels(_page(*size, panels), _place(book, name), doubt)


def _page(width: int, height: int, panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {"image_width": width, "image_height": height, "panels": panels}


def _panel(box: Box, text: str | None) -> dict[str, Any]:
    return {"bbox": box.as_list()} if text is None else {"bbox": box.as_list(), "text": text}


def _place(book: Path, name: str) -> str:
    """Where the file goes that says otherwise: beside the picture; of a book file, inside it or elsewhere."""
    if book.is_dir() or book.name == name:
        folder = book if book.is_dir() else book.parent
        exact, usual = (folder / other for other in sidecar_names(name)[1:])
        return str(exact if exact.is_file() else usual)
    inside = sidecar_names(name)[2]
    return f"{inside} inside {book}, or FOLDER/{book.stem}/{inside} with `panelseek build --annotations FOLDER`"
