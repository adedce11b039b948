"""The example image query: a panel as if photographed, slightly crooked and brown."""

import io
from pathlib import Path

from PIL import Image, ImageEnhance

from tools.sample_comics.draw.pages import draw_page
from tools.sample_comics.story import Book

PAGE, PANEL = 11, 3  # of The Dark Lamp; both count from 1


def write_query(book: Book, path: Path) -> None:
    path.write_bytes(photographed(panel_picture(book, PAGE, PANEL)))


def panel_picture(book: Book, page: int, panel: int) -> Image.Image:
    drawn = draw_page(book, page)
    x, y, w, h = drawn.panels[panel - 1].box
    return drawn.image.crop((x, y, x + w, y + h))


def photographed(picture: Image.Image) -> bytes:
    """Return a JPEG of a picture trimmed, turned by a degree, smaller and faded."""
    w, h = picture.size
    turned = picture.rotate(1.3, Image.Resampling.BICUBIC, fillcolor="#f2eadb")
    trimmed = turned.crop((round(w * 0.03), round(h * 0.04), round(w * 0.97), round(h * 0.95)))
    small = trimmed.resize((round(w * 0.62), round(h * 0.62)), Image.Resampling.BICUBIC)
    faded = Image.blend(ImageEnhance.Contrast(small).enhance(0.86), Image.new("RGB", small.size, "#d8b98a"), 0.08)
    buffer = io.BytesIO()
    faded.save(buffer, "JPEG", quality=58)
    return buffer.getvalue()
