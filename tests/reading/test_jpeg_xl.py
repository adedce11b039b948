"""JPEG XL is decoded if its plugin is installed, and reported as such if not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval.errors import PictureError
from retrieval.images import decode
from retrieval.images.decode import open_image
from retrieval.images.formats import image_format
from retrieval.images.jpeg_xl import jpeg_xl_size
from tests.conftest import draw_page


def encoded(image: Image.Image, **options: object) -> bytes:
    pytest.importorskip("pillow_jxl")
    out = io.BytesIO()
    image.save(out, "JXL", **options)
    return out.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (200, 300), (120, 100), (160, 120), (333, 222), (513, 9), (3000, 7)])
@pytest.mark.parametrize("container", [False, True])
def test_sizes_from_the_header(size: tuple[int, int], container: bool) -> None:
    """The size is read without decoding, in each form of the header, bare or in a container."""
    options = {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"} if container else {}
    data = encoded(Image.new("RGB", size, (200, 100, 50)), lossless=True, effort=1, **options)
    assert image_format(data[:32]) == "JPEG XL"
    assert jpeg_xl_size(data) == size


def test_pixels_are_read_as_written() -> None:
    """A lossless image is the same, in RGB and in grey."""
    page = draw_page(3)
    data = encoded(page, lossless=True, effort=1)
    assert (np.asarray(open_image(data)) == np.asarray(page)).all()
    grey = encoded(page.convert("L"), lossless=True, effort=1)
    assert (np.asarray(open_image(grey)) == np.asarray(page.convert("L").convert("RGB"))).all()


def test_a_large_image_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image beyond the limits never reaches the plugin."""
    data = encoded(Image.new("RGB", (300, 200)))
    monkeypatch.setattr(decode, "jpeg_xl_reader", lambda: pytest.fail("it was decoded"))
    with pytest.raises(PictureError, match=r"(?s)300 x 200 px .*raise it with --max-pixels"):
        open_image(data, max_pixels=59_999)


@pytest.mark.parametrize(
    "data", [b"\xff\x0a", b"\xff\x0a" + bytes(40), b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a" + b"\xa5" * 99]
)
def test_damage_is_reported(data: bytes) -> None:
    """Whatever follows the first bytes, damage is a PictureError."""
    pytest.importorskip("pillow_jxl")
    with pytest.raises(PictureError, match=r"cut off or damaged|megapixels"):
        open_image(data)


def test_without_a_plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If no plugin is installed, the error names the command that installs one."""
    monkeypatch.setattr(decode, "jpeg_xl_reader", lambda: None)
    path = tmp_path / "a.jxl"
    path.write_bytes(b"\xff\x0a\x7f" + bytes(20))
    with pytest.raises(PictureError, match=r"(?s)a\.jxl: a JPEG XL image, .*pip install panelseek\[jxl\]"):
        open_image(path)
