"""Every kind of damage is reported, and the rest of the book is kept."""

from __future__ import annotations

import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from index_builder.sources import BookRef, Skipped, find_books
from retrieval.books import ReadLimits, limits, read_page
from retrieval.books.formats import rar as rar_pages
from retrieval.books.formats import seven_zip as seven_pages
from retrieval.errors import SourceError
from tests.reading import formats
from tests.reading.formats import jpeg, make_tar, make_zip_bytes, small_pages
from tests.reading.rar import locked_rar, old_rar, rar
from tests.reading.test_formats import listed, seven

PAGES = small_pages()
BIG = [(name, data + bytes(200_000)) for name, data in PAGES]


def cut_zip(streamed: bool = False) -> bytes:
    """Return a ZIP that ends within its last page; `streamed`: sizes follow the data, as when writing to a pipe."""
    whole = make_zip_bytes(PAGES)
    if streamed:
        whole = _streamed()
    return whole[: whole.rindex(b"PK\x03\x04") + 200]


def _streamed() -> bytes:
    out = b""
    for name, data in PAGES:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = packer.compress(data) + packer.flush()
        out += struct.pack("<4s5HLLLHH", b"PK\x03\x04", 20, 8, 8, 0, 0, 0, 0, 0, len(name), 0) + name.encode() + body
        out += struct.pack("<4sLLL", b"PK\x07\x08", zlib.crc32(data), len(body), len(data))
    return out


def lying_rar() -> bytes:
    """Return a RAR whose last page declares a wrong size."""
    pages = [*PAGES[:2], (PAGES[2][0], PAGES[2][1][:-1])]
    return rar(pages, packed=False)[:-20]


DAMAGE: dict[str, tuple[Callable[[], bytes], str, list[str]]] = {
    "ZIP cut off": (cut_zip, "cut off or damaged ZIP .*its complete pages are kept; copy it", ["1", "2"]),
    "streamed ZIP cut off": (lambda: cut_zip(True), "cut off or damaged ZIP", ["1", "2"]),
    "ZIP without an end": (lambda: make_zip_bytes(PAGES)[:-22], "its end is missing", ["1", "2", "10"]),
    "TAR cut off": (
        lambda: make_tar(PAGES)[:-12_000],
        "cut off or damaged TAR archive .*complete pages are kept",
        ["1"],
    ),
    "gz cut off": (lambda: make_tar(BIG, "w:gz")[:-400], "cut off or damaged TAR archive .*ended before", ["1", "2"]),
    "xz damaged": (lambda: make_tar(PAGES, "w:xz")[:200] + bytes(900), "cut off or damaged .*; copy it here again", []),
    "no TAR in gz": (lambda: make_tar(PAGES, "w:gz")[:60], "cut off or damaged|holds no TAR", []),
    "RAR cut off": (lambda: rar(PAGES, packed=False)[:-3000], "cut off or damaged RAR archive", ["1", "2"]),
    "RAR headers": (lambda: rar(PAGES)[:30], "cut off or damaged RAR archive|holds no page", []),
    "RAR encrypted": (lambda: rar(PAGES, encrypted=["page 2.jpg"]), "^encrypted; remove the password", ["1", "10"]),
    "RAR encrypted, old": (
        lambda: old_rar(PAGES, packed=False, encrypted=["page 2.jpg"]),
        "^encrypted; remove the password",
        ["1", "10"],
    ),
    "RAR cut off, old": (lambda: old_rar(PAGES, packed=False)[:-3000], "cut off or damaged RAR archive", ["1", "2"]),
    "RAR list encrypted": (locked_rar, "^encrypted, its list of pages too; remove the password", []),
    "RAR escapes": (
        lambda: rar([("../evil.jpg", b"x"), ("/etc/p.jpg", b"x"), *PAGES], packed=False),
        "leads out of the archive; not read .and 1 more like it",
        ["1", "2", "10"],
    ),
    "TAR escapes": (lambda: make_tar([("../../evil.jpg", b"x"), *PAGES]), "leads out of the archive", ["1", "2", "10"]),
    "archive in RAR": (
        lambda: rar([("in.cbz", b"PK"), *PAGES], packed=False),
        "archive inside an archive; unpack the outer one",
        ["1", "2", "10"],
    ),
    "TAR of zeros after a page": (
        lambda: zeros_from(make_tar(PAGES), "page 10.jpg", -1024),
        "ends with [0-9,]+ bytes of zeros or more, where further members may have been",
        ["1", "2"],
    ),
    "PDF cut off": (lambda: formats.make_pdf([jpeg(1)])[:300], "cut off or damaged PDF .*copy it", []),
    "PDF encrypted": (lambda: encrypted_pdf(), "^encrypted; remove the password", []),
    "ACBF cut off": (lambda: formats.make_acbf(PAGES)[:2000], "damaged XML", []),
    "Zstandard": (lambda: b"\x28\xb5\x2f\xfd" + bytes(50), "is a Zstandard archive; supported are CBZ", []),
}


def zeros_from(data: bytes, name: str, offset: int) -> bytes:
    """Return a file that holds zeros from `offset` bytes after a name on."""
    start = data.index(name.encode()) + offset
    return data[:start] + bytes(len(data) - start)


def encrypted_pdf() -> bytes:
    """Return a PDF that needs a password, and that no password opens."""
    whole = formats.make_pdf([jpeg(1)])
    secret = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + b"41" * 32 + b"> /U <" + b"42" * 32 + b"> >>"
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /ID [<41> <41>] " + secret)


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_reported_and_the_rest_is_kept(tmp_path: Path, kind: str) -> None:
    """Damage is reported once, with a suggested fix, and every complete page is read."""
    make, pattern, pages = DAMAGE[kind]
    path = tmp_path / "comic.cbz"
    path.write_bytes(make())
    books, skips = listed(path)
    (reason,) = skips.values()
    assert re.search(pattern, reason), reason
    names = [f"page {n}.jpg" for n in pages]
    assert [page.name for book in books for page in book.pages] == names
    if "packed" not in kind and not (kind == "RAR encrypted" and rar_pages._program() is None):
        assert [read_page(path, name)[:2] for name in names] == [b"\xff\xd8"] * len(names)


@formats.needs_rar_tool
@pytest.mark.parametrize("solid", [False, True])
def test_altered_bytes_in_a_rar(tmp_path: Path, solid: bool) -> None:
    """A wrong checksum costs that page alone."""
    data = bytearray(rar(PAGES, solid=solid))
    place = data.rindex(b"page 10.jpg") + 2000
    data[place : place + 4] = b"\0\0\0\0"
    path = tmp_path / "a.cbr"
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match=r"a\.cbr/page 10\.jpg: damaged in the archive"):
        read_page(path, "page 10.jpg")
    assert read_page(path, "page 1.jpg") == PAGES[0][1]
    assert read_page(path, "page 2.jpg") == PAGES[1][1]


@formats.needs_bsdtar
def test_damaged_7z(tmp_path: Path) -> None:
    """A truncated 7z is skipped as a whole, since its list is at its end; altered pages are reported one by one."""
    pytest.importorskip("py7zr")
    whole = seven(tmp_path, PAGES)
    path = tmp_path / "a.cb7"
    path.write_bytes(whole[:-100])
    _, skips = listed(path)
    assert "cut off or damaged 7z archive" in skips["a.cb7"]
    path.write_bytes(whole[:60] + bytes(40) + whole[100:])
    with pytest.raises(SourceError, match=r"a\.cb7/page 2\.jpg: cannot be unpacked: cut off or damaged 7z archive"):
        read_page(path, "page 2.jpg")


@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("reader", ["py7zr", "bsdtar"])
def test_encrypted_7z(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reader: str, names: bool) -> None:
    """Nothing of it is readable, with or without its list of names; the reason is encryption, and no page is empty."""
    py7zr = pytest.importorskip("py7zr")
    if reader == "bsdtar":
        if shutil.which("bsdtar") is None:
            pytest.skip("no bsdtar here")
        monkeypatch.setattr(seven_pages.importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "a.cb7"
    with py7zr.SevenZipFile(path, "w", password="secret", header_encryption=names) as archive:
        for name, data in PAGES:
            archive.writestr(data, name)
    books, skips = listed(path)
    reasons = list(skips.values())
    for book in books:
        for page in book.pages:
            with pytest.raises(SourceError) as error:
                read_page(path, page.name)
            reasons.append(f"{error.value.problem}; {error.value.hint}")
    assert reasons
    assert all("encrypted; remove the password" in reason for reason in reasons), reasons


@pytest.mark.parametrize("form", ["zip", "tar", "gz", "rar", "acbf", "epub", "pdf", "7z"])
def test_random_damage_never_stops_the_walk(tmp_path: Path, form: str) -> None:
    """Altered bytes give a book or a reason, and its pages give bytes or a SourceError: never anything else."""
    if form == "7z" and not formats.shutil.which("bsdtar"):
        pytest.skip("no bsdtar here")
    made = {
        "zip": lambda: make_zip_bytes(PAGES),
        "tar": lambda: make_tar(PAGES),
        "gz": lambda: make_tar(PAGES, "w:gz"),
        "rar": lambda: rar(PAGES, packed=False),
        "acbf": lambda: formats.make_acbf(PAGES),
        "epub": lambda: formats.make_epub(PAGES),
        "pdf": lambda: formats.make_pdf([data for _, data in PAGES]),
        "7z": lambda: seven(tmp_path, PAGES),
    }
    dice, whole = random.Random(form), made[form]()
    path = tmp_path / "a.cbz"
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(8):
            data[dice.randrange(len(data)) if dice.random() < 0.5 else -1 - dice.randrange(400)] = dice.randrange(256)
        path.write_bytes(bytes(data))
        for item in find_books(path):
            assert isinstance(item, (BookRef, Skipped))
            for page in item.pages if isinstance(item, BookRef) else ():
                try:
                    assert isinstance(read_page(path, page.name), bytes)
                except SourceError:
                    continue


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_a_tar_that_expands_too_far(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str) -> None:
    """A compressed TAR beyond the limits is refused while it is unpacked."""
    monkeypatch.setattr(limits, "BOMB_FLOOR", 2**13)
    (tmp_path / "a.cbt").write_bytes(make_tar([("1.png", bytes(2**21))], mode))
    _, skips = listed(tmp_path / "a.cbt", ReadLimits(max_ratio=20))
    assert "holds a decompression bomb" in skips["a.cbt"]


def test_a_rar_that_expands_too_far(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A member, or a book, that declares to unpack to far more than its size is not unpacked."""
    monkeypatch.setattr(limits, "BOMB_FLOOR", 2**13)
    one = rar([*PAGES, ("bomb.jpg", bytes(1000))], packed=False)
    size, claimed = b"\xe8\x07", b"\x80\x80\x10"  # 1,000 and 262,144 as the format writes them
    start = one.rindex(b"bomb.jpg") - 30
    head = one[:start] + one[start:].replace(size, claimed, 1)
    (tmp_path / "a.cbr").write_bytes(head)
    books, skips = listed(tmp_path / "a.cbr")
    assert skips
    assert [page.name for book in books for page in book.pages] in ([name for name, _ in PAGES], [])


def test_a_pdf_page_beyond_the_limits(tmp_path: Path) -> None:
    """A page that would be rendered larger than allowed is refused with both suggested fixes."""
    path = tmp_path / "a.pdf"
    path.write_bytes(formats.pdf([("0 0 10 10 re f", jpeg(1))], points=(7200.0, 7200.0)))
    with pytest.raises(SourceError, match=r"page 1: 15000 x 15000 px is 225 megapixels; the limit is 100\n") as error:
        read_page(path, "page 1", ReadLimits(max_pixels=10**8))
    assert error.value.hint == "raise it with --max-pixels, or lower --dpi"
