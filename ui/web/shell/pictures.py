"""The pictures of the page by address: panels and pages of the index, by their ids, and nothing else.

`pictures/panel/17` is the small picture that the index keeps, `?side=960` one cut from the comics now, its longest
side at most that; `pictures/page/5` is a page. `?v=` changes with the picture, so that browsers may keep it for good.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retrieval.errors import PanelseekError, PictureError, SourceError
from retrieval.index import PanelIndex

log = logging.getLogger("panelseek.page")

SIDES = (480, 960)
"""Longest sides, in pixels, of panels cut on request: few, so that browsers and not we keep them."""

_PAGE_PIXELS = 3_000_000
_PAGE_WIDTH = 1_400
_LONGEST_SIDE = 16_000  # WebP ends at 16,383
_KEPT = {"cache-control": "private, max-age=31536000, immutable"}
_LARGEST_ID = 2**53


def picture_routes(index: PanelIndex) -> list[Route]:
    """Where the browser gets its pictures; for whoever may see the page."""
    decoding = threading.BoundedSemaphore(2)  # pages in memory at once, however many pictures are asked for

    def panel(request: Request) -> Response:
        return _answer(request, lambda: _panel(index, request, decoding))

    def page(request: Request) -> Response:
        def draw() -> bytes:
            side = _side(request)
            with decoding:
                image = index.page_image(_id(request))
                return page_as_webp(image) if side is None else _webp(_fitted(image, side), 80)

        return _answer(request, draw)

    return [Route("/pictures/panel/{id:int}", panel), Route("/pictures/page/{id:int}", page)]


def _panel(index: PanelIndex, request: Request, decoding: threading.BoundedSemaphore) -> bytes:
    panel = index.panel(_id(request))
    side = _side(request)
    if side is None:
        return index.thumbnail(panel)
    with decoding:
        return _webp(_fitted(index.panel_image(panel), side), 84)


def _side(request: Request) -> int | None:
    """The longest side asked for, where it is one that there is."""
    return next((side for side in SIDES if request.query_params.get("side") == str(side)), None)


def _id(request: Request) -> int:
    return min(int(request.path_params["id"]), _LARGEST_ID)


def _answer(request: Request, draw: Callable[[], bytes]) -> Response:
    if not may_see(request):
        return Response(status_code=401)
    try:
        return Response(draw(), media_type="image/webp", headers=_KEPT if "v" in request.query_params else None)
    except (SourceError, PictureError) as error:
        log.warning("no picture for %s: %s", request.url.path, error)
    except PanelseekError:
        pass  # no such panel or page: somebody tries numbers
    return Response(status_code=404)


def may_see(request: Request) -> bool:
    """As Gradio decides for its own addresses: everybody, or whoever has logged in."""
    app = request.app
    if getattr(app, "auth", None) is None:
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(request.cookies.get(name)) is not None for name in names)


def page_as_webp(page: Image.Image) -> bytes:
    """WebP bytes of a page, small enough to send and large enough to read, also for a webtoon's long strips."""
    width, height = page.size
    scale = min(1.0, _PAGE_WIDTH / width, (_PAGE_PIXELS / (width * height)) ** 0.5, _LONGEST_SIDE / height)
    return _webp(_scaled(page, scale), 82)


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    return _scaled(picture, min(1.0, side / max(picture.size)))


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _webp(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality, method=1)
    return out.getvalue()
