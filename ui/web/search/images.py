"""The query image: an upload or a panel's image, decoded within bounds and cropped."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from retrieval.errors import PictureError, SourceError
from retrieval.images.decode import open_image
from retrieval.images.formats import FORMATS, image_format, other_image_format
from retrieval.images.reduce import decoding_bytes, open_reduced
from retrieval.images.thumbnail import encode_webp, shrink
from retrieval.index import PanelIndex
from retrieval.records import Panel
from ui.web.memory import decoding, decoding_upload, limits, page_bytes
from ui.web.search.search_state import Crop, SearchState
from ui.web.shell.messages import NOT_AN_IMAGE, UPLOAD_EXPIRED
from ui.web.shell.parameters import MAX_UPLOAD_PIXELS

log = logging.getLogger("panelseek.web")

_PREVIEW_SIDE = 900
_MAGIC_BYTES = 64


def query_image(
    index: PanelIndex, state: SearchState, like: Panel | None = None, claims: ExitStack | None = None
) -> Image.Image | None:
    """Return the query image, cropped: that of the panel `like`, else the upload; None if there is neither.

    claims: holds the memory of the image until it is closed; without it, only while the image is decoded.
    """
    with ExitStack() as own:
        held = own if claims is None else claims
        if like is not None:
            return crop_image(panel_image(index, like, held), state.crop)
        if state.upload is not None:
            return crop_image(read_upload(state.upload, held), state.crop)
    return None


def panel_image(index: PanelIndex, panel: Panel, claims: ExitStack) -> Image.Image:
    """Return a panel's image from the comic, or its thumbnail if the comic cannot be read."""
    claims.enter_context(decoding(page_bytes(panel)))
    try:
        return index.panel_image(panel)
    except (SourceError, PictureError) as error:
        log.warning("panel %d from its thumbnail: %s", panel.id, error)
        return open_image(index.thumbnail(panel))


def crop_image(image: Image.Image, crop: Crop | None) -> Image.Image:
    """Return the part of an image, at least one pixel of it."""
    if crop is None:
        return image
    left, top = int(crop.left * image.width), int(crop.top * image.height)
    left, top = min(left, image.width - 1), min(top, image.height - 1)
    right, bottom = round((crop.left + crop.width) * image.width), round((crop.top + crop.height) * image.height)
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def upload_preview(path: str) -> bytes:
    """Return an upload as the web app shows it: upright, WebP bytes, longest side at most 900 px."""
    with ExitStack() as claims:
        return encode_webp(shrink(read_upload(path, claims), _PREVIEW_SIDE))


def read_upload(path: str, claims: ExitStack | None = None) -> Image.Image:
    """Return an uploaded image, decoded within the bounds of the web app. Raises `PictureError` without a path.

    claims: holds the memory of the image until it is closed; without it, only while the image is decoded.
    """
    most = limits().upload
    with ExitStack() as own:
        try:
            with Path(path).open("rb") as file:
                head = file.read(_MAGIC_BYTES)
                if head and image_format(head) is None and not other_image_format(head):  # named below
                    raise PictureError(NOT_AN_IMAGE, hint=f"use {FORMATS}")
                file.seek(0)
                claim_memory(file, min(most, Path(path).stat().st_size), own if claims is None else claims)
                file.seek(0)
                data = file.read(most + 1)
        except OSError:
            raise PictureError(UPLOAD_EXPIRED, hint="add it again; uploads are kept for an hour") from None
        return decode_upload(data)


def claim_memory(file: BinaryIO, more: int, claims: ExitStack) -> None:
    """Claim the memory for an image of a visitor, by its header, and `more` bytes. Raises `PictureError`."""
    try:
        size = decoding_bytes(file, MAX_UPLOAD_PIXELS)
    except PictureError as error:
        raise _for_visitor(error) from error
    claims.enter_context(decoding_upload(size, more))


def decode_upload(data: bytes) -> Image.Image:
    """Return the image in bytes from a visitor, upright, within the limits of the web app. Raises `PictureError`.

    One of more than 16 megapixels is reduced. The caller holds the memory for it (`claim_memory`).
    """
    try:
        return open_reduced(data, max_pixels=MAX_UPLOAD_PIXELS, max_bytes=limits().upload)
    except PictureError as error:
        raise _for_visitor(error) from error


def _for_visitor(error: PictureError) -> PictureError:
    """Return an error without its hint, which is one for the command line."""
    return PictureError(error.problem, hint="use another image")
