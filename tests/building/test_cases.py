"""Situations from public reports about comic libraries: `tests/data/cases` has a small book or folder of each."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from retrieval import PanelIndex
from retrieval.books import open_books
from tests.building.library import build, panels, plain, put
from tests.conftest import GridEncoder
from tests.reading import formats
from tests.reading.rar import rar

CASES = Path(__file__).parents[1] / "data" / "cases"


@pytest.fixture
def case(lib: Path):
    """Return a function that copies a case into the library."""
    return lambda name: shutil.copytree(CASES / name, lib, dirs_exist_ok=True)


def pages(index: Path) -> list[tuple[str, int]]:
    """Return (path, number) of all pages, in order of book and page."""
    return list(dict.fromkeys((panel.page_path, panel.page_number) for panel in panels(index)))


def test_decimals_stand_between_their_neighbours(case, lib: Path, index: Path) -> None:
    """Chapter 2.5 is between 2 and 3, inside a book and among books."""
    case("01-order-vol-ch-dot")
    assert build(lib, index, page_is_panel=True).skipped == ()
    chapters = ["1", "2", "2.5", "3", "10", "10.5", "11"]
    assert [page for page in pages(index) if page[0].startswith("Order.cbz")] == [
        (f"Order.cbz/Vol. 1 Ch. {chapter}/1.png", place) for place, chapter in enumerate(chapters, 1)
    ]
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        books = [(book.path, book.title) for book in opened.books() if book.path.startswith("folder")]
    assert books == [(f"folder/Ch. {n}", f"folder / Ch. {n}") for n in ("1", "2", "2.5", "3")]


def test_names_that_begin_with_a_sign_come_first(case, lib: Path, index: Path) -> None:
    """Page 1 is the cover, and has the page type that the ComicInfo gives to the first image."""
    case("02-cover-sorts-last")
    assert build(lib, index, page_is_panel=True).skipped == ()
    covers = {"bang": "!cover", "hash": "Book-#0001", "paren": "(cover)", "underscore": "_cover"}
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for book, cover in covers.items():
            found = opened.browse(k=100)
            labels = {p.page_number: (p.page_path, p.label) for p in found if p.page_path.startswith(f"{book}.cbz/")}
            assert labels[1] == (f"{book}.cbz/{cover}.png", "cover")
            assert [labels[number][1] for number in (2, 3)] == ["story", "advertisement"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("03-zip-backslash-in-local-header", ["Hellboyish.cbz/Book/1.png", "Hellboyish.cbz/Book/2.png"]),
        (
            "10-pages-without-extension",
            ["downloader.cbz/0.image.jpg513653999", "downloader.cbz/1.image.jpg244272509"]
            + [f"mixed.cbz/{name}" for name in ("001.png", "002", "003.png")],
        ),
        ("13-archive-beginnings", ["pk00.cbz/1.png"]),
        ("17-dot-folder-in-archive", ["hack 01.cbz/.hack Legend 01/1.png"]),
    ],
)
def test_pages_that_other_programs_read(case, lib: Path, index: Path, name: str, wanted: list[str]) -> None:
    """Every page is read under its name, and the report has nothing to say."""
    case(name)
    assert build(lib, index, page_is_panel=True).skipped == ()
    assert [path for path, _ in pages(index)] == wanted


def test_bins_are_left_out_and_named(case, lib: Path, index: Path) -> None:
    """Deleted files on a NAS are not indexed; its bins are in the report."""
    case("11-recycle-bins")
    report = build(lib, index, page_is_panel=True)
    assert pages(index) == [("library/Kept comic/1.png", 1)]
    reason = "a folder of deleted files, snapshots or previews of a system; not read"
    assert report.skipped == ((f"{lib}/library/#recycle", reason), (f"{lib}/library/@Recycle", reason))


def test_a_bin_that_an_earlier_build_read(case, monkeypatch, lib: Path, index: Path) -> None:
    """Its pages count as missing: naming it does not mean that it is unreadable."""
    case("11-recycle-bins")
    with monkeypatch.context() as before:
        before.setattr("index_builder.sources.folders.is_junk", lambda name: False)
        assert build(lib, index, page_is_panel=True).pages == 3
    report = build(lib, index, page_is_panel=True)
    assert (report.pages, report.pages_missing) == (1, 2)


def damaged_tar(pages_of_book: list[tuple[str, bytes]], place: int) -> bytes:
    """Return a TAR in which one header is not valid."""
    data = bytearray(formats.make_tar(pages_of_book))
    data[data.index(pages_of_book[place][0].encode()) + 1] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize("kind", ["tar", "gzip", "rar", "zip"])
@pytest.mark.parametrize("place", [1, 2])
def test_damage_does_not_remove_indexed_pages(lib: Path, index: Path, kind: str, place: int) -> None:
    """If an indexed archive is damaged, none of its pages counts as missing, and the report names the archive."""
    members = [(f"page {n}.png", plain(40 * n)) for n in range(1, 5)]
    makers = {
        "tar": lambda: (formats.make_tar(members), damaged_tar(members, place)),
        "gzip": lambda: (formats.make_tar(members, "w:gz"), gzip.compress(damaged_tar(members, place))),
        "rar": lambda: (whole := rar(members, packed=False), whole[: whole.index(b"page %d" % (place + 1))]),
        "zip": lambda: (whole := formats.make_zip_bytes(members), whole[: whole.index(b"page %d" % (place + 1))]),
    }
    whole, damaged = makers[kind]()
    put(lib / "a.cbt", whole)
    assert build(lib, index, page_is_panel=True).pages == 4
    put(lib / "a.cbt", damaged)
    report = build(lib, index, page_is_panel=True)
    assert (report.pages, report.pages_missing) == (4, 0)
    ((path, reason),) = report.skipped
    assert path == f"{lib}/a.cbt"
    assert "cut off or damaged" in reason
    put(lib / "a.cbt", whole)
    report = build(lib, index, page_is_panel=True)
    assert (report.pages, report.pages_new, report.pages_missing, report.skipped) == (4, 0, 0, ())


def test_renamed_pages_are_moved(lib: Path, index: Path) -> None:
    """Pages of a ZIP whose names an earlier version read in another encoding keep their panels."""
    data = formats.make_zip_bytes([("xxxxxxxxx1.png", plain(10)), ("xxxxxxxxx2.png", plain(90))])
    put(lib / "a.cbz", data.replace(b"x" * 9, "ページ".encode()))
    with pytest.MonkeyPatch.context() as before:
        before.setattr("retrieval.books.formats.zip._stored_name", lambda info: info.filename)
        build(lib, index, page_is_panel=True)
        assert pages(index)[0] == ("a.cbz/πâÜπâ╝πé╕1.png", 1)
    open_books.BOOK_POOL._close(list(open_books.BOOK_POOL.open))
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.panel_image(opened.browse()[0]).size == (32, 32)  # before the next build
    report = build(lib, index, page_is_panel=True)
    assert (report.pages_moved, report.pages_new, report.encoded) == (2, 0, 0)
    assert pages(index) == [("a.cbz/ページ1.png", 1), ("a.cbz/ページ2.png", 2)]
