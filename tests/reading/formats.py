"""A small book in every supported format, written by the tests that need it."""

from __future__ import annotations

import base64
import importlib.util
import io
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import draw_page
from tests.reading.rar import rar

Members = Sequence[tuple[str, bytes]]
COMMITTED_RAR = Path(__file__).parent / "files" / "small.cbr"

needs_rar_tool = pytest.mark.skipif(
    not any(shutil.which(tool) for tool in ("unar", "unrar", "bsdtar")), reason="no unar, unrar or bsdtar here"
)
needs_bsdtar = pytest.mark.skipif(not shutil.which("bsdtar"), reason="no bsdtar here")
needs_py7zr = pytest.mark.skipif(importlib.util.find_spec("py7zr") is None, reason="no py7zr here")


def jpeg(seed: int, size: tuple[int, int] = (200, 300), quality: int = 40) -> bytes:
    """Return a drawn page as a small JPEG."""
    out = io.BytesIO()
    draw_page(seed, 4, size).save(out, "JPEG", quality=quality)
    return out.getvalue()


def small_pages() -> list[tuple[str, bytes]]:
    """Return three pages whose names are out of order if sorted as text."""
    return [(f"page {n}.jpg", jpeg(n)) for n in (1, 2, 10)]


def make_tar(members: Members, mode: str = "w") -> bytes:
    """Return a TAR; mode "w:gz", "w:bz2" or "w:xz" compresses it as a whole."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def make_zip_bytes(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def make_7z(members: Members, folder: Path) -> bytes:
    """Return a 7z archive written by the program bsdtar; `folder` is an empty folder for its files."""
    for name, data in members:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    made = folder / "made.7z"  # into a pipe bsdtar would write padding after it
    command = ["bsdtar", "-c", "-f", str(made), "--format=7zip", "-C", str(folder), *(name for name, _ in members)]
    subprocess.run(command, check=True, capture_output=True)
    return made.read_bytes()


def make_pdf(images: Sequence[bytes], points: tuple[float, float] = (60.0, 90.0)) -> bytes:
    """Return a PDF whose pages are one JPEG each, written by hand because Pillow would compress them again."""
    return pdf([(f"q {points[0]} 0 0 {points[1]} 0 0 cm /P Do Q", image) for image in images], points)


def pdf(pages: Sequence[tuple[str, bytes]], points: tuple[float, float] = (60.0, 90.0)) -> bytes:
    """Return a PDF of pages (drawing commands, the JPEG named /P in them); /F is a font."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids = []
    for drawing, image in pages:
        width, height = Image.open(io.BytesIO(image)).size
        head = f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8"
        head += f" /ColorSpace /DeviceRGB /Filter /DCTDecode /Length {len(image)} >>"
        objects.append(head.encode() + b"\nstream\n" + image + b"\nendstream")
        objects.append(f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream".encode())
        count = len(objects)
        kids.append(f"{count + 1} 0 R")
        box = f"/MediaBox [0 0 {points[0]} {points[1]}]"
        resources = f"<< /XObject << /P {count - 1} 0 R >> /Font << /F 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R {box} /Contents {count} 0 R /Resources {resources} >>"
        objects.append(page.encode())
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    return pdf_file(objects)


def pdf_file(objects: Sequence[bytes]) -> bytes:
    """Return a PDF of numbered objects; the first is the catalog."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def make_epub(
    members: Members,
    *,
    fixed: bool = True,
    extra: Members = (),
    pages: Mapping[int, bytes] | None = None,
    package: bytes | None = None,
) -> bytes:
    """Return a fixed-layout EPUB whose spine shows `members` in their order, by `img` and by SVG in turn.

    pages: other XHTML for some positions in the spine. package: another package document.
    """
    changed = pages or {}
    items, spine, files = [], [], []
    for place, (name, data) in enumerate(members):
        items.append(f'<item id="p{place}" href="text/p{place}.xhtml" media-type="application/xhtml+xml"/>')
        spine.append(f'<itemref idref="p{place}"/>')
        shown = f'<img src="../images/{name}"/>'
        if place % 2:
            shown = f'<svg xmlns:xlink="x"><image xlink:href="../images/{name}"/></svg>'
        page = f"<html><body>&nbsp;{shown}</body></html>".encode()
        files.append((f"OEBPS/text/p{place}.xhtml", changed.get(place, page)))
        if (f"OEBPS/images/{name}", data) not in files:
            files.append((f"OEBPS/images/{name}", data))
    layout = '<meta property="rendition:layout">pre-paginated</meta>' if fixed else ""
    made = (
        f'<package xmlns="http://www.idpf.org/2007/opf"><metadata>{layout}</metadata>'
        f"<manifest>{''.join(items)}</manifest><spine>{''.join(spine)}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    document = ("OEBPS/book.opf", made.encode() if package is None else package)
    head = [("mimetype", b"application/epub+zip"), ("META-INF/container.xml", container.encode()), document]
    return make_zip_bytes([*head, *files, *extra], zipfile.ZIP_STORED)


def make_acbf(members: Members, *, embedded: bool = True) -> bytes:
    """Return an ACBF document: the first member is the cover, the others are pages. embedded: it holds the images."""
    mark = "#" if embedded else ""
    (cover, _), *pages = members
    body = "".join(f'<page><image href="{mark}{name}"/></page>' for name, _ in pages)
    data = "".join(f'<binary id="{name}">{base64.encodebytes(data).decode()}</binary>' for name, data in members)
    return (
        '<?xml version="1.0" encoding="utf-8"?><ACBF xmlns="http://www.acbf.info/xml/acbf/1.1"><meta-data><book-info>'
        f'<coverpage><image href="{mark}{cover}"/></coverpage></book-info></meta-data>'
        f"<body>{body}</body>{f'<data>{data}</data>' if embedded else ''}</ACBF>"
    ).encode()


def make_rar(members: Members) -> bytes:
    """Return a RAR of format 5."""
    return rar(members)
