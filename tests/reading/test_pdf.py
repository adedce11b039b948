"""PDF pages: a scan is returned as stored, any other page is rendered at a fitting resolution."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path

import pytest
from PIL import Image

from index_builder.sources import Skipped, find_books
from retrieval.books import ReadLimits, read_page
from retrieval.errors import SourceError
from retrieval.images.decode import open_image
from tests.reading.formats import jpeg, pdf

POINTS = (96.0, 144.0)
"""The 200 x 300 px images have 150 dpi at this size."""

FULL = "q 96 0 0 144 0 0 cm /P Do Q"


def page(tmp_path: Path, drawing: str, image: bytes, limits: ReadLimits) -> bytes:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([(drawing, image)], POINTS))
    return read_page(path, "page 1", limits)


@pytest.mark.parametrize(
    "drawing", [FULL, f"{FULL} BT 3 Tr /F 12 Tf 9 9 Td (read by OCR) Tj ET", "q 95 0 0 143 .5 .5 cm /P Do Q"]
)
def test_a_scan_is_itself(tmp_path: Path, drawing: str) -> None:
    """One JPEG over the page is returned byte for byte, with or without invisible text over it."""
    assert page(tmp_path, drawing, jpeg(1), ReadLimits(dpi=33)) == jpeg(1)


@pytest.mark.parametrize(
    ("drawing", "size"),
    [
        (f"{FULL} BT /F 12 Tf 9 9 Td (shown) Tj ET", (200, 300)),  # at the image's own resolution
        ("q 0 144 -96 0 96 0 cm /P Do Q", (200, 300)),  # rotated: another matrix
        ("q 96 0 0 -144 0 144 cm /P Do Q", (200, 300)),  # upside down
        ("q 40 0 0 60 10 10 cm /P Do Q", (96, 144)),  # a small image on a page: the setting counts
        ("0 0 50 50 re f", (96, 144)),
    ],
)
def test_other_pages_are_rendered(tmp_path: Path, drawing: str, size: tuple[int, int]) -> None:
    """A page is rendered at its images' resolution if they fill it, else at the setting."""
    data = page(tmp_path, drawing, jpeg(1), ReadLimits(dpi=72))
    assert data.startswith(b"BM")
    assert open_image(data).size == size


def test_an_image_in_a_pdf_is_not_rotated(tmp_path: Path) -> None:
    """A PDF shows a JPEG as it is stored, even if its EXIF block declares it rotated."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    open_image(jpeg(1)).save(file, "JPEG", exif=exif)
    shown = open_image(page(tmp_path, FULL, file.getvalue(), ReadLimits()))
    assert shown.size == (200, 300)
    assert open_image(file.getvalue()).size == (300, 200)


def test_rendering_shows_the_visible_page(tmp_path: Path) -> None:
    """An image placed upside down is rendered upside down; colours are kept."""
    drawn = open_image(page(tmp_path, "q 96 0 0 -144 0 144 cm /P Do Q", jpeg(1), ReadLimits()))
    upright = drawn.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    expected = open_image(jpeg(1))
    difference = [abs(a - b) for a, b in zip(upright.tobytes(), expected.tobytes(), strict=True)]
    assert sum(difference) / len(difference) < 4


def test_a_resolution_has_no_odd_column(tmp_path: Path) -> None:
    """Sides that are whole numbers are not rounded up."""
    path = tmp_path / "a.pdf"
    for dpi in (72, 100, 150, 300):
        path.write_bytes(pdf([("0 0 9 9 re f", jpeg(1))], (992 * 72 / dpi, 1401 * 72 / dpi)))
        assert open_image(read_page(path, "page 1", ReadLimits(dpi=dpi))).size == (992, 1401)


def test_many_threads_at_once(tmp_path: Path) -> None:
    """PDFium is not thread safe: pages of several files read at once are right."""
    paths = [tmp_path / f"{n}.pdf" for n in range(6)]
    for n, path in enumerate(paths):
        path.write_bytes(pdf([(f"{FULL} 0 0 5 5 re f", jpeg(n)), (FULL, jpeg(n + 10))], POINTS))
    wrong: list[Path] = []

    def read(path: Path, n: int) -> None:
        for _ in range(5):
            drawn = read_page(path, "page 1")
            if read_page(path, "page 2") != jpeg(n + 10) or open_image(drawn).size != (200, 300):
                wrong.append(path)

    threads = [threading.Thread(target=read, args=item) for n, path in enumerate(paths) for item in [(path, n)] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("change", [(b"/Count 3", b"/Count 2"), (b"/Kids", b"/Kils")])
def test_pages_that_a_damaged_list_leaves_out(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """A PDF that has more pages than its page tree lists says so; an intact one does not."""
    path = tmp_path / "a.pdf"
    whole = pdf([(FULL, jpeg(n)) for n in range(3)], POINTS)
    for data, names in ((whole, 3), (whole.replace(*change), None)):
        path.write_bytes(data)
        found = list(find_books(path))
        warnings = [each.reason for each in found if isinstance(each, Skipped)]
        if names:
            assert warnings == []
        else:
            assert re.fullmatch(r"cut off or damaged PDF .its list of pages has [12] of 3.; .*", *warnings)


def test_an_image_without_a_height(tmp_path: Path) -> None:
    """A page that cannot be drawn is named as damaged; the others are read."""
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([(FULL, jpeg(n)) for n in range(2)], POINTS).replace(b"/Height 300", b"+Height 300", 1))
    with pytest.raises(SourceError, match="damaged"):
        read_page(path, "page 1", ReadLimits())
    assert read_page(path, "page 2", ReadLimits()) == jpeg(1)
