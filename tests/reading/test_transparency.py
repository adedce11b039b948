"""Transparent parts are white wherever an image is read: pages, joined pages, thumbnails, queries of any kind."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval import PanelIndex
from retrieval.images.decode import open_image
from tests.building.library import build, panels, put
from tests.conftest import GridEncoder, draw_page
from tests.reading.cases import CASES, difference, encoded, png, png_chunk

CASE = CASES / "06-ink-on-transparent"
WHITE, INK = (255, 255, 255), (10, 20, 30)


def ink(mode: str = "RGBA") -> Image.Image:
    """Return ink on the left and, on the right, transparent pixels of another colour than white."""
    image = Image.new("RGBA", (16, 8), (90, 0, 160, 0))
    image.paste((*INK, 255), (0, 0, 8, 8))
    return image.convert(mode)


def test_ink_on_transparent_is_found_in_panels(tmp_path: Path) -> None:
    """Pages drawn in ink on nothing have their four panels, and look as on paper in every view of the index."""
    report = build(CASE / "comic", tmp_path / "i")
    assert report.warnings == report.skipped == ()
    right = Image.open(CASE / "right.png")
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        first, second = (index.page_panels(page) for page in (1, 2))
        assert [panel.number for panel in first] == [1, 2, 3, 4]
        assert difference(index.page_image(first[0].page_id), right) < 1
        page = index.page_image(second[0].page_id)
        assert {page.getpixel(xy) for xy in ((0, 0), (120, 5), (239, 335))} == {WHITE}
        thumbnail = open_image(index.thumbnail(first[0]))
        assert difference(thumbnail, index.panel_image(first[0])) < 12


@pytest.mark.parametrize("form", ["path", "bytes", "Pillow", "array", "fractions"])
def test_queries_are_composited_like_pages(tmp_path: Path, form: str) -> None:
    """A panel cut from a page as transparent ink finds itself with score 1, in whichever form it is given."""
    (tmp_path / "lib").mkdir()
    page = draw_page(3).convert("RGBA")
    page.putalpha(Image.fromarray((np.asarray(page.convert("L")) < 250).astype(np.uint8) * 255))
    page.save(tmp_path / "lib" / "1.png")
    build(tmp_path / "lib", tmp_path / "i")
    panel = panels(tmp_path / "i")[0]
    left, top, width, height = (round(value) for value in panel.box.as_list())
    part = page.crop((left, top, left + width, top + height))
    data = encoded(part)
    query = {
        "path": put(tmp_path / "q.png", data),
        "bytes": data,
        "Pillow": part,
        "array": np.asarray(part),
        "fractions": np.asarray(part) / 255,
    }[form]
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        hit = index.search(image=query, k=1)[0]
    assert hit.panel.id == panel.id
    assert hit.score > 0.999


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *(("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("AVIF", {"quality": 100}), ("TIFF", {})),
        *(("TIFF", {"compression": "tiff_lzw"}), ("JXL", {"lossless": True})),
    ],
)
def test_alpha_of_every_format(kind: str, options: dict[str, object]) -> None:
    """Pixels that a file declares transparent are white, opaque ones keep their colour."""
    if kind == "JXL":
        pytest.importorskip("pillow_jxl")
    image = open_image(encoded(ink(), kind, **options))
    assert image.mode == "RGB"
    assert image.getpixel((14, 4)) == WHITE
    assert np.abs(np.subtract(image.getpixel((2, 4)), INK)).max() <= 6


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_alpha_of_every_mode(mode: str) -> None:
    """Colours, greys and palettes with alpha, premultiplied or not, are composited the same."""
    source = ink("RGBA")
    if mode == "La":
        image = source.convert("LA").convert("La")
    elif mode == "PA":
        image = source.quantize(4).convert("PA")
        image.putalpha(source.getchannel("A"))
    else:
        image = source.convert(mode)
    assert image.mode == mode
    read = open_image(image)
    assert read.getpixel((14, 4)) == WHITE
    assert max(read.getpixel((2, 4))) < 60


def test_half_transparent_is_half_white() -> None:
    """Soft edges of ink are greys, not black or white."""
    assert open_image(Image.new("RGBA", (1, 1), (0, 0, 0, 128))).getpixel((0, 0)) == (127, 127, 127)
    assert open_image(Image.new("LA", (1, 1), (100, 0))).getpixel((0, 0)) == WHITE


KEYED = {
    "1-bit grey": png((8, 1), 1, 0, b"\0\xf0", png_chunk(b"tRNS", b"\0\0")),
    "2-bit grey": png((4, 1), 2, 0, b"\0\xf0", png_chunk(b"tRNS", b"\0\0")),
    "4-bit grey": png((2, 1), 4, 0, b"\0\xf3", png_chunk(b"tRNS", b"\0\3")),
    "8-bit grey": png((2, 1), 8, 0, b"\0\xff\x40", png_chunk(b"tRNS", b"\0\x40")),
    "16-bit grey": png((2, 1), 16, 0, b"\0\xff\xff\x12\x34", png_chunk(b"tRNS", b"\x12\x34")),
    "8-bit colour": png((2, 1), 8, 2, b"\0\xff\xff\xff\1\2\3", png_chunk(b"tRNS", b"\0\1\0\2\0\3")),
    "16-bit colour": png((2, 1), 16, 2, b"\0" + b"\xff\xff" * 3 + b"\x12\x34" * 3, png_chunk(b"tRNS", b"\x12\x34" * 3)),
    "palette": png((2, 1), 8, 3, b"\0\0\1", png_chunk(b"PLTE", b"\xff\xff\xff\1\2\3"), png_chunk(b"tRNS", b"\xff\0")),
    "16-bit grey with alpha": png((2, 1), 16, 4, b"\0\xff\xff\xff\xff\x12\x34\0\0"),
    "16-bit colour with alpha": png((2, 1), 16, 6, b"\0" + b"\xff\xff" * 4 + b"\x12\x34" * 3 + b"\0\0"),
}


@pytest.mark.parametrize("name", KEYED)
def test_one_transparent_colour_of_a_png(name: str) -> None:
    """The transparent colour that a PNG names is found at any depth; all other pixels here are white anyway."""
    image = open_image(KEYED[name])
    assert set(image.get_flattened_data() if hasattr(image, "get_flattened_data") else image.getdata()) == {WHITE}
    assert set(open_image(Image.open(io.BytesIO(KEYED[name]))).tobytes()) == {255}


def test_only_the_transparent_colour_is_white() -> None:
    """Other colours than the named one are kept."""
    data = png((3, 1), 8, 2, b"\0\1\2\3\1\2\4\0\0\0", png_chunk(b"tRNS", b"\0\1\0\2\0\3"))
    assert [open_image(data).getpixel((x, 0)) for x in range(3)] == [WHITE, (1, 2, 4), (0, 0, 0)]


def test_a_gif_with_a_transparent_index() -> None:
    """Transparent pixels of a GIF are white in its first frame."""
    image = Image.new("P", (4, 2), 1)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((0, 0), 0)
    read = open_image(encoded(image, "GIF", transparency=1))
    assert (read.getpixel((0, 0)), read.getpixel((3, 1))) == (INK, WHITE)


def bmp(alpha: int) -> bytes:
    """Return one pixel of ink as a BMP with an alpha channel, which Pillow reads but does not write."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 108, 1, 1, 1, 32, 3, 4, 0, 0, 0, 0) + masks + bytes(52)
    pixel = bytes((*INK[::-1], alpha))
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + 4, 0, 0, 14 + len(info)) + info + pixel


def test_a_bmp_with_an_unused_fourth_byte() -> None:
    """Many programs leave the fourth byte of a BMP 0: such a file is not an empty page."""
    assert open_image(bmp(0)).getpixel((0, 0)) == INK
    assert open_image(bmp(255)).getpixel((0, 0)) == INK
    assert np.subtract(open_image(bmp(128)).getpixel((0, 0)), INK).min() > 100


def test_joined_pages_of_a_strip(tmp_path: Path) -> None:
    """The slices of a strip in transparent ink are joined on white."""
    for number in (1, 2):
        slice_ = Image.new("RGBA", (200, 150), (0, 90, 0, 0))
        slice_.paste((*INK, 255), (20, 20, 180, 130))
        put(tmp_path / "lib" / f"{number}.png", encoded(slice_))
    build(tmp_path / "lib", tmp_path / "i", strips="yes")
    panel = panels(tmp_path / "i")[0]
    assert ".." in panel.page_path
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        page = index.page_image(panel.page_id)
    assert (page.getpixel((5, 5)), page.getpixel((100, 75))) == (WHITE, INK)
