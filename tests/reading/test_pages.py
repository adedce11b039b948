"""`read_page` returns a page's bytes and never any other file."""

from __future__ import annotations

import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from natsort import natsort_keygen, ns

from retrieval.books import ReadLimits, escapes, limits, natural_key, open_books, page_name, read_page
from retrieval.errors import SourceError

ESCAPING = [
    "../x.png",
    "a/../../x.png",
    "/etc/passwd",
    "C:/x.png",
    "c:\\x.png",
    "..\\x.png",
    "\\x.png",
    "",
    "a\0b",
]


@pytest.mark.parametrize("name", ESCAPING)
def test_escaping_names_are_refused(tmp_path: Path, make_zip: Callable[..., Path], name: str) -> None:
    """A name that leaves the book is refused in a folder and in an archive, whether or not it exists."""
    (tmp_path / "x.png").write_bytes(b"secret")
    (tmp_path / "book").mkdir()
    for book in (tmp_path / "book", make_zip("book.cbz", [("x.png", b"page")])):
        with pytest.raises(SourceError, match="escapes the book"):
            read_page(book, name)


@pytest.mark.parametrize("name", ["a..b.png", "...png", "page: 1.png", "a/b/c.png", "~x.png"])
def test_harmless_names_do_not_escape(name: str) -> None:
    """Dots, colons and tildes inside a name are fine."""
    assert not escapes(name)


def test_folder_and_archive_give_the_same_bytes(tmp_path: Path, make_zip: Callable[..., Path]) -> None:
    """A page has one name, in a folder and in its archive, whichever slashes the archive used."""
    (tmp_path / "book" / "ch1").mkdir(parents=True)
    (tmp_path / "book" / "ch1" / "ü 1.png").write_bytes(b"page")
    archive = make_zip("book.cbz", [("./ch1\\ü 1.png", b"page")], zipfile.ZIP_DEFLATED)
    assert read_page(tmp_path / "book", "ch1/ü 1.png") == read_page(archive, "ch1/ü 1.png") == b"page"
    assert page_name("./ch1\\\\a.png") == "ch1/a.png"
    assert page_name("\udce9t\udce9.png") == "été.png"
    assert page_name("\ud800.png") == "?.png"


def test_a_missing_book_or_page_names_both_and_a_fix(tmp_path: Path, make_zip: Callable[..., Path]) -> None:
    """The error names book and page and suggests a fix."""
    archive = make_zip("a.cbz", [("p.png", b"1")])
    (tmp_path / "text.cbz").write_text("not a zip")
    for book in (tmp_path / "gone.cbz", archive, tmp_path, tmp_path / "text.cbz"):
        with pytest.raises(SourceError, match=f"(?s){book.name}/no.png: .*build the index again") as error:
            read_page(book, "no.png")
        assert error.value.path == f"{book}/no.png"
        assert error.value.hint == "put the comics back where they were, or build the index again"


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    """A link inside the folder is read; one that leaves it is not."""
    book = tmp_path / "book"
    book.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (book / "real.png").write_bytes(b"page")
    (book / "in.png").symlink_to("real.png")
    (book / "out.png").symlink_to(tmp_path / "secret")
    (book / "up").symlink_to(tmp_path)
    assert read_page(book, "in.png") == b"page"
    for name in ("out.png", "up/secret"):
        with pytest.raises(SourceError, match="leaves its folder"):
            read_page(book, name)


def test_a_single_image_gives_only_itself_and_its_annotation(tmp_path: Path) -> None:
    """A book that is one image gives no access to its folder."""
    for name in ("p.png", "p.json", "other.png"):
        (tmp_path / name).write_bytes(name.encode())
    assert read_page(tmp_path / "p.png", "p.png") == b"p.png"
    assert read_page(tmp_path / "p.png", "p.json") == b"p.json"
    with pytest.raises(SourceError):
        read_page(tmp_path / "p.png", "other.png")


def test_bytes_are_bounded(tmp_path: Path, make_zip: Callable[..., Path]) -> None:
    """Folder files and archive members beyond `max_bytes` are refused."""
    (tmp_path / "p.png").write_bytes(bytes(100))
    for book in (tmp_path, make_zip("a.cbz", [("p.png", bytes(100))])):
        assert len(read_page(book, "p.png", ReadLimits(max_bytes=100))) == 100
        with pytest.raises(SourceError, match="limit"):
            read_page(book, "p.png", ReadLimits(max_bytes=99))


def test_a_member_that_expands_too_far_is_refused(monkeypatch, make_zip: Callable[..., Path]) -> None:
    """Large members that unpack to more than 200 times their size are not unpacked."""
    monkeypatch.setattr(limits, "BOMB_FLOOR", 2**16)
    archive = make_zip("bomb.cbz", [("p.png", bytes(2**20))], zipfile.ZIP_DEFLATED)
    with pytest.raises(SourceError, match="decompression bomb"):
        read_page(archive, "p.png")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_lying_size_is_refused(make_zip: Callable[..., Path], method: int) -> None:
    """A directory that understates a member's size does not get the rest unpacked."""
    path = make_zip("liar.cbz", [("p.png", bytes(2**20))], method)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged"):
        read_page(path, "p.png")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_members_are_source_errors(make_zip: Callable[..., Path], method: int) -> None:
    """Altered bytes are noticed, whatever the packing."""
    noise = os.urandom(5000)
    path = make_zip("a.cbz", [("p.png", noise)], method)
    data = bytearray(path.read_bytes())
    for place in range(60, 2000, 7):
        data[place] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"a\.cbz/p\.png: "):
        read_page(path, "p.png")


def test_pages_of_one_archive_parse_its_directory_once(monkeypatch, make_zip: Callable[..., Path]) -> None:
    """Reading a book page by page opens it once; a replaced archive is opened again."""
    opened = []
    real = open_books.open_container
    monkeypatch.setattr(open_books, "open_container", lambda path, how: opened.append(path) or real(path, how))
    path = make_zip("a.cbz", [(f"{n}.png", b"%d" % n) for n in range(20)])
    assert [read_page(path, f"{n}.png") for n in range(20)] == [b"%d" % n for n in range(20)]
    assert len(opened) == 1
    make_zip("a.cbz", [("1.png", b"replaced")])
    assert read_page(path, "1.png") == b"replaced"
    assert len(opened) == 2


def test_few_archives_stay_open(make_zip: Callable[..., Path]) -> None:
    """Reading many books keeps a few files open, not all of them."""
    for n in range(10):
        assert read_page(make_zip(f"{n}.cbz", [("p.png", b"%d" % n)]), "p.png") == b"%d" % n
    assert len(open_books.BOOK_POOL.open) <= 4


def test_natural_order_is_that_of_natsort() -> None:
    """Names sort by natsort's key for paths, made without a path object for each.

    natsort also removes the suffix from the middle of a name, so the few names that contain it twice are left out.
    """
    as_paths = natsort_keygen(alg=ns.INT | ns.PATH | ns.IGNORECASE)
    dice = random.Random(5)
    names = ["".join(dice.choices("aB12 .-é漫3jpg_", k=dice.randint(1, 12))) for _ in range(4_000)]
    names += ["vol.2", "vol.2.jpg", "a.tar.gz", "a.b.c.d.png", "Page 010.JPG", "a.", "a..jpg", "1.5.webp", "x.jpegxl"]
    plain = [name for name in names if name.strip(".") and not name.startswith(".")]
    assert len(plain) > 3_000
    differ = [name for name in plain if natural_key(name) != ((as_paths(name), name),)]
    assert all(name.count(name[name.rindex(".") :]) > 1 for name in differ), differ
    assert len(differ) < 10
