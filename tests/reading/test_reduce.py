"""Large images, decoded smaller and in less memory than all their pixels take."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from retrieval.errors import PictureError
from retrieval.images import reduce
from retrieval.images.decode import open_image
from retrieval.images.reduce import decoding_bytes, open_reduced

LIMITS = {"max_pixels": 10_000_000, "max_bytes": 2**26}


def drawn(mode: str, size: tuple[int, int] = (1200, 800)) -> Image.Image:
    """Return a smooth image: reducing it and decoding it whole must look the same."""
    x, y = np.meshgrid(np.linspace(0, 250, size[0]), np.linspace(0, 250, size[1]))
    grey = ((x + y) / 2).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    colour = Image.merge("RGB", [Image.fromarray(each) for each in (grey, grey[::-1], 255 - grey)])
    return colour.convert(mode)


def stored(image_format: str, mode: str, **options: Any) -> bytes:
    out = io.BytesIO()
    drawn(mode).save(out, image_format, **options)
    return out.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 100,000 pixels on an image is large, and bands have 50,000."""
    monkeypatch.setattr(reduce, "_WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(reduce, "_BAND_PIXELS", 50_000)


@pytest.mark.parametrize(
    ("image_format", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("PNG", "RGB", {"exif": turned()}),
        ("JPEG", "RGB", {"exif": turned()}),
        ("PNG", "P", {}),
        ("PNG", "1", {}),
        ("PNG", "LA", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "I;16", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "F", {}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("AVIF", "RGB", {"quality": 95}),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_reduced_image_looks_like_the_whole_one(image_format: str, mode: str, options: dict[str, Any]) -> None:
    """Upright, RGB, with the same proportions and colours, and within the limit of pixels."""
    data = stored(image_format, mode, **options)
    whole, found = open_image(data), open_reduced(data, **LIMITS)
    assert found.mode == "RGB"
    assert found.width * found.height <= 100_000
    assert found.width / found.height == pytest.approx(whole.width / whole.height, rel=0.02)
    size = (found.width // 8, found.height // 8)
    left, right = (np.asarray(each.resize(size, Image.Resampling.BOX), np.float32) for each in (found, whole))
    assert np.abs(left - right).mean() < 3


@pytest.mark.parametrize(("mode", "key"), [("L", 40), ("RGB", (40, 40, 40)), ("I;16", 40 * 257), ("1", 0), ("P", 0)])
@pytest.mark.usefixtures("small")
def test_the_transparent_colour_of_a_large_png_is_white(mode: str, key: Any) -> None:
    """As in the whole image: a block of one colour, named in the header instead of an alpha channel."""
    grey = np.full((800, 1200), 200, np.uint8)
    grey[200:600, 300:900] = 40
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "P":
        image = Image.fromarray((grey == 200).astype(np.uint8))
        image.putpalette([40, 40, 40, 200, 200, 200])
    else:
        image = Image.fromarray(grey).convert(mode, dither=Image.Dither.NONE)
    out = io.BytesIO()
    image.save(out, "PNG", transparency=key)
    found = open_reduced(out.getvalue(), **LIMITS)
    whole = open_image(out.getvalue())
    assert whole.getpixel((600, 400)) == found.getpixel((found.width // 2, found.height // 2)) == (255, 255, 255)
    assert whole.getpixel((10, 10)) == found.getpixel((3, 3))


@pytest.mark.usefixtures("small")
def test_a_large_bmp_with_an_unused_fourth_byte_is_not_white() -> None:
    out = io.BytesIO()
    drawn("RGBA").save(out, "BMP")
    data = bytearray(out.getvalue())
    start = int.from_bytes(data[10:14], "little")
    data[start + 3 :: 4] = bytes(len(data[start + 3 :: 4]))
    found, whole = open_reduced(bytes(data), **LIMITS), open_image(bytes(data))
    assert np.abs(np.asarray(found, float).mean() - np.asarray(whole, float).mean()) < 1


def test_an_image_of_usual_size_is_decoded_as_everywhere() -> None:
    data = stored("PNG", "RGB")
    assert np.array_equal(np.asarray(open_reduced(data, **LIMITS)), np.asarray(open_image(data)))


@pytest.mark.usefixtures("small")
def test_limits_and_damage_are_errors() -> None:
    """The same sentences as for images of usual size."""
    data = stored("PNG", "RGB")
    with pytest.raises(PictureError, match=r"the limit is 0\.5"):
        open_reduced(data, max_pixels=500_000, max_bytes=2**26)
    with pytest.raises(PictureError, match="larger than the limit"):
        open_reduced(data, max_pixels=10**7, max_bytes=100)
    for damaged in (data[: len(data) // 2], b"", b"text", data[:40]):
        with pytest.raises(PictureError):
            open_reduced(damaged, **LIMITS)


def test_the_memory_is_told_from_the_header() -> None:
    """For what is no image, and for a header that is cut off, there is no number."""
    plain, progressive = (stored("JPEG", "RGB", progressive=each) for each in (False, True))
    known = decoding_bytes(io.BytesIO(plain[:1000]), 10**7)
    assert known == decoding_bytes(io.BytesIO(progressive[:1000]), 10**7) == 16 * 1200 * 800
    for unknown in (b"", b"text", plain[:20]):
        assert decoding_bytes(io.BytesIO(unknown), 10**7) is None
    with pytest.raises(PictureError, match=r"the limit is 0\.5"):
        decoding_bytes(io.BytesIO(plain), 500_000)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize(
    ("image_format", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
        ("PNG", "RGBA", {"compress_level": 1, "exif": turned()}),
        ("PNG", "P", {"compress_level": 1}),
    ],
)
def test_decoding_takes_no_more_than_was_told(
    image_format: str, mode: str, options: dict[str, Any], tmp_path: Any
) -> None:
    """Measured in a process of its own, on 24 megapixels."""
    path = tmp_path / "large"
    drawn(mode, (6000, 4000)).save(path, image_format, **options)
    code = (
        "import io, sys; from retrieval.images.reduce import *\n"
        "peak = lambda: int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1]) * 1024\n"
        "data = open(sys.argv[1], 'rb').read(); before = peak()\n"
        "told = decoding_bytes(io.BytesIO(data), 10**9); open_reduced(data, max_pixels=10**9, max_bytes=10**9)\n"
        "print(peak() - before, told)"
    )
    found = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    taken, told = map(int, found.stdout.split())
    assert taken <= told
