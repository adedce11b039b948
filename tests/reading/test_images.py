"""Bytes, paths, arrays and Pillow images become upright RGB images, or raise a PictureError with the reason."""

from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from retrieval.errors import PictureError
from retrieval.images.decode import open_image

CORNERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
"""Red, green; blue, white: every rotation and reflection differs from every other."""


def encoded(image: Image.Image, kind: str = "PNG", **save: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **save)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that declares a size and holds no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    empty = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + empty


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def gif_header(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0" * 6 + frame + b"\x02\x02\x4c\x01\0;"


def webp_header(width: int, height: int) -> bytes:
    body = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


UPRIGHT = {
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    """An image stored rotated or mirrored is returned upright, and cannot be rotated a second time."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(CORNERS.repeat(8, 0).repeat(16, 1))
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {}
    image = open_image(encoded(stored, kind, exif=exif, **options))
    expected = UPRIGHT[orientation](np.asarray(stored)).astype(int)
    assert image.size == (expected.shape[1], expected.shape[0])
    assert np.abs(np.asarray(image) - expected).mean() < 8
    assert 0x0112 not in image.getexif()


def test_exif_orientation_of_a_jpeg() -> None:
    """The usual case: a photographed page lying on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_image(encoded(Image.new("RGB", (30, 20)), "JPEG", exif=exif)).size == (20, 30)


def test_damaged_exif_is_ignored() -> None:
    """A damaged EXIF block loses the orientation, not the image, and gives no warning."""
    image = open_image(encoded(Image.new("RGB", (30, 20)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x01"))
    assert image.size == (30, 20)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Whatever the colour model, the result is plain RGB of the same size."""
    base = Image.new("RGB", (5, 3), (200, 200, 200))
    source = Image.new(mode, (5, 3)) if mode in ("I;16", "I", "F", "PA") else base.convert(mode)
    image = open_image(source)
    assert (image.mode, image.size) == ("RGB", (5, 3))
    assert type(image) is Image.Image


def test_alpha_is_composited_on_white() -> None:
    """A transparent red pixel is white, as on paper; a half transparent one is in between."""
    assert open_image(Image.new("RGBA", (1, 1), (255, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)
    assert open_image(Image.new("RGBA", (1, 1), (255, 0, 0, 51))).getpixel((0, 0)) == (255, 204, 204)


def test_palette_with_transparency_gives_no_warning() -> None:
    """Pillow's warning about palettes with transparency does not reach the caller."""
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    data = encoded(image, transparency=b"\0\0")
    assert open_image(data).getpixel((0, 0)) == (255, 255, 255)


def test_the_callers_image_is_not_changed() -> None:
    """Opening an image changes neither its mode nor its metadata."""
    image = Image.new("P", (2, 2))
    image.info["transparency"] = 0
    open_image(image)
    assert image.mode == "P"
    assert image.info == {"transparency": 0}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_greys_are_scaled(kind: str) -> None:
    """16-bit greys keep their shades instead of turning white above 255."""
    grey = np.array([[0, 257, 0x8080, 0xFFFF]], np.uint16)
    image = open_image(encoded(Image.fromarray(grey), kind))
    assert [image.getpixel((x, 0))[0] for x in range(4)] == [0, 1, 128, 255]


def test_first_frame_of_an_animation() -> None:
    """An animated GIF is decoded to its first frame."""
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert open_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])).getpixel((0, 0)) == (
        255,
        0,
        0,
    )


@pytest.mark.parametrize("header", [png_header, bmp_header, gif_header])
def test_a_huge_header_is_refused_before_decoding(header) -> None:
    """60000 x 60000 px are refused from the header alone; no memory is allocated for them."""
    data = header(60000, 60000)
    tracemalloc.start()
    with pytest.raises(PictureError, match=r"60000 x 60000 px is 3600 megapixels; the limit is 250\n") as error:
        open_image(data)
    assert error.value.hint == "raise it with --max-pixels"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_huge_webp_header_is_refused() -> None:
    """WebP states its canvas in its first chunk."""
    with pytest.raises(PictureError, match="60000 x 60000 px"):
        open_image(webp_header(60000, 60000))


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("WEBP", {}), ("AVIF", {}), ("TIFF", {})])
def test_the_limit_holds_in_every_format(kind: str, options: dict[str, object]) -> None:
    """`max_pixels` is compared with the true size; at the limit the image opens."""
    data = encoded(Image.new("RGB", (40, 30)), kind, **options)
    assert open_image(data, max_pixels=1200).size == (40, 30)
    with pytest.raises(PictureError, match="40 x 30 px"):
        open_image(data, max_pixels=1199)
    with pytest.raises(PictureError, match="40 x 30 px"):
        open_image(Image.new("L", (40, 30)), max_pixels=1199)


def test_beyond_pillows_own_limit_no_warning() -> None:
    """100 megapixels are within our limit and open without Pillow's warning; its setting stays as it was."""
    before = Image.MAX_IMAGE_PIXELS
    data = encoded(Image.new("1", (10_000, 10_000)))
    assert open_image(data).size == (10_000, 10_000)
    assert before == Image.MAX_IMAGE_PIXELS
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_image_is_refused(kind: str, share: float) -> None:
    """A download that stopped half-way is damage, not half an image."""
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(PictureError, match=r"cut off or damaged|not an image"):
        open_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_altered_bytes_give_an_image_or_a_picture_error(kind: str) -> None:
    """Random damage never raises another exception or a warning."""
    random = np.random.default_rng(2)
    whole = encoded(Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8)), kind)
    for _ in range(60):
        data = bytearray(whole)
        for place in random.integers(0, min(len(data), 400), 6):
            data[place] = random.integers(0, 256)
        with contextlib.suppress(PictureError):
            assert open_image(bytes(data), max_pixels=10**6).mode == "RGB"


def test_text_named_jpg(tmp_path: Path) -> None:
    """The error has the path, the first bytes and the supported formats."""
    path = tmp_path / "page.jpg"
    path.write_text("Hello world")
    with pytest.raises(PictureError, match=r"page\.jpg: not an image: starts with 'Hello wor'\nuse JPEG, PNG"):
        open_image(path)


def test_binary_data_is_shown_as_hex() -> None:
    """Bytes that are not text are not printed as text."""
    with pytest.raises(PictureError, match="starts with 0x00ff1b"):
        open_image(b"\x00\xff\x1b[31m" + b"\x00" * 40)


def test_empty_missing_and_folder(tmp_path: Path) -> None:
    """Empty files, missing files and folders have different messages."""
    (tmp_path / "empty.png").touch()
    for path, message in [
        ("empty.png", "the file is empty"),
        ("gone.png", "no such file"),
        ("", "not a file"),
    ]:
        with pytest.raises(PictureError, match=message):
            open_image(str(tmp_path / path))
    with pytest.raises(PictureError, match="the file is empty"):
        open_image(b"")
    with pytest.raises(PictureError):
        open_image("null\0byte")


def test_max_bytes(tmp_path: Path) -> None:
    """A file beyond the byte limit is not read to its end."""
    path = tmp_path / "page.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5000))
    with pytest.raises(PictureError, match="larger than the limit"):
        open_image(path, max_bytes=1000)


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3), (3, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_arrays(shape: tuple[int, ...], dtype: type) -> None:
    """Greys, RGB and RGBA as bytes or as fractions; 0.5 is 128."""
    array = np.full(shape, 128 if dtype is np.uint8 else 0.5, dtype)
    if shape == (3, 5, 4):
        array[..., 3] = 255 if dtype is np.uint8 else 1
    image = open_image(array)
    assert image.size == (5, 3)
    assert image.getpixel((4, 2)) == (128, 128, 128)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3,), np.uint8),
        np.zeros((3, 3, 2), np.uint8),
        np.zeros((0, 3, 3), np.uint8),
        np.zeros((3, 3), np.int64),
        np.full((3, 3), 1.5),
        np.full((3, 3), np.nan),
        np.zeros((2, 3, 3, 3), np.uint8),
    ],
)
def test_arrays_that_are_not_images(array: np.ndarray) -> None:
    """Wrong shapes, types and ranges are refused instead of guessed at."""
    with pytest.raises(PictureError):
        open_image(array)
