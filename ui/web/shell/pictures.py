"""Images by address: panels and pages of the index, by their ids, and nothing else.

`pictures/panel/17` is the thumbnail; with `?side=960` it is cut from the comic now, its longest side at most that.
`pictures/panel/17.png` is the panel as it is in the comic, to be saved. `pictures/page/5` is a page. `?v=` changes with
the image, so that browsers may keep it for good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retrieval.collections import panel_png
from retrieval.errors import PanelseekError, PictureError, SourceError
from retrieval.images.thumbnail import encode_webp
from retrieval.index import PanelIndex
from retrieval.records import Panel
from ui.web.gradio_compat import is_logged_in
from ui.web.memory import decoding, page_bytes
from ui.web.shell.downloads import panel_file_name, saved_as, sentence
from ui.web.shell.parameters import LARGEST_ID, find_panel

log = logging.getLogger("panelseek.web")

SIDES = (480, 960)
"""Longest sides in pixels of images cut on request. Few, so that the browser's cache is used."""

CACHED_FOR_GOOD = {"cache-control": "private, max-age=31536000, immutable"}

_MAX_PAGE_PIXELS = 3_000_000
_MAX_PAGE_WIDTH = 1_400
_MAX_SIDE = 16_000  # WebP ends at 16,383 px
_THUMBNAIL_BYTES = 64 * 1024


def picture_routes(index: PanelIndex) -> list[Route]:
    """Return the routes of the images, for visitors who may see the web app."""

    def panel(request: Request) -> Response:
        return _respond(request, lambda: _panel(index, request))

    def page(request: Request) -> Response:
        def draw() -> bytes:
            side, page = _side(request), _id(request)
            with decoding(_bytes_of_page(index, page)):
                image = index.page_image(page)
                return page_as_webp(image) if side is None else encode_webp(_fit(image, side), 80)

        return _respond(request, draw)

    def file(request: Request) -> Response:
        return _panel_file(index, request)

    return [
        Route("/pictures/panel/{id:int}", panel),
        Route("/pictures/panel/{id:int}.png", file),
        Route("/pictures/page/{id:int}", page),
    ]


def panel_as_png(index: PanelIndex, panel: Panel) -> bytes:
    """Return a panel, cut from its comic, as PNG bytes, within the memory for images."""
    with decoding(page_bytes(panel)):
        return panel_png(index, panel)


def _panel_file(index: PanelIndex, request: Request) -> Response:
    if not is_logged_in(request):
        return Response(status_code=401)
    try:
        panel = find_panel(index, str(_id(request)))
        return Response(panel_as_png(index, panel), media_type="image/png", headers=saved_as(panel_file_name(panel)))
    except PanelseekError as error:
        return sentence(error, 404)


def _panel(index: PanelIndex, request: Request) -> bytes:
    panel = index.panel(_id(request))
    side = _side(request)
    if side is None:
        with decoding(_THUMBNAIL_BYTES):
            stored = index.thumbnails([panel]).get(panel.id)
        if stored is not None:
            return stored
        with decoding(page_bytes(panel)):
            return index.thumbnail(panel)
    with decoding(page_bytes(panel)):
        return encode_webp(_fit(index.panel_image(panel), side), 84)


def _bytes_of_page(index: PanelIndex, page_id: int) -> int:
    panels = index.page_panels(page_id)
    return page_bytes(panels[0]) if panels else 0  # without panels there is no such page


def _side(request: Request) -> int | None:
    """Return the requested longest side, None if it is not one of `SIDES`."""
    return next((side for side in SIDES if request.query_params.get("side") == str(side)), None)


def _id(request: Request) -> int:
    return min(int(request.path_params["id"]), LARGEST_ID)


def _respond(request: Request, draw: Callable[[], bytes]) -> Response:
    if not is_logged_in(request):
        return Response(status_code=401)
    try:
        return Response(
            draw(), media_type="image/webp", headers=CACHED_FOR_GOOD if "v" in request.query_params else None
        )
    except (SourceError, PictureError) as error:
        log.warning("no image for %s: %s", request.url.path, error)
    except PanelseekError:
        pass  # no such panel or page
    return Response(status_code=404)


def page_as_webp(page: Image.Image) -> bytes:
    """Return WebP bytes of a page, small enough to send and large enough to read, for long webtoon strips too."""
    width, height = page.size
    scale = min(1.0, _MAX_PAGE_WIDTH / width, (_MAX_PAGE_PIXELS / (width * height)) ** 0.5, _MAX_SIDE / height)
    return encode_webp(_scale(page, scale), 82)


def _fit(image: Image.Image, side: int) -> Image.Image:
    return _scale(image, min(1.0, side / max(image.size)))


def _scale(image: Image.Image, scale: float) -> Image.Image:
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
