"""Pictures are pages whatever they are called; what systems and programs leave behind is none."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder.sources import (
    BookRef,
    Listings,
    Skipped,
    archives,
    find_books,
    folders,
    joined_page_names,
    with_joined_pages,
)
from retrieval.books import DEFAULT_LIMITS, open_container, read_page
from tests.reading import formats
from tests.reading.drawing import PNG, picture_bytes
from tests.reading.formats import jpeg, make_tar, make_zip_bytes
from tests.reading.rar import rar
from tests.reading.test_formats import listed, pages_of, seven
from tests.reading.test_sources import HEIC, books, fill, names, skipped
from tests.reading.test_strips import joined_picture, long_picture, sliced

UNNAMED = [("1.jpg", jpeg(1)), ("2", jpeg(2)), ("3.dat", jpeg(3)), ("4.jpg?token=a.b", jpeg(4)), ("5.heic", jpeg(5))]
OTHERS = [("readme", b"text"), ("notes.txt", b"BM: some text that begins like a bitmap"), ("ComicInfo.xml", b"<a/>")]
ARCHIVES: dict[str, Callable[[Path], bytes]] = {
    "zip": lambda _: make_zip_bytes([*UNNAMED, *OTHERS]),
    "tar": lambda _: make_tar([*UNNAMED, *OTHERS]),
    "gz": lambda _: make_tar([*UNNAMED, *OTHERS], "w:gz"),
    "rar": lambda _: rar([*UNNAMED, *OTHERS], packed=False),
    "packed rar": lambda _: rar([*UNNAMED, *OTHERS]),
    "solid rar": lambda _: rar([*UNNAMED, *OTHERS], solid=True),
    "7z": lambda folder: seven(folder, [*UNNAMED, *OTHERS]),
    "cut zip": lambda _: make_zip_bytes([*UNNAMED, *OTHERS])[:-22],
}


def make_archive(kind: str, folder: Path) -> Path:
    if kind == "7z" and not formats.shutil.which("bsdtar"):
        pytest.skip("no bsdtar here")
    if kind in ("packed rar", "solid rar") and not any(formats.shutil.which(n) for n in ("unar", "unrar", "bsdtar")):
        pytest.skip("no unar, unrar or bsdtar here")
    path = folder / "a.cbz"
    path.write_bytes(ARCHIVES[kind](folder))
    return path


@pytest.mark.parametrize("kind", ARCHIVES)
def test_names_in_archives_do_not_matter(tmp_path: Path, kind: str) -> None:
    """A member that begins like a picture is a page: without extension, or with a wrong one."""
    path = make_archive(kind, tmp_path)
    (book,), skips = listed(path)
    assert [(page.name, page.number) for page in book.pages] == [(n, place) for place, (n, _) in enumerate(UNNAMED, 1)]
    assert [read_page(path, name) for name, _ in UNNAMED] == [data for _, data in UNNAMED]
    assert len(skips) == (kind == "cut zip")


@pytest.mark.parametrize("make", [picture_bytes, lambda kind: picture_bytes(kind, (300, 200))], ids=["tiny", "small"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_every_kind_of_picture(tmp_path: Path, kind: str, make: Callable[[str], bytes]) -> None:
    """Each supported format is known by its first bytes, in a folder and in an archive."""
    fill(tmp_path / "folder", "7", data=make(kind))
    (tmp_path / "a.cbz").write_bytes(make_zip_bytes([("7", make(kind))]))
    assert [names(book) for book in books(tmp_path)] == [["7"], ["7"]]


def test_names_in_folders_do_not_matter(tmp_path: Path) -> None:
    """The same holds for files, and other files are of no use."""
    for name, data in [*UNNAMED, *OTHERS]:
        fill(tmp_path, name.replace("?", ""), data=data)
    (book,) = books(tmp_path)
    wanted = [name.replace("?", "") for name, _ in UNNAMED]
    assert names(book) == wanted
    assert [read_page(tmp_path, name) for name in wanted] == [data for _, data in UNNAMED]
    assert skipped(tmp_path) == {}


def test_a_root_without_extension(tmp_path: Path) -> None:
    """A single picture of any name may be a source."""
    fill(tmp_path, "picture", data=UNNAMED[0][1])
    assert pages_of(tmp_path / "picture") == {"picture": UNNAMED[0][1]}


def test_unsupported_pictures_are_named_whatever_they_are_called(tmp_path: Path) -> None:
    """They keep their number, too."""
    members = [
        ("1", PNG),
        ("2", HEIC),
        ("3.dat", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50)),
        ("4", b"8BPS" + bytes(50)),
        ("5", PNG),
    ]
    (tmp_path / "a.cbz").write_bytes(make_zip_bytes(members))
    for name, data in members:
        fill(tmp_path / "b", name, data=data)
    found = {book.relative: [(page.name, page.number) for page in book.pages] for book in books(tmp_path)}
    assert found == {"a.cbz": [("1", 1), ("5", 5)], "b": [("1", 1), ("5", 5)]}
    reasons = skipped(tmp_path)
    assert set(reasons) == {"a.cbz/2", "b/2", "b/3.dat", "b/4"}
    assert "and 2 more" in reasons["a.cbz/2"]
    assert all("convert it" in reason for reason in reasons.values())


def test_pages_of_an_epub_without_extension(tmp_path: Path) -> None:
    """The images that its pages show are read; one in another format is named and keeps its number."""
    members = [("one", jpeg(1)), ("two", b"<svg/>"), ("three.bin", jpeg(3))]
    path = tmp_path / "a.epub"
    path.write_bytes(formats.make_epub(members))
    (book,), skips = listed(path)
    assert [(page.name, page.number) for page in book.pages] == [("OEBPS/images/one", 1), ("OEBPS/images/three.bin", 3)]
    assert skips == {"a.epub/OEBPS/images/two": "unsupported image format; convert it to PNG or JPEG"}


@pytest.mark.parametrize("packed", [False, True])
def test_slices_without_extension_are_joined(tmp_path: Path, packed: bool) -> None:
    """A strip may have slices of any name, with other files between them."""
    strip = long_picture()
    members = [
        *((name.removesuffix(".png"), data) for name, data in sliced(strip)),
        ("2 notes", b"text"),
        ("2.json", b"{}"),
    ]
    root = tmp_path / "book"
    if packed:
        root.write_bytes(make_zip_bytes(members))
    else:
        for name, data in members:
            fill(root, name, data=data)
    (book,) = find_books(root)
    assert isinstance(book, BookRef)
    joined = joined_page_names(book, "auto", DEFAULT_LIMITS)
    assert len(joined) > 3
    assert [page.name for page in with_joined_pages(book, joined).pages] == joined
    assert np.array_equal(joined_picture(book, joined), strip)


# ---------------------------------------------------------------- second builds


class Stored:
    """Listings in memory, as the catalog keeps them."""

    def __init__(self) -> None:
        self.content: dict[str, tuple[str, Any]] = {}
        self.written: list[str] = []

    def listings(self) -> Listings:
        return Listings(dict(self.content), self._store)

    def _store(self, path: str, fingerprint: str, content: Any) -> None:
        self.content[path] = (fingerprint, content)
        self.written.append(path)


def test_unchanged_files_are_not_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A second walk reads the first bytes of new and changed files only."""
    fill(tmp_path, "a/1", "a/2", "b/3")
    fill(tmp_path, "a/text", "a/other.bin", "c/nothing", data=b"text")
    stored, read = Stored(), []
    real = folders._kind_of
    monkeypatch.setattr(folders, "_kind_of", lambda entry: read.append(entry.name) or real(entry))

    def walk() -> list[str]:
        read.clear()
        found = find_books(tmp_path, listings=stored.listings())
        pages = [f"{item.relative}/{page.name}" for item in found if isinstance(item, BookRef) for page in item.pages]
        assert sorted(read) == sorted(set(read))
        return pages

    assert walk() == ["a/1", "a/2", "b/3"]
    assert sorted(read) == ["1", "2", "3", "nothing", "other.bin", "text"]
    stored.written.clear()
    assert (walk(), read, stored.written) == (["a/1", "a/2", "b/3"], [], [])
    fill(tmp_path, "a/text", data=PNG)
    fill(tmp_path, "a/4", data=PNG)
    (tmp_path / "a" / "1").unlink()
    assert walk() == ["a/2", "a/4", "a/text", "b/3"]
    assert sorted(read) == ["4", "text"]
    assert stored.written == ["a"]


@pytest.mark.parametrize("kind", ["packed rar", "solid rar", "7z"])
def test_an_archive_is_unpacked_once_for_its_unnamed_pages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """The type of a file shows only when it is unpacked; the listing of the unchanged archive is remembered."""
    path = make_archive(kind, tmp_path)
    stored, opened = Stored(), []
    monkeypatch.setattr(archives, "open_container", lambda *given: opened.append(given) or open_container(*given))
    first, second = (list(find_books(path, listings=stored.listings())) for _ in range(2))
    assert first == second
    assert len(opened) == 1


def test_an_unreadable_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may be a page."""

    def refuse(entry: Any) -> str:
        raise PermissionError(13, "Permission denied", entry.path)

    fill(tmp_path, "1.png", "2")
    monkeypatch.setattr(folders, "_kind_of", refuse)
    assert skipped(tmp_path) == {"2": "cannot be read: Permission denied"}


def test_links_to_unnamed_pictures(tmp_path: Path) -> None:
    """A link inside the folder is a page, one out of it is named, and one to a text is neither."""
    fill(tmp_path, "elsewhere/2", "book/1")
    fill(tmp_path, "elsewhere/text", data=b"text")
    for name, target in [("3", "1"), ("2", "../elsewhere/2"), ("4", "../elsewhere/text")]:
        (tmp_path / "book" / name).symlink_to(target)
    assert names(books(tmp_path / "book")[0]) == ["1", "3"]
    assert skipped(tmp_path / "book") == {"2": "link to a file outside its folder; copy the file here"}


# ------------------------------------------------------------- hidden and bins


def test_titles_that_begin_with_a_dot(tmp_path: Path) -> None:
    """A folder, an archive and its folder may be called .hack; pages may begin with it, too."""
    fill(tmp_path, ".hack/1.png", ".hack/.hack SIGN/.hack 01.png", "other/1.png")
    (tmp_path / ".hack 02.cbz").write_bytes(make_zip_bytes([(".hack 02/.hack 1.png", PNG), (".hack 02/._1.png", PNG)]))
    found = {book.relative: names(book) for book in books(tmp_path)}
    assert found == {
        ".hack 02.cbz": [".hack 02/.hack 1.png"],
        "other": ["1.png"],
        ".hack": ["1.png"],
        ".hack/.hack SIGN": [".hack 01.png"],
    }
    assert skipped(tmp_path) == {}


JUNK = ["__MACOSX", "__macosx", ".git", ".Trash", ".Trash-1000", ".Trashes", ".thumbnails", ".Thumbs", ".cache"]
JUNK += [
    ".AppleDouble",
    ".Spotlight-V100",
    ".fseventsd",
    ".TemporaryItems",
    ".sync",
    ".stversions",
    ".tmp.drivedownload",
]


@pytest.mark.parametrize("name", JUNK)
def test_leftovers_are_neither_read_nor_named(tmp_path: Path, name: str) -> None:
    """Folders of systems and programs, and AppleDouble files, are no comics."""
    fill(tmp_path / "a", "1.png", f"{name}/1.png", f"{name}/2/2", "._1.png", "._2")
    (tmp_path / "b.cbz").write_bytes(make_zip_bytes([("1.png", PNG), (f"{name}/1.png", PNG), ("x/._1", PNG)]))
    assert [names(book) for book in books(tmp_path)] == [["1.png"], ["1.png"]]
    assert skipped(tmp_path) == {}


@pytest.mark.parametrize(
    "name", [".temple run", ".synchronicity", ".gitane", ".local hero", "recycler's tale", "#recycled love"]
)
def test_titles_like_leftovers(tmp_path: Path, name: str) -> None:
    """Only whole names count."""
    fill(tmp_path, f"{name}/1.png")
    assert [book.relative for book in books(tmp_path)] == [name]


BINS = [
    "#recycle",
    "#Recycle",
    "@Recycle",
    "@recycle",
    "@eaDir",
    "@EADIR",
    "#snapshot",
    "@Recently-Snapshot",
    "RECYCLER",
]
BINS += ["$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", "lost+found"]


@pytest.mark.parametrize("name", BINS)
def test_bins_are_left_out_and_named(tmp_path: Path, name: str) -> None:
    """In any case of letters, at any depth, in folders and archives; a name that is everywhere is named once."""
    fill(tmp_path, "a/1.png", f"{name}/1.png", f"a/{name}/Comic/1.png", f"b/{name}/1")
    (tmp_path / "c.cbz").write_bytes(make_zip_bytes([("1.png", PNG), (f"x/{name}/1.png", PNG)]))
    assert [book.relative for book in books(tmp_path)] == ["a", "c.cbz"]
    items = [item for item in find_books(tmp_path) if isinstance(item, Skipped)]
    reason = "a folder of deleted files, snapshots or previews of a system; not read"
    assert [(item.path, item.reason) for item in items] == [
        (f"{tmp_path}/c.cbz/x/{name}/1.png", reason),
        (f"{tmp_path}/{name}", f"{reason} (and 2 more of this name)"),
    ]
    assert [item.left_out for item in items] == [False, True]


def test_a_bin_as_the_source(tmp_path: Path) -> None:
    """A source that is named by a person is read."""
    fill(tmp_path, "#recycle/Comic/1.png")
    assert [book.relative for book in books(tmp_path / "#recycle")] == ["Comic"]


def test_an_index_in_the_library(tmp_path: Path) -> None:
    """The files of an index are no comics, whatever they begin with."""
    fill(tmp_path, "a/1.png", "my.index/catalog.sqlite", "my.index/vectors/picture-0", "my.index/thumbnails/0")
    assert [book.relative for book in books(tmp_path)] == ["a"]
    assert skipped(tmp_path) == {}


def test_a_damaged_page_without_extension_is_named(tmp_path: Path) -> None:
    """Its first bytes are lost, so that it is not recognized as a picture; its checksum shows the damage."""
    data = make_zip_bytes([(str(n), jpeg(n)) for n in range(3)], zipfile.ZIP_STORED)
    place = data.index(jpeg(1))
    (tmp_path / "a.cbz").write_bytes(data[:place] + bytes(600) + data[place + 600 :])
    found = list(find_books(tmp_path / "a.cbz"))
    (book,) = (item for item in found if isinstance(item, BookRef))
    assert [page.name for page in book.pages] == ["0", "2"]
    (left_out,) = (item for item in found if isinstance(item, Skipped))
    assert left_out.path.endswith("a.cbz/1")
    assert "Bad CRC-32" in left_out.reason
