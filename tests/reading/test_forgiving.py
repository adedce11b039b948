"""Archives that break a rule of their format, and that other programs read, are read too."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from retrieval.books import read_page
from retrieval.errors import SourceError
from tests.reading import formats
from tests.reading.formats import make_tar, make_zip_bytes, small_pages
from tests.reading.rar import rar
from tests.reading.test_formats import listed, pages_of

PAGES = small_pages()
NAMES = [name for name, _ in PAGES]
BLOCK = tarfile.BLOCKSIZE


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# ------------------------------------------------------------------------- ZIP


@pytest.mark.parametrize(
    "local",
    [b"Book\\%d.jpg", b"BOOK/%d.JPG", b"B\x94\xf6k/%d.jpg", b"\xff\xff\xff\xff/%d.jpg"],
    ids=["backslash", "case", "encoding", "other"],
)
def test_local_headers_that_spell_names_otherwise(tmp_path: Path, local: bytes) -> None:
    """The names of the directory count, and the checksum still has to be right."""
    data = make_zip_bytes([(f"Book/{n}.jpg", page) for n, (_, page) in enumerate(PAGES)])
    end = data.index(b"PK\x01\x02")
    for n in range(len(PAGES)):
        name = b"Book/%d.jpg" % n
        place = data.index(name, 0, end)
        data = data[:place] + local % n + data[place + len(name) :]
    path = put(tmp_path / "a.cbz", data)
    assert list(pages_of(path).values()) == [page for _, page in PAGES]
    broken = bytearray(data)
    broken[data.index(local % 1) + 500] ^= 1
    put(path, bytes(broken))
    with pytest.raises(SourceError, match="damaged in the archive"):
        read_page(path, "Book/1.jpg")


@pytest.mark.parametrize(
    "before", [b"PK00", b"PK\x07\x08", b"MZ" + bytes(5000), b"#!/bin/sh\n" * 700, b"\xff\xd8\xff\xe0"]
)
def test_bytes_before_a_zip(tmp_path: Path, before: bytes) -> None:
    """A mark of split archives, a program that unpacks itself, or a picture may come before the first member."""
    assert pages_of(put(tmp_path / "a.cbz", before + make_zip_bytes(PAGES))) == dict(PAGES)


@pytest.mark.parametrize("before", [b"PK00", b"PK\x07\x08"])
def test_a_marked_zip_without_its_end(tmp_path: Path, before: bytes) -> None:
    """Its members are found by their own headers."""
    path = put(tmp_path / "a.cbz", before + make_zip_bytes(PAGES)[:-22])
    (book,), skips = listed(path)
    assert [read_page(path, page.name) for page in book.pages] == [page for _, page in PAGES]
    assert "cut off or damaged ZIP" in skips["a.cbz"]


def test_a_picture_with_a_zip_after_it_stays_a_picture(tmp_path: Path) -> None:
    """Only the name of a book makes it one."""
    picture = PAGES[0][1]
    data = picture + make_zip_bytes(PAGES)
    for name in ("page.jpg", "page"):
        (book,), _ = listed(put(tmp_path / name, data))
        assert (book.book_format, read_page(book.path, name)) == ("folder", data)


def zip_of_raw_names(names: Sequence[bytes], extra: Callable[[bytes], bytes] = lambda raw: b"") -> bytes:
    """Return a ZIP whose names are not marked as UTF-8. extra: the extra field of a raw name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for raw, (_, page) in zip(names, PAGES, strict=False):
            info = zipfile.ZipInfo("x" * len(raw))
            info.extra = extra(raw)
            archive.writestr(info, page)
    data = out.getvalue()
    for raw in names:
        data = data.replace(b"x" * len(raw), raw, 1)
        place = data.index(b"x" * len(raw), data.index(b"PK\x01\x02"))
        data = data[:place] + raw + data[place + len(raw) :]
    return data


def unicode_path(raw: bytes) -> bytes:
    name = b"\x01" + struct.pack("<L", zlib.crc32(raw)) + "頁.jpg".encode()
    return struct.pack("<HH", 0x7075, len(name)) + name


@pytest.mark.parametrize(
    ("raw", "extra", "name", "former"),
    [
        ("ページ.jpg".encode(), None, "ページ.jpg", "πâÜπâ╝πé╕.jpg"),
        ("été.jpg".encode(), None, "été.jpg", "├⌐t├⌐.jpg"),
        ("été.jpg".encode("cp437"), None, "été.jpg", None),
        (b"\x95\xc5.jpg", unicode_path, "頁.jpg", "ò┼.jpg"),
        (b"\x95\xc5.jpg", lambda raw: unicode_path(b"other"), "ò┼.jpg", None),
    ],
    ids=["UTF-8", "UTF-8 of macOS", "code page 437", "extra field", "extra field of another name"],
)
def test_names_that_are_not_marked(tmp_path: Path, raw: bytes, extra, name: str, former: str | None) -> None:
    """They are read as UTF-8 if they are valid; what an earlier version called them can still be read."""
    path = put(tmp_path / "a.cbz", zip_of_raw_names([raw], extra or (lambda raw: b"")))
    assert pages_of(path) == {name: PAGES[0][1]}
    if former is not None:
        assert read_page(path, former) == PAGES[0][1]
    cut = put(tmp_path / "cut.cbz", path.read_bytes()[:-22])
    (book,), _ = listed(cut)
    assert [page.name for page in book.pages] == [name]


def test_a_directory_that_lists_too_few(tmp_path: Path) -> None:
    """A page that its end counts and its directory does not list is a loss, and the report says so."""
    data = make_zip_bytes(PAGES)
    end = data.rindex(b"PK\x05\x06")
    path = put(tmp_path / "a.cbz", data[: end + 8] + struct.pack("<HH", 4, 4) + data[end + 12 :])
    _, skips = listed(path)
    assert "its directory lists 3 of 4 members" in skips["a.cbz"]


def test_a_damaged_header_without_a_directory(tmp_path: Path) -> None:
    """It costs its own page."""
    data = bytearray(make_zip_bytes(PAGES)[:-22])
    data[data.index(b"PK\x03\x04", 4)] ^= 0xFF
    path = put(tmp_path / "a.cbz", bytes(data))
    (book,), skips = listed(path)
    assert [page.name for page in book.pages] == [NAMES[0], NAMES[2]]
    assert "cut off or damaged ZIP" in skips["a.cbz"]


def test_a_page_that_the_directory_calls_a_folder(tmp_path: Path) -> None:
    """A name that ends with a slash and has bytes is a file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("1.jpx", PAGES[0][1])
    data = out.getvalue().replace(b"1.jpx", b"1.jp/")
    assert pages_of(put(tmp_path / "a.cbz", data)) == {"1.jp": PAGES[0][1]}


# ------------------------------------------------------------------------- TAR


def old_tar(members: formats.Members) -> bytes:
    """Return a TAR of Unix version 7, whose headers have no magic."""
    out = b""
    for name, data in members:
        head = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
        head += b"%011o\0" % len(data) + b"%011o\0" % 0
        total = sum(head) + 8 * ord(" ")
        out += (head + b"%06o\0 " % total).ljust(BLOCK, b"\0") + data + bytes(-len(data) % BLOCK)
    return out + bytes(2 * BLOCK)


def header_places(data: bytes) -> list[int]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [info.offset for info in archive]


def damaged(place: int, damage: Callable[[bytes], bytes]) -> bytes:
    """Return a TAR of the pages with one block changed, the one at header number `place`."""
    data = make_tar(PAGES)
    start = header_places(data)[place]
    return data[:start] + damage(data[start : start + BLOCK]) + data[start + BLOCK :]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_tar_of_version_7(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Its headers are known by their checksums."""
    assert pages_of(put(tmp_path / "a.cbt", pack(old_tar(PAGES)))) == dict(PAGES)


@pytest.mark.parametrize("mode", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_that_begin_with_something_else(tmp_path: Path, mode: int) -> None:
    """A folder, a long name or a header for all members may come first."""
    out = io.BytesIO()
    headers = {"comment": "made by a test"} if mode == tarfile.PAX_FORMAT else None
    with tarfile.open(fileobj=out, mode="w", format=mode, pax_headers=headers) as archive:
        folder = tarfile.TarInfo("./" + ("é" * 40 if mode != tarfile.USTAR_FORMAT else "e"))
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in PAGES:
            info = tarfile.TarInfo(f"{folder.name}/{'n' * (100 if mode != tarfile.USTAR_FORMAT else 1)}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert list(pages_of(put(tmp_path / "a.cbt", out.getvalue())).values()) == [data for _, data in PAGES]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "damage",
    [lambda block: block[:9] + b"\xff" + block[10:], lambda block: bytes(BLOCK), lambda block: b"\xa5" * BLOCK],
    ids=["one byte", "zeros", "noise"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_damaged_header(tmp_path: Path, place: int, damage, pack: Callable[[bytes], bytes]) -> None:
    """It costs its own page, and the report says so; the pages after it are read."""
    data = damaged(place, damage)
    if place == 0 and not data.startswith(b"page"):
        data = old_tar([("cover.jpg", PAGES[0][1])])[: -2 * BLOCK] + data  # else it is no TAR at all
    path = put(tmp_path / "a.cbt", pack(data))
    (book,), skips = listed(path)
    kept = [name for number, name in enumerate(NAMES) if number != place]
    assert [page.name for page in book.pages if page.name != "cover.jpg"] == kept
    assert [read_page(path, name) for name in kept] == [dict(PAGES)[name] for name in kept]
    assert list(skips) == ["a.cbt"]
    assert "cut off or damaged TAR archive (a header is damaged); its complete pages are kept" in skips["a.cbt"] or (
        place == 0 and "damaged TAR archive" in skips["a.cbt"]
    )


@pytest.mark.parametrize("end", [b"", bytes(BLOCK), bytes(2 * BLOCK), bytes(100 * BLOCK), bytes(300)])
def test_every_end_of_a_tar(tmp_path: Path, end: bytes) -> None:
    """Zeros, few or many, or the end of the file: no damage."""
    data = old_tar(PAGES)[: -2 * BLOCK]
    assert pages_of(put(tmp_path / "a.cbt", data + end)) == dict(PAGES)


def test_bytes_after_the_end_of_a_tar(tmp_path: Path) -> None:
    """They may be what is left of a page, so the report says that there are some."""
    path = put(tmp_path / "a.cbt", make_tar(PAGES) + b"\xa5" * 600)
    (book,), skips = listed(path)
    assert len(book.pages) == 3
    assert "cut off or damaged TAR archive" in skips["a.cbt"]


def test_one_tar_after_another(tmp_path: Path) -> None:
    """All pages of TARs that were joined are read, and nothing is damaged."""
    data = make_tar(PAGES[:1]) + make_tar(PAGES[1:])
    assert pages_of(put(tmp_path / "a.cbt", data)) == dict(PAGES)


def test_links_in_a_tar_are_named(tmp_path: Path) -> None:
    """A page that is a link inside the archive is not followed, and not lost silently."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in [("1.jpg", tarfile.REGTYPE), ("2.jpg", tarfile.LNKTYPE), ("3.jpg", tarfile.SYMTYPE)]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "1.jpg"
            info.size = len(PAGES[0][1]) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(PAGES[0][1]))
    (book,), skips = listed(put(tmp_path / "a.cbt", out.getvalue()))
    assert [page.name for page in book.pages] == ["1.jpg"]
    assert skips == {
        "a.cbt/2.jpg": "a link inside the archive; pack the file itself (and 1 more like it in this archive)"
    }


# ------------------------------------------------------------------------- RAR


def test_a_rar_that_unpacks_itself(tmp_path: Path) -> None:
    """The archive follows a program."""
    data = b"MZ" + bytes(3000) + rar(PAGES, packed=False)
    assert pages_of(put(tmp_path / "a.cbr", data)) == dict(PAGES)


@pytest.mark.parametrize("length", [b"\xff\xff\xff\x7f", b"\x80\x80\x80\x02"])
def test_a_rar_header_that_is_too_long(tmp_path: Path, length: bytes) -> None:
    """It is damage, not the end of the archive."""
    data = rar(PAGES, packed=False)
    start = data.index(b"page 10.jpg")
    head = data.rindex(PAGES[1][1][-20:], 0, start) + 20  # the header begins after the page before it
    path = put(tmp_path / "a.cbr", data[: head + 4] + length + data[head + 4 :])
    (book,), skips = listed(path)
    assert [page.name for page in book.pages] == NAMES[:2]
    assert "cut off or damaged RAR archive" in skips["a.cbr"]
