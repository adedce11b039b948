"""Odd but whole images are read, cut-off ones are not, and files of other kinds are named for what they are."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from retrieval import PanelIndex
from retrieval.errors import PictureError
from retrieval.images.decode import decode_image, open_image
from tests.building.library import build, panels, put
from tests.conftest import GridEncoder, draw_page
from tests.reading.cases import CASES, encoded, png_chunk

PAGE = draw_page(5, 4, (160, 240))
NOTE = "the JPEG has no end marker; all of its pixels are there"
WRONG = 0xBAD


def with_chunks(data: bytes, *chunks: bytes, at_end: bool = False) -> bytes:
    """Return a PNG with more chunks after its header, or before its end."""
    place = len(data) - 12 if at_end else 33
    return data[:place] + b"".join(chunks) + data[place:]


ODD_CHUNKS = {
    "long text": png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3 * 2**20))),
    "long international text": png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(3 * 2**20))),
    "text that is not compressed": png_chunk(b"zTXt", b"Comment\0\0no zlib"),
    "text without an end": png_chunk(b"iTXt", b"keyword"),
    "text of another compression": png_chunk(b"zTXt", b"Comment\0\7x"),
    "broken profile": png_chunk(b"iCCP", b"icc\0\0no profile"),
    "profile without a name": png_chunk(b"iCCP", b"x"),
    "short resolution": png_chunk(b"pHYs", b"\0\0"),
    "wrong checksum of a resolution": png_chunk(b"pHYs", bytes(9), checksum=WRONG),
    "wrong checksum of a text": png_chunk(b"tEXt", b"a\0b", checksum=WRONG),
    "wrong checksum of a profile": png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"x"), checksum=WRONG),
    "wrong checksum of a time": png_chunk(b"tIME", bytes(7), checksum=WRONG),
    "wrong checksum of a gamma": png_chunk(b"gAMA", bytes(4), checksum=WRONG),
    "short chromaticities": png_chunk(b"cHRM", b"\0"),
    "short animation": png_chunk(b"acTL", b"\0"),
    "unknown chunk with a wrong checksum": png_chunk(b"quUx", b"?", checksum=WRONG),
}


def test_pages_with_odd_metadata_are_read(tmp_path: Path) -> None:
    """A page is not refused for a text or a checksum that its pixels do not need."""
    report = build(CASES / "12-png-metadata-refused" / "comic", tmp_path / "i")
    assert (report.pages, report.skipped, report.warnings) == (2, (), ())
    assert {panel.page_path for panel in panels(tmp_path / "i")} == {"1-long-text.png", "3-bad-crc-of-pHYs.png"}


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("name", ODD_CHUNKS)
def test_odd_chunks_change_no_pixel(name: str, at_end: bool) -> None:
    """Whatever is wrong in an ancillary chunk, the pixels are those of the file without it."""
    image, notes = decode_image(with_chunks(encoded(PAGE), ODD_CHUNKS[name], at_end=at_end))
    assert image.tobytes() == PAGE.tobytes()
    assert notes == ()


def test_what_decides_the_pixels_survives_odd_chunks() -> None:
    """Transparency, palette and orientation are kept when other chunks are dropped."""
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = Image.new("P", (6, 4), 1)
    palette.putpalette([9, 9, 9, 50, 60, 70])
    data = with_chunks(encoded(palette, transparency=b"\xff\0", exif=exif), ODD_CHUNKS["short resolution"])
    image = open_image(data)
    assert image.size == (4, 6)
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_a_damaged_transparency_is_noted() -> None:
    """A chunk of transparent colours with a wrong checksum is not used, and the report says so."""
    data = encoded(Image.new("RGB", (2, 2), (1, 2, 3)))
    image, notes = decode_image(with_chunks(data, png_chunk(b"tRNS", b"\0\1\0\2\0\3", checksum=WRONG)))
    assert image.getpixel((0, 0)) == (1, 2, 3)
    assert notes == ("the chunk with the transparent colours of this PNG is damaged; it is read as opaque",)


@pytest.mark.parametrize("damage", ["header", "palette", "pixels"])
def test_critical_chunks_are_not_repaired(damage: str) -> None:
    """A PNG whose header, palette or pixels are damaged is refused as before."""
    data = with_chunks(encoded(PAGE.quantize(16)), ODD_CHUNKS["short resolution"])
    place = {"header": 18, "palette": data.index(b"PLTE") + 6, "pixels": data.index(b"IDAT") + 40}[damage]
    data = data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
    with pytest.raises(PictureError, match="cut off or damaged"):
        open_image(data)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@pytest.mark.parametrize(
    ("marker", "body"),
    [
        *((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xE2, b"ICC_PROFILE\0\1"), (0xE2, b"MPF\0II*\0")),
        *((0xED, b"Photoshop 3.0\x008BIM\4\4"), (0xEE, b"Adobe"), (0xE1, b"Exif\0\0II*\0\xff"), (0xFE, b"")),
    ],
)
def test_odd_segments_of_a_jpeg_change_no_pixel(marker: int, body: bytes) -> None:
    """A JPEG with a profile, Photoshop data or a comment cut short is read."""
    data = encoded(PAGE, "JPEG")
    image, notes = decode_image(data[:2] + segment(marker, body) + data[2:])
    assert image.tobytes() == open_image(data).tobytes()
    assert notes == ()


# ------------------------------------------------------------------ end markers

JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "restart markers": {"restart_marker_rows": 1},
    "full colours": {"subsampling": 0},
}


def test_a_page_without_end_marker_is_read_with_a_note(tmp_path: Path) -> None:
    """All pixels are there: the page is read as with its marker, and the report says what is missing."""
    data = (CASES / "18-jpeg-without-end-marker" / "comic" / "1.jpg").read_bytes()
    report = build(CASES / "18-jpeg-without-end-marker" / "comic", tmp_path / "i")
    assert report.skipped == ()
    assert [(Path(path).name, text) for path, text in report.warnings] == [("1.jpg", NOTE)]
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        assert len(index.page_panels(1)) == 4
        assert index.page_image(1).tobytes() == open_image(data + b"\xff\xd9").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", JPEGS)
def test_only_the_end_marker_may_be_missing(kind: str, mode: str) -> None:
    """One or both bytes of the marker may be missing, as a cut-off download it is damaged: never half a page."""
    whole = encoded(PAGE.convert(mode), "JPEG", **JPEGS[kind])
    expected = open_image(whole).tobytes()
    for missing in (1, 2):
        image, notes = decode_image(whole[:-missing])
        assert (image.tobytes(), notes) == (expected, (NOTE,))
    for missing in (*range(3, 40), *range(40, len(whole) - 700, 211)):
        with pytest.raises(PictureError, match="cut off or damaged"):
            open_image(whole[:-missing])


@pytest.mark.parametrize("kind", JPEGS)
def test_a_download_filled_with_zeros_is_damaged(kind: str) -> None:
    """A file that has its full size but ends in zeros is no whole image, although decoders take zeros for pixels."""
    whole = encoded(PAGE, "JPEG", **JPEGS[kind])
    for missing in (20, 500, 2000):
        with pytest.raises(PictureError, match="cut off or damaged"):
            open_image(whole[:-missing] + bytes(missing))
    assert decode_image(whole + bytes(500))[1] == ()


def test_a_progressive_jpeg_cut_between_two_scans() -> None:
    """Every row is there, but not in its quality: it is cut off."""
    whole = encoded(PAGE, "JPEG", progressive=True)
    scans = [place for place in range(len(whole)) if whole[place : place + 2] == b"\xff\xc4"]
    with pytest.raises(PictureError, match="cut off or damaged"):
        open_image(whole[: scans[-1]])


# ------------------------------------------------------------------ other kinds

OTHERS = {
    "a BigTIFF image": b"II+\0\x08\0\0\0" + bytes(56),
    "a JPEG 2000 image": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 " + bytes(40),
    "a HEIC image": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    "a Photoshop document": b"8BPS\0\1" + bytes(40),
    "an SVG drawing": b"\n<svg xmlns='http://www.w3.org/2000/svg'/>" + bytes(40),
    "a web page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>" + bytes(40),
    "a ZIP archive": b"PK\x03\x04" + bytes(60),
    "a PDF": b"%PDF-1.7\n" + bytes(60),
}
OTHER_FORMS = {
    "a BigTIFF image": b"MM\0+\0\x08\0\0" + bytes(56),
    "a JPEG 2000 image": b"\xff\x4f\xff\x51\0\x2f" + bytes(56),
    "a HEIC image": b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(40),
    "a JPEG XR image": b"II\xbc\x01" + bytes(60),
    "a portable anymap (PNM)": b"P6\n10 10\n255\n" + bytes(60),
}


@pytest.mark.parametrize(("name", "data"), [*OTHERS.items(), *OTHER_FORMS.items()])
def test_other_kinds_are_named(name: str, data: bytes, tmp_path: Path) -> None:
    """A file with the extension of another kind is named, in a build and as a query, with a hint."""
    put(tmp_path / "lib" / "1.png", encoded(PAGE))
    put(tmp_path / "lib" / "2.jpg", data)
    report = build(tmp_path / "lib", tmp_path / "i")
    assert [(Path(path).name, reason) for path, reason in report.skipped] == [
        ("2.jpg", f"this is {name}, which is not read; convert it to PNG or JPEG")
    ]
    with pytest.raises(PictureError, match="which is not read"):
        open_image(data)


def test_other_kinds_named_like_books(tmp_path: Path) -> None:
    """Given as a source, or named like an archive, they are named too."""
    put(tmp_path / "lib" / "1.png", encoded(PAGE))
    put(tmp_path / "lib" / "2.cbz", OTHERS["a HEIC image"])
    put(tmp_path / "lib" / "3.cbz", OTHERS["a JPEG 2000 image"])
    reasons = dict(build(tmp_path / "lib", tmp_path / "i").skipped)
    assert [reason.partition(";")[0] for reason in reasons.values()] == [
        "this is a HEIC image",
        "this is a JPEG 2000 image",
    ]


def test_jpeg_2000_written_by_pillow() -> None:
    """A real file of the kind, not only its first bytes."""
    out = io.BytesIO()
    PAGE.save(out, "JPEG2000")
    with pytest.raises(PictureError, match="a JPEG 2000 image"):
        open_image(out.getvalue())
