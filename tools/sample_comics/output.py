"""Writing of drawn books: a folder of pages with annotations, or a CBZ with its annotations elsewhere."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

from tools.sample_comics.draw.pages import DrawnPage, draw_page
from tools.sample_comics.story import Book

EPOCH = (2024, 1, 1, 0, 0, 0)
GREY = {"hatch", "screentone"}
GREYS = 4
QUALITY = 80


def write_book(book: Book, comics: Path, truth: Path) -> None:
    """Draw every page of a book into `comics`; annotations of CBZ books go to `truth`."""
    pages = [draw_page(book, number) for number in range(1, len(book.pages) + 1)]
    if book.packing == "cbz":
        _write_cbz(book, pages, comics / f"{book.title}.cbz")
        truth.mkdir(parents=True, exist_ok=True)
        records = [_blocks_record(book, number, page) for number, page in enumerate(pages, 1)]
        _write_json(truth / f"{book.name}.json", {"book": f"{book.title}.cbz", "pages": records})
    else:
        _write_folder(book, pages, comics / book.title)


def page_name(book: Book, number: int) -> str:
    """Return the file name of a page: unpadded in archives, so that readers must sort naturally."""
    suffix = "png" if book.style.finish in GREY else "jpg"
    return f"page-{number}.{suffix}" if book.packing == "cbz" else f"{book.name}-{number:02}.{suffix}"


def encoded(book: Book, image: Image.Image) -> bytes:
    """Return a page's file: few greys as PNG, colour as JPEG."""
    buffer = io.BytesIO()
    if book.style.finish in GREY:
        steps = GREYS - 1
        greys = image.convert("L").point([round(round(v / 255 * steps) / steps * 255) for v in range(256)])
        greys.convert("P", palette=Image.Palette.ADAPTIVE, colors=GREYS).save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return buffer.getvalue()


def _write_cbz(book: Book, pages: list[DrawnPage], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number, page in enumerate(pages, 1):
            archive.writestr(zipfile.ZipInfo(page_name(book, number), EPOCH), encoded(book, page.image))


def _write_folder(book: Book, pages: list[DrawnPage], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(pages, 1):
        path = folder / page_name(book, number)
        path.write_bytes(encoded(book, page.image))
        record = _stage1_record(page) if book.packing == "stage1" else _blocks_record(book, number, page)
        _write_json(path.with_suffix(".json"), record)


def _stage1_record(page: DrawnPage) -> dict[str, Any]:
    panels = [{"bbox": list(panel.box), "text": panel.text, "confidence": 1.0} for panel in page.panels]
    return {"image_width": page.image.width, "image_height": page.image.height, "panels": panels}


def _blocks_record(book: Book, number: int, page: DrawnPage) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    for index, panel in enumerate(page.panels):
        panels.append({"bbox": list(panel.box), "text": panel.text})
        if panel.slanted:
            panels[-1]["polygon"] = [[round(x), round(y)] for x, y in panel.outline]
        blocks += [{"bbox": list(block.box), "text": block.text, "panel": index} for block in panel.blocks]
    return {
        "page": page_name(book, number),
        "width": page.image.width,
        "height": page.image.height,
        "series": book.title,
        "language": "en",
        "reading_direction": "rtl" if book.style.rtl else "ltr",
        "panels": panels,
        "blocks": blocks,
    }


def _write_json(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
