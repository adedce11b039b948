"""A PDF may change its pictures by masks, arrays, colour spaces, clips and forms; and it has a direction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.books import ReadLimits, read_page
from retrieval.images.decode import open_image
from tests.building.library import build, panels
from tests.conftest import GridEncoder, draw_page
from tests.reading.cases import CASES, difference, encoded
from tests.reading.formats import pdf_file

SIZE = (200, 300)
POINTS = (96, 144)
PAGE = draw_page(1, 4, SIZE)
JPEG = encoded(PAGE, "JPEG", quality=90)
GREY = encoded(PAGE.convert("L"), "JPEG", quality=90)
FULL = "q 96 0 0 144 0 0 cm /I Do Q"


def stream(head: str, data: bytes) -> bytes:
    return f"<< {head} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def image(entries: str, data: bytes, size: tuple[int, int] = SIZE) -> bytes:
    return stream(f"/Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]} {entries}", data)


RGB = "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"


def document(
    picture: bytes, *more: bytes, drawing: str = FULL, resources: str = "", catalog: str = "", box: str = "0 0 96 144"
) -> bytes:
    """Return a PDF of one page: object 5 is the picture /I, and `more` follow from 6 on."""
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R"
        f" /Resources << /XObject << /I 5 0 R >> {resources} >> >>"
    )
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page.encode(),
        stream("", drawing.encode()),
        picture,
        *more,
    ]
    return pdf_file(objects)


def read(tmp_path: Path, data: bytes, limits: ReadLimits | None = None) -> tuple[bytes, Image.Image]:
    """Return the first page of a PDF, as bytes and as an image."""
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    page = read_page(path, "page 1", limits or ReadLimits(dpi=33))
    return page, open_image(page)


# ----------------------------------------------------------------------- cases


@pytest.mark.parametrize(
    ("name", "grey"), [("cmyk-as-indesign.pdf", False), ("decode-rgb.pdf", False), ("soft-mask.pdf", True)]
)
def test_pages_look_as_viewers_show_them(name: str, grey: bool, tmp_path: Path) -> None:
    """Inks of CMYK, a `Decode` array and a soft mask are applied: the page is not negative, nor black."""
    report = build(CASES / "04-pdf-jpeg-taken-raw" / name, tmp_path / "i")
    assert report.skipped == report.warnings == ()
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        page = index.page_image(1)
        assert len(index.page_panels(1)) == 4
    assert difference(page, Image.open(CASES / "04-pdf-jpeg-taken-raw" / "right.png"), grey=grey) < 20


def test_a_scan_in_a_form_keeps_its_resolution(tmp_path: Path) -> None:
    """The picture inside the form fills the page, and decides its size."""
    build(CASES / "05-pdf-scan-in-a-form" / "form.pdf", tmp_path / "i")
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        assert index.page_image(1).size == (1600, 2240)


# ---------------------------------------------------------------- plain or not

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PLAIN = {
    "RGB": image(RGB, JPEG),
    "grey": image("/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode", GREY),
    "calibrated grey": image(
        "/ColorSpace [/CalGray << /WhitePoint [1 1 1] >>] /BitsPerComponent 8 /Filter /DCTDecode", GREY
    ),
    "a Decode array that changes nothing": image(f"{RGB} /Decode [0 1 0 1 0 1]", JPEG),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_jpegs_are_taken_as_they_are(name: str, tmp_path: Path) -> None:
    """A JPEG of greys or RGB that nothing changes is returned byte for byte."""
    assert read(tmp_path, document(PLAIN[name]))[0] in (JPEG, GREY)


def test_a_plain_jpeg_with_a_profile(tmp_path: Path) -> None:
    """A profile that changes no colour leaves a JPEG plain."""
    space = "/ColorSpace [/ICCBased 6 0 R] /BitsPerComponent 8 /Filter /DCTDecode"
    assert read(tmp_path, document(image(space, JPEG), stream("/N 3", ICC)))[0] == JPEG


def test_a_jpeg_that_pdfium_cannot_draw(tmp_path: Path) -> None:
    """A grey JPEG that is declared as RGB would be drawn as an empty page: it is taken as it is."""
    assert read(tmp_path, document(image(RGB, GREY)))[0] == GREY


LEFT_HALF = np.zeros((SIZE[1], SIZE[0]), np.uint8)
LEFT_HALF[:, : SIZE[0] // 2] = 255
MASK_BITS = np.packbits(LEFT_HALF > 0, axis=1).tobytes()
ON_LEFT_HALF = PAGE.copy()
ON_LEFT_HALF.paste("white", (SIZE[0] // 2, 0, *SIZE))

SOFT_MASK = image("/ColorSpace /DeviceGray /BitsPerComponent 8", LEFT_HALF.tobytes())
STENCIL = image("/ImageMask true /BitsPerComponent 1 /Decode [1 0]", MASK_BITS)
GROUP = stream(
    "/Type /XObject /Subtype /Form /BBox [0 0 96 144] /Group << /S /Transparency /CS /DeviceGray >>",
    b"1 g 0 0 48 144 re f",
)

CHANGED = {
    "soft mask": (document(image(f"{RGB} /SMask 6 0 R", JPEG), SOFT_MASK), ON_LEFT_HALF),
    "stencil mask": (document(image(f"{RGB} /Mask 6 0 R", JPEG), STENCIL), ON_LEFT_HALF),
    "clip": (document(image(RGB, JPEG), drawing=f"q 0 0 48 144 re W n {FULL} Q"), ON_LEFT_HALF),
    "soft mask of the state": (
        document(
            image(RGB, JPEG),
            GROUP,
            drawing=f"/G gs {FULL}",
            resources="/ExtGState << /G << /SMask << /S /Luminosity /G 6 0 R >> >> >>",
        ),
        ON_LEFT_HALF,
    ),
    "half opacity": (
        document(image(RGB, JPEG), drawing=f"/G gs {FULL}", resources="/ExtGState << /G << /ca 0.5 >> >>"),
        Image.blend(PAGE, Image.new("RGB", SIZE, "white"), 0.5),
    ),
    "inverted": (document(image(f"{RGB} /Decode [1 0 1 0 1 0]", JPEG)), ImageOps.invert(PAGE)),
    "inverted grey": (
        document(image("/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode /Decode [1 0]", GREY)),
        ImageOps.invert(PAGE.convert("L")),
    ),
    "slightly darker": (document(image(f"{RGB} /Decode [0 .9 0 .9 0 .9]", JPEG)), PAGE.point(lambda v: v * 0.9)),
    "palette": (
        document(
            image(
                "/ColorSpace [/Indexed /DeviceRGB 255 6 0 R] /BitsPerComponent 8 /Filter /DCTDecode",
                GREY,
            ),
            stream("", bytes(255 - value for value in range(256) for _ in range(3))),
        ),
        ImageOps.invert(PAGE.convert("L")),
    ),
    "ink of its own": (
        document(
            image(
                "/ColorSpace [/Separation /Ink /DeviceGray << /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>]"
                " /BitsPerComponent 8 /Filter /DCTDecode",
                encoded(ImageOps.invert(PAGE.convert("L")), "JPEG", quality=90),
            )
        ),
        PAGE.convert("L"),
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_whatever_changes_a_jpeg_is_drawn(name: str, tmp_path: Path) -> None:
    """The page is drawn at the JPEG's own size, and looks as the PDF says."""
    made, right = CHANGED[name]
    data, page = read(tmp_path, made)
    assert data.startswith(b"BM")
    assert difference(page, right.convert("RGB")) < 6


def test_a_colour_that_is_masked_out(tmp_path: Path) -> None:
    """Pixels within the range of `Mask` are not painted: a white hole in a red page."""
    picture = Image.new("RGB", SIZE, (200, 20, 20))
    picture.paste((20, 20, 200), (40, 60, 160, 240))
    made = document(image(f"{RGB} /Mask [0 60 0 60 150 255]", encoded(picture, "JPEG", quality=95)))
    data, page = read(tmp_path, made)
    assert data.startswith(b"BM")
    assert page.getpixel((100, 150)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("space", "channels"),
    [
        ("[/Lab << /WhitePoint [0.9505 1 1.089] /Range [-100 100 -100 100] >>]", 3),
        ("/DeviceCMYK", 4),
        ("[/DeviceN [/Cyan /Black] /DeviceGray 6 0 R]", 2),
    ],
)
def test_other_colour_spaces_are_drawn(space: str, channels: int, tmp_path: Path) -> None:
    """Pictures of Lab, inks and several inks are drawn by PDFium, at their own size."""
    function = stream("/FunctionType 4 /Domain [0 1 0 1] /Range [0 1]", b"{ add 2 div 1 exch sub }")
    data = np.random.default_rng(1).integers(0, 255, (SIZE[1], SIZE[0], channels), np.uint8).tobytes()
    made = document(image(f"/ColorSpace {space} /BitsPerComponent 8", data), function)
    drawn, page = read(tmp_path, made)
    assert (drawn[:2], page.size) == (b"BM", SIZE)
    assert page.convert("L").getextrema()[0] < 200


# ----------------------------------------------------------------------- forms


def form(content: str, resources: str, matrix: str = "1 0 0 1 0 0") -> bytes:
    head = f"/Type /XObject /Subtype /Form /BBox [-999 -999 999 999] /Matrix [{matrix}]"
    return stream(f"{head} /Resources << /XObject << {resources} >> /Font << /F 9 0 R >> >>", content.encode())


TEXT = "BT /F 12 Tf 9 9 Td (shown) Tj ET"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
PICTURE = image(RGB, JPEG)
FORMS = {
    "in a form": (document(form(FULL, "/I 6 0 R"), PICTURE, drawing="/I Do"), SIZE),
    "in forms that scale it": (
        document(
            form("q 4 0 0 4 0 0 cm /G Do Q", "/G 6 0 R", "0.5 0 0 0.5 0 0"),
            form(FULL, "/I 7 0 R", "0.25 0 0 0.25 0 0"),
            PICTURE,
            drawing="q 2 0 0 2 10 10 cm /I Do Q",
            box="10 10 106 154",
        ),
        SIZE,
    ),
    "with text": (document(form(f"{FULL} {TEXT}", "/I 6 0 R"), PICTURE, b"null", b"null", FONT, drawing="/I Do"), SIZE),
    "turned by a form": (
        document(form(FULL, "/I 6 0 R"), PICTURE, drawing="q 0 1 -1 0 144 0 cm /I Do Q", box="0 0 144 96"),
        (SIZE[1], SIZE[0]),
    ),
    "small in a form": (
        document(form("q 20 0 0 30 9 9 cm /I Do Q", "/I 6 0 R"), PICTURE, drawing="/I Do"),
        POINTS,
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_pictures_inside_forms(name: str, tmp_path: Path) -> None:
    """A picture that fills the page decides its size through any number of forms; a small one does not."""
    made, size = FORMS[name]
    data, page = read(tmp_path, made, ReadLimits(dpi=72))
    assert page.size == size
    assert (data == JPEG) == (name in ("in a form", "in forms that scale it"))
    if name == "turned by a form":
        assert difference(page, PAGE.transpose(Image.Transpose.ROTATE_90)) < 6
    elif size == SIZE:
        assert difference(page, PAGE) < 6


def test_a_stencil_over_a_background(tmp_path: Path) -> None:
    """Scanners store the ink as a fine stencil over a coarse background: the finer of the two decides."""
    background = encoded(Image.new("RGB", (40, 60), (250, 240, 230)), "JPEG")
    made = document(
        image(RGB, background, (40, 60)),
        STENCIL,
        drawing=f"{FULL} q 0 g 96 0 0 144 0 0 cm /S Do Q",
        resources="",
    ).replace(b"/XObject << /I 5 0 R >>", b"/XObject << /I 5 0 R /S 6 0 R >>")
    data, page = read(tmp_path, made)
    assert (data[:2], page.size) == (b"BM", SIZE)
    assert max(page.getpixel((20, 20))) < 20
    assert min(page.getpixel((180, 280))) > 200


# ------------------------------------------------------------------- direction


@pytest.mark.parametrize(
    ("catalog", "right_to_left", "first"),
    [
        ("/ViewerPreferences << /Direction /R2L >>", False, "right"),
        ("/ViewerPreferences << /Direction /L2R >>", False, "left"),
        ("/ViewerPreferences << /Direction /L2R >>", True, "right"),
        ("", False, "left"),
    ],
)
def test_the_direction_of_a_pdf(catalog: str, right_to_left: bool, first: str, tmp_path: Path) -> None:
    """`/R2L` is a reading direction; `/L2R` is what every PDF has that says nothing."""
    (tmp_path / "lib").mkdir()
    page = draw_page(2, 4, (400, 600))
    made = document(image(RGB, encoded(page, "JPEG"), page.size), catalog=catalog)
    (tmp_path / "lib" / "a.pdf").write_bytes(made)
    build(tmp_path / "lib", tmp_path / "i", right_to_left=right_to_left)
    boxes = [panel.box for panel in panels(tmp_path / "i")]
    assert len(boxes) == 4
    assert (boxes[0].x > 180) == (first == "right")
    assert boxes[0].y < 100


def test_a_changed_direction_is_noticed(tmp_path: Path) -> None:
    """A file next to the book wins over the PDF, and the next build of a changed PDF reads it again."""
    (tmp_path / "lib").mkdir()
    picture = image(RGB, encoded(draw_page(2, 4, (400, 600)), "JPEG"), (400, 600))
    path = tmp_path / "lib" / "a.pdf"
    path.write_bytes(document(picture))
    build(tmp_path / "lib", tmp_path / "i")
    path.write_bytes(document(picture, catalog="/ViewerPreferences << /Direction /R2L >>"))
    assert build(tmp_path / "lib", tmp_path / "i").pages_changed == 1
    assert panels(tmp_path / "i")[0].box.x > 180
    (tmp_path / "lib" / "a.xml").write_text("<ComicInfo><Manga>No</Manga></ComicInfo>")
    assert build(tmp_path / "lib", tmp_path / "i").pages_changed == 1
    assert panels(tmp_path / "i")[0].box.x < 180


# --------------------------------------------------------------------- closing

_PROGRAM = """
import sys
from pathlib import Path
from retrieval.books import read_page, ReadLimits, open_container
from retrieval.errors import SourceError

for path in map(Path, sys.argv[1:]):
    try:
        page = read_page(path, "page 1")
        kept = open_container(path, ReadLimits())
    except SourceError as error:
        print(error)
"""


def test_nothing_is_open_at_exit(tmp_path: Path) -> None:
    """A program that reads PDFs, good and damaged, and closes none of them ends without a message."""
    paths = [*CASES.glob("0[45]*/*.pdf"), tmp_path / "cut.pdf", tmp_path / "none.pdf", tmp_path / "huge.pdf"]
    (tmp_path / "cut.pdf").write_bytes(document(PICTURE)[:3000])
    (tmp_path / "none.pdf").write_bytes(b"%PDF-1.7\n%%EOF")
    (tmp_path / "huge.pdf").write_bytes(document(PICTURE, box="0 0 999999 999999"))
    command = [sys.executable, "-c", _PROGRAM, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_build_and_a_search_close_their_documents(tmp_path: Path) -> None:
    """The programs that build and search say nothing about open objects either."""
    source, index = CASES / "05-pdf-scan-in-a-form", tmp_path / "i"
    for arguments in (
        ["build", str(source), "--index", str(index), "--encoder", "small", "--no-ocr", "--workers", "0"],
        ["search", "--image", str(CASES / "04-pdf-jpeg-taken-raw" / "right.png"), "--index", str(index), "--json"],
    ):
        command = [sys.executable, "-c", "from ui.cli.main import main; main()", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "open" not in done.stderr.lower()
        assert "pdfium" not in done.stderr.lower()


def test_this_process_leaves_no_page_open(tmp_path: Path) -> None:
    """Documents are kept open for a while; their pages and bitmaps are not."""
    from pypdfium2.internal import ObjectTracker

    for made, _ in CHANGED.values():
        read(tmp_path, made)
    build_index([tmp_path / "a.pdf"], tmp_path / "i", encoder=GridEncoder(), workers=0, ocr=False)
    still_open = {kind.__name__ for kind, objects in ObjectTracker.items() if objects}
    assert still_open <= {"PdfDocument"}
