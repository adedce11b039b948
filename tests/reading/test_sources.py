"""`find_books` finds every book in natural order, and yields what it skips with the reason."""

from __future__ import annotations

import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from index_builder.sources import BookRef, Skipped, archives, find_books
from retrieval.books import DEFAULT_LIMITS, ReadLimits, limits, open_container, read_page
from retrieval.errors import SourceError
from tests.reading.drawing import PNG

Make = Callable[..., Path]
HEIC = bytes(3) + b"\x18ftypheic" + bytes(16)


def fill(root: Path, *names: str, data: bytes = PNG) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def books(root: Path, how: ReadLimits = DEFAULT_LIMITS) -> list[BookRef]:
    return [item for item in find_books(root, how) if isinstance(item, BookRef)]


def skipped(root: Path, how: ReadLimits = DEFAULT_LIMITS) -> dict[str, str]:
    """Reasons by path below the root."""
    items = [item for item in find_books(root, how) if isinstance(item, Skipped)]
    return {os.path.relpath(item.path, root): item.reason for item in items}


def names(book: BookRef) -> list[str]:
    return [page.name for page in book.pages]


def test_pages_in_natural_order(tmp_path: Path, make_zip: Make) -> None:
    """page2 comes before page10, in folders and archives; numbers count from 1."""
    order = [
        "Page1.png",
        "page2.PNG",
        "page2b.jpg",
        "page10.png",
        "página 3.webp",
        "ページ1.png",
        "ページ10.png",
    ]
    fill(tmp_path / "folder", *reversed(order))
    make_zip("zip/a.cbz", [(name, PNG) for name in reversed(order)])
    folder, archive = books(tmp_path)
    assert names(folder) == names(archive) == order
    assert [page.number for page in folder.pages] == [1, 2, 3, 4, 5, 6, 7]


def test_books_in_natural_order_of_their_paths(tmp_path: Path, make_zip: Make) -> None:
    """Folders and archives mix; a folder's own pages come before what lies below it."""
    fill(tmp_path, "vol 10/1.png", "vol 2/ch 10/1.png", "vol 2/ch 9/1.png", "vol 2/cover.png")
    make_zip("vol 3.cbz", [("1.png", PNG)])
    assert [book.relative for book in books(tmp_path)] == [
        "vol 2",
        "vol 2/ch 9",
        "vol 2/ch 10",
        "vol 3.cbz",
        "vol 10",
    ]


def test_path_is_root_and_relative_and_pages_can_be_read(tmp_path: Path, make_zip: Make) -> None:
    """Pages and annotations can be read by the names they were found under."""
    fill(tmp_path, "a/1.png", "2.png", "a/1.json")
    make_zip("b/c.zip", [("x/1.png", PNG), ("x/1.json", PNG)])
    found = books(tmp_path)
    assert [book.book_format for book in found] == ["folder", "folder", "cbz"]
    for book in found:
        assert book.path == tmp_path / book.relative
        for page in book.pages:
            assert read_page(book.path, page.name) == PNG
            assert page.annotation is None or read_page(book.path, page.annotation) == PNG


def test_titles(tmp_path: Path, make_zip: Make) -> None:
    """A generic name brings its parent along, up to the root."""
    fill(tmp_path / "root", "Night Harbor/1.png", "Ubunchu/ch12/1.png", "Frogs/vol 1/pages/1.png", "01/1.png")
    make_zip("root/Storm 2.5.cbz", [("1.png", PNG)])
    assert [book.title for book in books(tmp_path / "root")] == [
        "root / 01",
        "Frogs / vol 1 / pages",
        "Night Harbor",
        "Storm 2.5",
        "Ubunchu / ch12",
    ]


def test_roots_of_every_kind(tmp_path: Path, make_zip: Make) -> None:
    """The root may be the book: a folder, an archive of any name, or one picture."""
    fill(tmp_path, "book/1.png", "book/2.png", "book/1.png.json")
    archive = make_zip("comic.cbr", [("1.png", PNG)])
    for root, title, kind in [(tmp_path / "book", "book", "folder"), (archive, "comic", "cbz")]:
        (book,) = books(root)
        assert (book.path, book.relative, book.title, book.book_format) == (root, "", title, kind)
    (single,) = books(tmp_path / "book" / "1.png")
    assert (single.relative, names(single), single.pages[0].annotation) == ("", ["1.png"], "1.png.json")
    assert read_page(single.path, "1.png") == PNG
    with pytest.raises(SourceError, match="gone: does not exist") as error:
        find_books(tmp_path / "gone")
    assert error.value.hint == "give a folder of comics, a book file or an image"


def test_junk_is_not_reported(tmp_path: Path, make_zip: Make) -> None:
    """Files left by systems and tools are neither pages nor reported."""
    junk = ["__MACOSX/._1.png", ".DS_Store", "Thumbs.db", "._1.png", "index.json", "ComicInfo.xml", "desktop.ini"]
    junk += [
        ".git/1.png",
        ".thumbnails/1.png",
        ".Trash-1000/files/1.png",
        "sub/.cache-1/1.png",
        ".yacreaderlibrary/1.jpg",
    ]
    fill(tmp_path / "a", "1.png", *junk)
    fill(tmp_path / "a", "notes.txt", "README.md", "BMW", data=b"BM are the first letters of some texts, too")
    make_zip("b.cbz", [("notes.txt", b"text"), *((name, PNG) for name in ["1.png", *junk])])
    assert [names(book) for book in books(tmp_path)] == [["1.png"], ["1.png"]]
    assert skipped(tmp_path) == {}


def test_annotations_beside_pages(tmp_path: Path, make_zip: Make) -> None:
    """`1.json` or `1.png.json` next to the page; the exact name wins; other JSON is left alone."""
    files = [
        "1.png",
        "1.json",
        "2.png",
        "2.json",
        "2.png.json",
        "3.png",
        "sub/3.json",
        "index.png",
        "index.json",
    ]
    fill(tmp_path / "a", *files)
    make_zip("b.cbz", [(name, PNG) for name in files])
    for book in books(tmp_path):
        assert {p.name: p.annotation for p in book.pages} == {
            "1.png": "1.json",
            "2.png": "2.png.json",
            "3.png": None,
            "index.png": None,
        }


def test_fingerprint_changes_with_page_and_annotation(tmp_path: Path, make_zip: Make) -> None:
    """The fingerprint follows the page's and its annotation's contents, and nothing else."""
    fill(tmp_path, "1.png", "2.png", "2.json")

    def stats() -> dict[str, str]:
        return {page.name: page.fingerprint for page in books(tmp_path)[0].pages}

    first = stats()
    assert stats() == first
    fill(tmp_path, "2.json", data=b"changed")
    assert stats()["1.png"] == first["1.png"]
    assert stats()["2.png"] != first["2.png"]
    make_zip("z.cbz", [("1.png", PNG), ("1.json", b"1")])
    before = books(tmp_path / "z.cbz")[0].pages[0].fingerprint
    make_zip("z.cbz", [("1.png", PNG), ("1.json", b"2")])
    assert books(tmp_path / "z.cbz")[0].pages[0].fingerprint != before


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"Rar!\x1a\x07\x01\x00", "cut off or damaged RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "cut off or damaged 7z archive"),
        (b"%PDF-1.7", "cut off or damaged PDF"),
        (bytes(257) + b"ustar", "cut off or damaged TAR archive"),
        (bytes(7) + b"**ACE**", "this is an ACE archive; supported are CBZ"),
        (bytes(60) + b"BOOKMOBI", "is a Kindle book"),
        (b"AT&TFORM", "is a DjVu document"),
        (b"just some text", "is not an archive"),
        (PNG, "this is a PNG image with the extension of a book"),
        (b"", "the file is empty (0 bytes)"),
        (b"PK\x03\x04 and then nothing", "cut off or damaged"),
    ],
)
def test_other_files_named_like_comics(tmp_path: Path, head: bytes, what: str) -> None:
    """The first bytes decide, and the reason names the format."""
    fill(tmp_path, "a.cbz", data=head)
    fill(tmp_path, "b/1.png")
    assert what in skipped(tmp_path)["a.cbz"]
    assert [book.relative for book in books(tmp_path)] == ["b"]


def test_truncated_zip_is_skipped_wherever_it_ends(tmp_path: Path, make_zip: Make) -> None:
    """A ZIP cut anywhere is skipped with a reason, never an exception."""
    whole = make_zip("whole.zip", [("1.png", PNG), ("2.png", PNG)]).read_bytes()
    (tmp_path / "whole.zip").unlink()
    for end in range(0, len(whole) - 1, 7):
        fill(tmp_path, "cut.cbz", data=whole[:end])
        (reason,) = skipped(tmp_path).values()
        assert "empty" in reason or "damaged" in reason or "not an archive" in reason


def test_random_damage_never_stops_the_walk(tmp_path: Path, make_zip: Make) -> None:
    """Flipped bytes in a ZIP give a book or a reason."""
    dice = random.Random(3)
    whole = make_zip("w.cbz", [(f"{n}.png", PNG) for n in range(3)], zipfile.ZIP_DEFLATED).read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(5):
            data[dice.randrange(len(data) // 2, len(data))] = dice.randrange(256)
        fill(tmp_path, "w.cbz", data=bytes(data))
        for item in find_books(tmp_path):
            assert isinstance(item, (BookRef, Skipped))


def test_members_outside_the_archive_are_skipped(tmp_path: Path, make_zip: Make) -> None:
    """Members whose path leads out of the archive are reported and skipped; the rest of the book is kept."""
    make_zip(
        "a.cbz",
        [("../evil.png", PNG), ("/abs.png", PNG), ("..\\w.png", PNG), ("C:/d.png", PNG), ("1.png", PNG)],
    )
    (book,) = books(tmp_path)
    assert names(book) == ["1.png"]
    (reason,) = skipped(tmp_path).values()
    assert reason.startswith("the page's path leads out of the archive")
    assert "3 more" in reason


def test_names_that_are_not_the_text_they_say(tmp_path: Path, make_zip: Make) -> None:
    """A ZIP whose names are marked as UTF-8 and are not loses a letter, no page, and is not called damaged."""
    path = make_zip("a.cbz", [("pagé.png", PNG), ("2.png", PNG)])
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xe9."))
    assert sorted(names(books(tmp_path)[0])) == ["2.png", "pagé..png"]
    assert skipped(tmp_path) == {}
    assert read_page(path, "pagé..png") == PNG


def test_encrypted_members_are_skipped(tmp_path: Path, make_zip: Make) -> None:
    """Pages behind a password are distinguished from damage."""
    path = make_zip("a.cbz", [("1.png", PNG)])
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    (reason,) = skipped(tmp_path).values()
    assert "encrypted" in reason
    assert books(tmp_path) == []
    with pytest.raises(SourceError, match="encrypted"):
        read_page(path, "1.png")


def test_decompression_bombs_are_skipped(monkeypatch, tmp_path: Path, make_zip: Make) -> None:
    """A page that swells absurdly is skipped; so is an archive that swells as a whole."""
    monkeypatch.setattr(limits, "BOMB_FLOOR", 2**16)
    make_zip("a.cbz", [("1.png", PNG), ("bomb.png", bytes(2**20))], zipfile.ZIP_DEFLATED)
    assert [names(book) for book in books(tmp_path)] == [["1.png"]]
    assert "decompression bomb" in skipped(tmp_path)["a.cbz/bomb.png"]
    make_zip("a.cbz", [(f"{n}.png", bytes(2**20)) for n in range(8)], zipfile.ZIP_DEFLATED)
    assert "decompression bomb" in skipped(tmp_path)["a.cbz"]


def test_a_white_bitmap_is_no_bomb(tmp_path: Path, make_zip: Make) -> None:
    """Ordinary pages that happen to pack well are read."""
    make_zip("a.cbz", [("1.bmp", bytes(8 * 2**20))], zipfile.ZIP_DEFLATED)
    assert names(books(tmp_path)[0]) == ["1.bmp"]


def test_too_many_members(tmp_path: Path, make_zip: Make) -> None:
    """An archive beyond the member limit is skipped as a whole, with both numbers."""
    make_zip("a.cbz", [(f"{n}.png", b"") for n in range(11)])
    assert skipped(tmp_path, ReadLimits(max_members=10))["a.cbz"] == "has 11 members; the limit is 10 members"
    assert len(books(tmp_path, ReadLimits(max_members=11))) == 1


def test_a_huge_directory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """The directory's size is looked at first: parsing millions of entries would take gigabytes."""
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 65535, 65535, 2**31, 0, 0)
    fill(tmp_path, "a.cbz", data=b"PK\x03\x04" + bytes(100) + end)
    assert "directory of 2048 MiB" in skipped(tmp_path)["a.cbz"]


def test_the_directory_is_parsed_once_per_walk(monkeypatch, tmp_path: Path, make_zip: Make) -> None:
    """Listing an archive does not open it a second time."""
    make_zip("a.cbz", [("1.png", PNG)])
    opened = []
    monkeypatch.setattr(archives, "open_container", lambda path, how: opened.append(path) or open_container(path, how))
    assert len(books(tmp_path)) == len(opened) == 1


def test_archives_inside_archives(tmp_path: Path, make_zip: Make) -> None:
    """They are not opened, and the reason has the fix."""
    inner = make_zip("inner.cbz", [("1.png", PNG)])
    make_zip("outer.cbz", [("1.png", PNG), ("inner.cbz", inner.read_bytes())])
    inner.unlink()
    assert names(books(tmp_path)[0]) == ["1.png"]
    assert "archive inside an archive" in skipped(tmp_path)["outer.cbz/inner.cbz"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_twins_in_the_zip_directory(tmp_path: Path, make_zip: Make) -> None:
    """Two members of one name are one page: the later one, as archive tools have it. Names that only mean the same are
    pages of their own.
    """
    path = make_zip("a.cbz", [("1.png", b"old"), ("1.png", b"new"), ("./1.png", b"other")])
    assert names(books(tmp_path)[0]) == ["1.png", "1~2.png"]
    assert [read_page(path, name) for name in ("1.png", "1~2.png")] == [b"new", b"other"]
    assert skipped(tmp_path) == {
        "a.cbz/1.png": "several files in this archive have this name; only the last one is read"
    }


def test_an_archive_without_pages(tmp_path: Path, make_zip: Make) -> None:
    """It is reported once, instead of an empty book."""
    make_zip("a.zip", [("readme.txt", b"")])
    assert skipped(tmp_path) == {"a.zip": "no page images found"}
    assert books(tmp_path) == []


def test_pictures_in_formats_that_are_not_read(tmp_path: Path) -> None:
    """They are reported: no page goes missing silently."""
    fill(tmp_path, "1.heic", "3", data=HEIC)
    fill(tmp_path, "2.png")
    assert set(skipped(tmp_path)) == {"1.heic", "3"}
    assert "convert it" in skipped(tmp_path)["1.heic"]


def test_unsupported_pictures_are_counted_as_pages(tmp_path: Path, make_zip: Make) -> None:
    """Skipped images keep their page numbers: metadata files count every image."""
    fill(tmp_path / "folder", "1.png", "3.png")
    fill(tmp_path / "folder", "2.heic", data=HEIC)
    make_zip("a.cbz", [("1.png", PNG), ("2.HEIC", b""), ("3.png", PNG)])
    make_zip("b.cbz", [("1.jp2", b""), ("readme.txt", b"")])
    found = {book.relative: [(page.name, page.number) for page in book.pages] for book in books(tmp_path)}
    assert found == {"a.cbz": [("1.png", 1), ("3.png", 3)], "folder": [("1.png", 1), ("3.png", 3)]}
    reasons = skipped(tmp_path)
    assert set(reasons) == {"folder/2.heic", "a.cbz/2.HEIC", "b.cbz/1.jp2"}
    assert all("convert it" in reason for reason in reasons.values())


def test_link_loops_end(tmp_path: Path) -> None:
    """Links inside the source, around it or to nothing lead neither in circles nor twice to a book."""
    root = tmp_path / "root"
    fill(root, "a/1.png", "b/2.png")
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    (root / "again").symlink_to(root / "b")
    (root / "around").symlink_to(tmp_path)
    (root / "nothing").symlink_to("gone")
    assert [book.relative for book in books(root)] == ["a", "b"]
    assert skipped(root) == {
        "a/loop": "link to a folder that contains the source; not followed",
        "around": "link to a folder that contains the source; not followed",
        "nothing": "broken link; check that its drive is connected",
    }


def test_links_out_are_followed_once(tmp_path: Path) -> None:
    """A folder elsewhere may be linked in; a second link to it adds nothing. Linked pages are refused."""
    root = tmp_path / "root"
    fill(tmp_path, "elsewhere/1.png", "root/p/1.png")
    (root / "l1").symlink_to(tmp_path / "elsewhere")
    (root / "l2").symlink_to(tmp_path / "elsewhere")
    (root / "p" / "2.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    assert [book.relative for book in books(root)] == ["l1", "p"]
    assert read_page(root / "l1", "1.png") == PNG
    assert skipped(root) == {"p/2.png": "link to a file outside its folder; copy the file here"}


def test_unreadable_folders_are_skipped(tmp_path: Path, monkeypatch) -> None:
    """A folder without permission costs that folder."""
    fill(tmp_path, "a/1.png", "b/1.png")
    real = os.scandir

    def scandir(path):
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [book.relative for book in books(tmp_path)] == ["b"]
    assert skipped(tmp_path) == {"a": "cannot be read: Permission denied"}


def test_names_no_catalog_can_hold(tmp_path: Path) -> None:
    """Names that are not valid UTF-8 are skipped with a readable path."""
    try:
        fill(tmp_path, "a/1.png", "a/\udcff.png", "\udcfe/1.png")
    except OSError:
        pytest.skip("this file system takes no such names")
    assert [names(book) for book in books(tmp_path)] == [["1.png"]]
    assert sorted(skipped(tmp_path).values()) == ["the name is not valid UTF-8; rename it"] * 2


def test_deep_folders(tmp_path: Path) -> None:
    """Nesting is bounded by the file system, not by Python's recursion."""
    path = tmp_path
    for _ in range(400):
        path = path / "d"
        path.mkdir()
    fill(path, "1.png")
    found = books(tmp_path)
    assert found[0].relative == "/".join(["d"] * 400)


def test_links_into_hidden_stores_are_followed(tmp_path: Path, make_zip: Make) -> None:
    """Some tools keep files in a hidden folder and link to them: those books are not lost."""
    stored = make_zip(".store/key.cbz", [("1.png", PNG)])
    (tmp_path / "comic.cbz").symlink_to(stored)
    assert [book.relative for book in books(tmp_path)] == ["comic.cbz"]
    assert read_page(tmp_path / "comic.cbz", "1.png") == PNG
