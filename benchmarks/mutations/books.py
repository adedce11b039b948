"""A small book of every format: its files by path. Formats whose programs are missing here are left out."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.conftest import draw_page, panel_boxes
from tests.reading import formats
from tests.reading.rar import old_rar, rar

PAGES = 4
SIZE = (160, 240)

Files = dict[str, bytes]
Members = list[tuple[str, bytes]]

_COMIC_INFO = (
    '<?xml version="1.0"?><ComicInfo><Series>Night Harbor</Series><Number>2</Number><Pages>'
    '<Page Image="0" Type="FrontCover"/><Page Image="1" Type="Story"/></Pages></ComicInfo>'
)


def _picture(number: int, kind: str) -> bytes:
    out = io.BytesIO()
    draw_page(number, 4, SIZE).save(out, kind)
    return out.getvalue()


def _pages(kind: str = "JPEG", suffix: str = "jpg") -> Members:
    return [(f"page {number}.{suffix}", _picture(number, kind)) for number in range(1, PAGES + 1)]


def _folder(kind: str, suffix: str) -> Files:
    return dict(_pages(kind, suffix))


def _page_json(number: int) -> bytes:
    panels = [{"bbox": list(box), "text": f"line {number}"} for box in panel_boxes(4, SIZE)]
    return json.dumps({"image_width": SIZE[0], "image_height": SIZE[1], "panels": panels}).encode()


def _with_page_json() -> Files:
    annotations = {f"page {number}.json": _page_json(number) for number in range(1, PAGES + 1)}
    return {**_folder("PNG", "png"), **annotations}


def _with_mokuro() -> Files:
    block = {"box": [10, 10, 60, 40], "lines": ["夜の港"], "vertical": True, "font_size": 12}
    pages = [{"img_width": SIZE[0], "img_height": SIZE[1], "img_path": name, "blocks": [block]} for name, _ in _pages()]
    text = json.dumps({"version": "0.2", "title": "Night Harbor", "volume": "1", "pages": pages})
    return {"book.cbz": formats.make_zip_bytes(_pages()), "book.mokuro": text.encode()}


def _seven_zip() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        return {"book.cb7": formats.make_7z(_pages(), Path(folder))}


def _image_kinds() -> dict[str, tuple[str, str]]:
    kinds = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "TIFF": "tiff", "GIF": "gif", "BMP": "bmp", "AVIF": "avif"}
    Image.init()
    return {f"{kind} files": (kind, suffix) for kind, suffix in kinds.items() if kind in Image.SAVE}


def make_books() -> dict[str, Files]:
    """Return the files of each book by the name of its format."""
    numbered = [(f"{place}", data) for place, (_, data) in enumerate(_pages())]
    makers: dict[str, Callable[[], Files]] = {
        "CBZ stored": lambda: {"book.cbz": formats.make_zip_bytes(_pages(), 0)},
        "CBZ deflated": lambda: {"book.cbz": formats.make_zip_bytes(_pages("BMP", "bmp"))},
        "CBZ with ComicInfo": lambda: {
            "book.cbz": formats.make_zip_bytes([*_pages(), ("ComicInfo.xml", _COMIC_INFO.encode())])
        },
        "CBZ, pages without extension": lambda: {"book.cbz": formats.make_zip_bytes(numbered)},
        "CBT": lambda: {"book.cbt": formats.make_tar(_pages())},
        "CBT gzip": lambda: {"book.cbt": formats.make_tar(_pages(), "w:gz")},
        "CBT xz": lambda: {"book.cbt": formats.make_tar(_pages(), "w:xz")},
        "CBR stored": lambda: {"book.cbr": rar(_pages(), packed=False)},
        "CBR old, stored": lambda: {"book.cbr": old_rar(_pages(), packed=False)},
        "PDF": lambda: {"book.pdf": formats.make_pdf([data for _, data in _pages()])},
        "EPUB": lambda: {"book.epub": formats.make_epub(_pages())},
        "ACBF": lambda: {"book.acbf": formats.make_acbf(_pages())},
        "JSON next to pages": _with_page_json,
        "mokuro": _with_mokuro,
    }
    for name, (kind, suffix) in _image_kinds().items():
        makers[name] = lambda kind=kind, suffix=suffix: _folder(kind, suffix)
    if shutil.which("bsdtar") and importlib.util.find_spec("py7zr"):
        makers["CB7"] = _seven_zip
    if any(shutil.which(program) for program in ("unar", "unrar", "bsdtar")):
        makers["CBR packed"] = lambda: {"book.cbr": rar(_pages("PNG", "png"))}
        makers["CBR solid"] = lambda: {"book.cbr": rar(_pages("PNG", "png"), solid=True)}
    return {name: make() for name, make in makers.items()}
