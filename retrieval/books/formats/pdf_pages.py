"""Content of a PDF page: its pictures, whether it is one plain JPEG, and the resolution to draw it at.

The caller (`pdf`) holds the lock and handles PDFium's errors. An object inside a form has the coordinates of that form.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from retrieval.images.decode import is_rotated
from retrieval.images.repair import DAMAGE

_MAX_FORMS = 15
"""Depth of nested forms in which pictures are looked for."""

_SCAN_COVERAGE = 0.98
"""Share of the page's width and height that a scan must cover to be the page: scanners leave thin borders."""

_IMAGE_COVERAGE = 0.8
"""Share of the page's area that its images must cover to decide the resolution of rendering."""

_POINTS_PER_INCH = 72

_PREVIEW_PIXELS = 180_000
"""Width times height of the drawing that a JPEG is compared with: 360 x 500 px."""

_GRID = (8, 10)
"""Columns and rows of mean colours that are compared; finer ones would show how the two were scaled."""

_MAX_MEAN_DIFFERENCE, _MAX_DIFFERENCE = 3.0, 12
"""Difference of the mean colours (0-255) up to which a drawing shows its JPEG unchanged. Measured on real scans: 1.0
on average and 5 at most, because the two are scaled differently."""

_OPAQUE = 255

_Part = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a page.

    bounds: left, bottom, right, top in points of the page. share: of the page's area. resolution: pixels per point.
    is_upright: neither turned nor mirrored.
    """

    object: Any
    bounds: tuple[float, float, float, float]
    share: float
    resolution: float
    is_upright: bool


@dataclass(frozen=True, slots=True)
class PageContent:
    """Visible objects of a page, inside forms too. has_others: True if there is anything else than pictures."""

    pictures: tuple[Picture, ...]
    has_others: bool


def page_content(page: Any) -> PageContent:
    """Return the visible objects of a page; invisible text (from OCR) does not count."""
    from pypdfium2 import PdfiumError, raw

    pictures, has_others = [], False
    for item in page.get_objects(max_depth=_MAX_FORMS):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            try:
                pictures.append(_picture(page, item))
            except PdfiumError:  # damaged: the rest of the page is drawn without it
                has_others = True
        elif item.type == raw.FPDF_PAGEOBJ_TEXT:
            has_others |= raw.FPDFTextObj_GetTextRenderMode(item) != raw.FPDF_TEXTRENDERMODE_INVISIBLE
        elif item.type != raw.FPDF_PAGEOBJ_FORM or item.level >= _MAX_FORMS - 1:
            has_others = True
    return PageContent(tuple(pictures), has_others)


def _picture(page: Any, image: Any) -> Picture:
    matrices = [image.get_matrix(), *(form.get_matrix() for form in _forms(image))]
    bounds = image.get_bounds()
    for matrix in matrices[1:]:
        bounds = matrix.on_rect(*bounds)
    left, bottom, right, top = bounds
    page_left, page_bottom, page_right, page_top = page.get_bbox()
    width = min(right, page_right) - max(left, page_left)
    height = min(top, page_top) - max(bottom, page_bottom)
    page_area = (page_right - page_left) * (page_top - page_bottom)
    area = math.prod(abs(matrix.a * matrix.d - matrix.b * matrix.c) for matrix in matrices)
    if width <= 0 or height <= 0 or area <= 0 or page_area <= 0:
        return Picture(image, bounds, 0.0, 0.0, is_upright=False)
    resolution = math.sqrt(math.prod(image.get_px_size()) / area)
    is_upright = all(_is_upright(matrix) for matrix in matrices)
    return Picture(image, bounds, width * height / page_area, resolution, is_upright)


def _forms(item: Any) -> Iterator[Any]:
    """Yield the forms that hold an object, the innermost first."""
    while item.container is not None:
        item = item.container
        yield item


def _is_upright(matrix: Any) -> bool:
    return bool(matrix.a > 0 and matrix.d > 0 and abs(matrix.b) <= 1e-3 and abs(matrix.c) <= 1e-3)


def render_scale(content: PageContent, dpi: int) -> float:
    """Return the pixels per point to draw a page at: the resolution of its pictures if they fill it, else `dpi`.

    Of several pictures over the whole page the finest counts: a stencil of the ink over a coarser background.
    """
    default = dpi / _POINTS_PER_INCH
    if sum(picture.share for picture in content.pictures) < _IMAGE_COVERAGE:
        return default
    largest = max(picture.share for picture in content.pictures)
    filling = min(largest, _IMAGE_COVERAGE)
    own = max(picture.resolution for picture in content.pictures if picture.share >= filling)
    return max(own, default) if content.has_others else own


# ------------------------------------------------------------------ plain JPEGs


def plain_jpeg(page: Any, content: PageContent) -> bytes | None:
    """Return the bytes of the one upright JPEG that is this page; None if the page may look different from it."""
    if content.has_others or len(content.pictures) != 1 or page.get_rotation():
        return None
    picture = content.pictures[0]
    image = picture.object
    if image.get_filters() != ["DCTDecode"] or not _fills_page(page, picture) or not _has_plain_colours(image):
        return None
    data = bytes(image.get_data(decode_simple=False))
    # A PDF shows images as they are stored and ignores their own metadata.
    if not data.startswith(b"\xff\xd8\xff") or is_rotated(data):
        return None
    return data if _shows_unchanged(page, picture, data) else None


def _fills_page(page: Any, picture: Picture) -> bool:
    """Return True if a picture covers the whole page upright, and does not reach beyond it."""
    if not picture.is_upright:
        return False
    left, bottom, right, top = page.get_bbox()
    slack_x, slack_y = (1 - _SCAN_COVERAGE) * (right - left), (1 - _SCAN_COVERAGE) * (top - bottom)
    bounds = picture.bounds
    x_fits = abs(bounds[0] - left) <= slack_x and abs(bounds[2] - right) <= slack_x
    return bool(x_fits and abs(bounds[1] - bottom) <= slack_y and abs(bounds[3] - top) <= slack_y)


def _has_plain_colours(image: Any) -> bool:
    """Return True if the values of an image are greys or RGB, and nothing about it declares transparency."""
    from pypdfium2 import raw

    plain = (
        *(raw.FPDF_COLORSPACE_DEVICEGRAY, raw.FPDF_COLORSPACE_DEVICERGB),
        *(raw.FPDF_COLORSPACE_CALGRAY, raw.FPDF_COLORSPACE_CALRGB, raw.FPDF_COLORSPACE_ICCBASED),
    )
    # PDFium says unknown for a JPEG whose channels are not those of its colour space, and draws nothing.
    if image.get_metadata().colorspace not in (*plain, raw.FPDF_COLORSPACE_UNKNOWN):
        return False
    return not any(raw.FPDFPageObj_HasTransparency(item) for item in (image, *_forms(image)))


def _shows_unchanged(page: Any, picture: Picture, jpeg: bytes) -> bool:
    """Return True if PDFium draws the page as this JPEG alone.

    PDFium does not tell whether an image has a mask, a `Decode` array or a clipping path, or how a profile changes
    its colours: all of them show in a small drawing of the page.
    """
    width, height = page.get_size()
    scale = min(picture.resolution, math.sqrt(_PREVIEW_PIXELS / (width * height)))
    drawn, part = _inside(_preview(page, scale), page, picture, scale)
    opacity = drawn[..., 3]
    is_undrawn = drawn.size > 0 and not opacity.any() and _has_unknown_colours(picture.object)
    if not drawn.size or (opacity.min() < _OPAQUE and not is_undrawn):
        return False
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(jpeg)) as image:  # without Pillow's own limit of pixels
            if image.mode not in ("L", "RGB") or is_undrawn:
                return image.mode in ("L", "RGB")
            image.draft(image.mode, (drawn.shape[1] // 2, drawn.shape[0] // 2))
            stored = _mean_colours(image.convert("RGB"), part)
    except DAMAGE:
        return False
    difference = np.abs(_mean_colours(Image.fromarray(drawn[..., :3])) - stored)
    return bool(difference.mean() <= _MAX_MEAN_DIFFERENCE and difference.max() <= _MAX_DIFFERENCE)


def _has_unknown_colours(image: Any) -> bool:
    from pypdfium2 import raw

    return bool(image.get_metadata().colorspace == raw.FPDF_COLORSPACE_UNKNOWN)


def _preview(page: Any, scale: float) -> NDArray[np.uint8]:
    """Return a small (H, W, 4) RGBA drawing of a page on nothing."""
    bitmap = page.render(scale=scale, fill_color=(0, 0, 0, 0), rev_byteorder=True, may_draw_forms=False)
    try:
        return np.array(bitmap.to_pil().convert("RGBA"))
    finally:
        bitmap.close()


def _inside(drawn: NDArray[np.uint8], page: Any, picture: Picture, scale: float) -> tuple[NDArray[np.uint8], _Part]:
    """Return the part of a drawing that a picture covers, without the pixels on its edge, and the same of the picture.

    The latter is left, top, right, bottom as shares of the picture.
    """
    page_left, _, _, page_top = page.get_bbox()
    left, bottom, right, top = picture.bounds
    # PDFium stretches a picture to whole pixels.
    left, right = math.floor((left - page_left) * scale), math.ceil((right - page_left) * scale)
    top, bottom = math.floor((page_top - top) * scale), math.ceil((page_top - bottom) * scale)
    columns = max(0, left) + 1, min(drawn.shape[1], right) - 1
    rows = max(0, top) + 1, min(drawn.shape[0], bottom) - 1
    x = [(column - left) / (right - left) for column in columns]
    y = [(row - top) / (bottom - top) for row in rows]
    return drawn[slice(*rows), slice(*columns)], (x[0], y[0], x[1], y[1])


def _mean_colours(image: Image.Image, part: _Part = (0, 0, 1, 1)) -> NDArray[np.int16]:
    """Return the mean colours of a part of an RGB image over a grid."""
    left, top, right, bottom = part
    box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    return np.asarray(image.resize(_GRID, Image.Resampling.BOX, box), np.int16)
