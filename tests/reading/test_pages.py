"""`read_page` returns a page's bytes and never any other file."""

from __future__ import annotations

import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

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


ORDERS = {
    "decimals": ["Vol. 1 Ch. 1", "Vol. 1 Ch. 2", "Vol. 1 Ch. 2.5", "Vol. 1 Ch. 3", "Vol. 1 Ch. 10", "Vol. 1 Ch. 10.5"],
    "more text": ["Chapter_2", "Chapter_2_x", "Chapter_2.5", "Chapter_2.5_x", "Chapter_3_x", "Chapter_10_a"],
    "extras": ["Vol. 2", "Vol. 2 Extras", "Vol. 2.5", "Vol. 3", "Vol. 10 Extras"],
    "extra files": ["Vol. 2.cbz", "Vol. 2 Extras.cbz", "Vol. 2.5.cbz", "Vol. 3.cbz"],
    "letters": ["c010", "c010.5", "c011", "c100"],
    "x for a point": ["c010 (v02)", "c010x5 (v02)", "c011 (v02)"],
    "comma": ["Ch 2", "Ch 2,5", "Ch 3"],
    "fractions": ["Ch 2", "Ch 2¼", "Ch 2½", "Ch 2¾", "Ch 3", "Ch 12½"],
    "many decimals": ["1.05", "1.5", "1.9", "1.10", "2"],
    "japanese": ["第1話", "第2話", "第2.5話", "第3話", "第10話"],
    "fullwidth": ["第１話", "第２話", "第２．５話", "第３話", "第１０話"],  # noqa: RUF001
    "raised point": ["第1話", "第2話", "第2・5話", "第3話"],
    "arabic": ["فصل ١", "فصل ٢", "فصل ٢٫٥", "فصل ٣", "فصل ١٠"],  # noqa: RUF001
    "scripts mixed": ["第1話", "第２話", "第٣話", "第४話"],
    "circled": ["①.png", "②.png", "⑩.png"],
    "signs first": ["!cover.png", "(cover).png", "[credits].png", "_cover.png", "001.png", "a.png", "あ.png"],
    "signs inside": ["Book-#0001.png", "Book-001.png", "Book-002.png", "Book-a.png"],
    "case": ["Page1.png", "page2.PNG", "page2b.jpg", "page10.png"],
    "suffixes": ["1.jpg", "1 b.jpg", "1.5.jpg", "2.jpg", "2.jpg.png", "10.jpg"],
    "folders": ["a/9.png", "a/10.png", "a 2/1.png", "a 2.5/1.png", "a 3/1.png", "a-b/1.png"],
    "huge numbers": ["9" * 5000, "1" + "0" * 5000],
}


@pytest.mark.parametrize("kind", ORDERS)
def test_natural_order(kind: str) -> None:
    """Numbers count by value in every script, decimals stand between their neighbours, and signs come first."""
    dice = random.Random(kind)
    for _ in range(5):
        names = dice.sample(ORDERS[kind], len(ORDERS[kind]))
        assert sorted(names, key=natural_key) == ORDERS[kind]


def test_any_names_can_be_ordered() -> None:
    """Keys of names of any characters can be compared, and different names have different keys."""
    dice = random.Random(5)
    letters = "aB12.,-_ é漫3½٣·/jpg\0\1\udc80"
    names = {"".join(dice.choices(letters, k=dice.randint(0, 9))) for _ in range(4_000)}
    ordered = sorted(names, key=natural_key)
    assert len({natural_key(name) for name in ordered}) == len(names)
    titles = ["Vol 2", "Vol 10", "Z", "a 2", "a 10"]
    assert sorted(titles, key=lambda title: natural_key(title, ignore_case=False)) == titles
    assert natural_key("pagina") < natural_key("pa\u0301gina") < natural_key("pbgina")
