"""Folders and books that take each other's names between two builds: one build gives the right result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from tests.building.library import build, by_place, cbz, page, put, speckled
from tests.building.test_moves import as_if_built_at_once, ids
from tests.conftest import GridEncoder


def folder(path: Path, seed: int) -> None:
    """Make a book of two pages in a folder."""
    for n in range(2):
        page(path / str(n), seed + n, [f"word {seed + n}", "", "", ""])


def archive(path: Path, seed: int) -> None:
    """Make a book of two pages in a CBZ file."""
    cbz(path, {f"{n}.png": speckled(seed + n) for n in range(2)})


def picture(path: Path, seed: int) -> None:
    """Make a book that is an image in a folder of its own."""
    put(path / "only.png", speckled(seed))


@dataclass(frozen=True)
class Library:
    """Books of one kind in a folder; suffix: of their file names."""

    path: Path
    write: Callable[[Path, int], None]
    suffix: str = ""

    def make(self, name: str, seed: int) -> None:
        """Write a book."""
        self.write(self.path / f"{name}{self.suffix}", seed)

    def move(self, *renames: tuple[str, str]) -> None:
        """Rename books one after the other."""
        for old, new in renames:
            (self.path / f"{old}{self.suffix}").rename(self.path / f"{new}{self.suffix}")


@pytest.fixture(params=[(folder, ""), (archive, ".cbz"), (picture, "")], ids=["folder", "archive", "picture"])
def books(lib: Path, request: pytest.FixtureRequest) -> Library:
    """An empty library for books of one kind."""
    return Library(lib, *request.param)


def panels_by_book(index: Path) -> dict[str, list[int]]:
    """Return the panel ids of each book, by its path."""
    found: dict[str, list[int]] = {}
    for (place, _), number in sorted(ids(index).items()):
        found.setdefault(place.split("/")[0].removesuffix(".cbz"), []).append(number)
    return found


def titles(index: Path) -> set[str]:
    """Return the titles of all books in the catalog, books without pages included."""
    with Catalog.open(catalog_url(index)) as catalog:
        return {book.title for book in catalog.pages.previous_books(1).values()}


def test_renamed_and_refilled(books: Library, index: Path) -> None:
    """`latest` becomes `2026-11` and a new `latest` takes its name: three times in a row, each in one build."""
    books.make("latest", 1)
    books.make("other", 50)
    build(books.path, index)
    for month in (11, 12, 13):
        before = panels_by_book(index)
        books.move(("latest", f"2026-{month}"))
        books.make("latest", 10 * month)
        encoder = GridEncoder()
        report = build(books.path, index, encoder)
        now = panels_by_book(index)
        assert now.pop(f"2026-{month}") == before.pop("latest")
        assert encoder.encoded == len(now["latest"])
        assert not set(now.pop("latest")) & {i for known in before.values() for i in known}
        assert now == before
        assert (report.pages_missing, report.skipped) == (0, ())
        as_if_built_at_once([books.path], index)
    assert titles(index) == {"latest", "other", "2026-11", "2026-12", "2026-13"}


@pytest.mark.parametrize(
    "renames",
    [
        pytest.param([("a", "x"), ("b", "a"), ("x", "b")], id="swap"),
        pytest.param([("a", "x"), ("b", "a"), ("c", "b"), ("x", "c")], id="circle"),
        pytest.param([("c", "d"), ("b", "c"), ("a", "b")], id="chain"),
        pytest.param([("a", "d"), ("b", "e"), ("c", "f")], id="all renamed"),
    ],
)
def test_books_change_names(books: Library, index: Path, renames: list[tuple[str, str]]) -> None:
    """Panels keep their ids under the book's new name; nothing is encoded. Forth, back, and forth again."""
    for n, name in enumerate("abc"):
        books.make(name, 10 * n)
    build(books.path, index)
    for steps in (renames, [(new, old) for old, new in reversed(renames)], renames):
        before = panels_by_book(index)
        names = {name: name for name in before}
        for old, new in steps:
            names = {first: new if last == old else last for first, last in names.items()}
        books.move(*steps)
        encoder = GridEncoder()
        report = build(books.path, index, encoder)
        assert panels_by_book(index) == {names[name]: before[name] for name in before}
        assert (encoder.encoded, report.pages_missing, report.pages_new, report.pages_changed) == (0, 0, 0, 0)
        as_if_built_at_once([books.path], index)
        assert titles(index) == set(names.values())


def test_a_chain_whose_first_name_is_taken_by_new_comics(books: Library, index: Path) -> None:
    """b becomes c, a becomes b, and a new a appears: three books, two of them known."""
    books.make("a", 1)
    books.make("b", 10)
    build(books.path, index)
    before = panels_by_book(index)
    books.move(("b", "c"), ("a", "b"))
    books.make("a", 20)
    encoder = GridEncoder()
    build(books.path, index, encoder)
    now = panels_by_book(index)
    assert (now["b"], now["c"]) == (before["a"], before["b"])
    assert encoder.encoded == len(now["a"])
    as_if_built_at_once([books.path], index)


def test_renamed_refilled_and_partly_changed(lib: Path, index: Path) -> None:
    """One page of the renamed folder is redrawn meanwhile, and one page of the new folder is an old one."""
    folder(lib / "latest", 1)
    build(lib, index)
    before = ids(index)
    (lib / "latest").rename(lib / "2026-11")
    page(lib / "2026-11" / "1", 70, ["redrawn", "", "", ""])
    folder(lib / "latest", 30)
    page(lib / "latest" / "2", 2, ["word 2", "", "", ""])  # was latest/1
    report = build(lib, index)
    now = ids(index)
    assert (report.pages_moved, report.pages_new, report.pages_changed, report.pages_missing) == (2, 3, 0, 0)
    assert [now["2026-11/0.png", n] for n in range(1, 5)] == [before["latest/0.png", n] for n in range(1, 5)]
    assert [now["latest/2.png", n] for n in range(1, 5)] == [before["latest/1.png", n] for n in range(1, 5)]
    as_if_built_at_once([lib], index)


def test_renamed_and_refilled_with_comics_that_cannot_be_read(lib: Path, index: Path) -> None:
    """The new folder has only a broken page: the old pages are found under the new name, the broken one is named."""
    folder(lib / "latest", 1)
    build(lib, index)
    before = sorted(ids(index).values())
    (lib / "latest").rename(lib / "2026-11")
    put(lib / "latest" / "0.png", b"\x89PNG\r\n\x1a\nbroken")
    report = build(lib, index)
    assert (report.pages_moved, report.books, len(report.skipped)) == (2, 1, 1)
    assert sorted(ids(index).values()) == before
    assert {place.split("/")[0] for place, _ in by_place(index)} == {"2026-11"}
    shutil.rmtree(lib / "latest")
    folder(lib / "latest", 40)
    assert build(lib, index).pages_new == 2
    as_if_built_at_once([lib], index)


def test_books_that_change_formats_and_names(lib: Path, index: Path) -> None:
    """A CBZ and a folder swap names: the title and the format of each are those of what is there now."""
    cbz(lib / "a.cbz", {f"{n}.png": speckled(n) for n in range(2)})
    for n in range(2):
        put(lib / "b" / f"{n}.png", speckled(10 + n))
    build(lib, index)
    before = panels_by_book(index)
    Library(lib, archive).move(("a.cbz", "x"), ("b", "a"), ("x", "b.cbz"))
    for path in (lib / "b.cbz", *(lib / "a").iterdir()):
        os.utime(path, (1, 1))
    encoder = GridEncoder()
    assert build(lib, index, encoder).pages_moved == 4
    now = panels_by_book(index)
    assert (now["a"], now["b"], encoder.encoded) == (before["b"], before["a"], 0)
    as_if_built_at_once([lib], index)
