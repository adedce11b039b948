"""A build that reads nothing outside one folder: links of every kind, also those that appear meanwhile."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from index_builder import build_index
from index_builder.sources.walk import find_books
from retrieval import PanelIndex
from retrieval.books import ReadLimits, open_books, open_container, read_page
from retrieval.books.formats import folder as folder_format
from retrieval.errors import SourceError
from tests.conftest import GridEncoder, draw_page


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one comic of two pages, next to a folder that must not be read."""
    for folder, seeds in ((tmp_path / "root" / "Own", (1, 2)), (tmp_path / "outside" / "Secret", (3, 4))):
        folder.mkdir(parents=True)
        for seed in seeds:
            draw_page(seed).save(folder / f"{seed}.png")
    return tmp_path / "root"


def build(root: Path) -> tuple[list[str], dict[str, str]]:
    """Return the pages of a bounded build by path below the root, and what was skipped: name -> reason."""
    index = root.parent / "my.index"
    report = build_index([root], index, encoder=GridEncoder(), workers=0, ocr=False, within=root)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        pages = sorted({panel.page_path for panel in opened.browse({}, k=100)})
    return pages, {os.path.relpath(path, root): reason for path, reason in report.skipped}


OWN = ["Own/1.png", "Own/2.png"]


def test_links_that_lead_out_are_left_out_and_named(root: Path) -> None:
    """To a folder, through a link inside, relative, to a page, to a book file, to an annotation."""
    outside = root.parent / "outside"
    shutil.make_archive(str(outside / "Book"), "zip", outside / "Secret")
    (outside / "words.json").write_text(json.dumps({"panels": [{"bbox": [0, 0, 50, 50], "text": "secret"}]}))
    (root / "folder").symlink_to(outside / "Secret")
    (root / "chain").symlink_to(root / "folder")
    (root / "up").symlink_to("../outside")
    (root / "Own" / "3.png").symlink_to(outside / "Secret" / "3.png")
    (root / "Own" / "1.json").symlink_to(outside / "words.json")
    (root / "Book.cbz").symlink_to(outside / "Book.zip")
    pages, skipped = build(root)
    assert pages == OWN
    assert {"folder", "chain", "up", "Book.cbz", "Own/3.png"} <= set(skipped)
    assert all("leads out of" in skipped[name] for name in ("folder", "up", "Book.cbz"))


def test_links_inside_are_followed(root: Path) -> None:
    """The folder itself may be reached through a link as well."""
    (root / "again").symlink_to(root / "Own")
    (root.parent / "linked root").symlink_to(root)
    assert build(root)[0] == OWN
    books = find_books(root.parent / "linked root", ReadLimits(within=str(root)))
    assert [book.relative for book in books if hasattr(book, "pages")] == ["Own"]


def test_a_root_that_became_a_link_is_refused(root: Path) -> None:
    limits = ReadLimits(within=str(root))
    shutil.rmtree(root / "Own")
    (root / "Own").symlink_to(root.parent / "outside" / "Secret")
    with pytest.raises(SourceError, match="leads out of"):
        find_books(root / "Own", limits)
    with pytest.raises(SourceError, match="leads out of"):
        read_page(root / "Own", "3.png", limits)


def test_a_folder_that_becomes_a_link_during_the_walk_is_not_entered(root: Path) -> None:
    """The walk has seen it as a folder; when its turn comes it leads out."""
    (root / "A").mkdir()
    draw_page(5).save(root / "A" / "5.png")
    walk = find_books(root, ReadLimits(within=str(root)))
    assert next(walk).relative == "A"  # type: ignore[union-attr]
    shutil.rmtree(root / "Own")
    (root / "Own").symlink_to(root.parent / "outside" / "Secret")
    (left,) = walk
    assert "leads out of" in left.reason  # type: ignore[union-attr]


def test_a_page_that_is_swapped_while_it_is_opened_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open file is compared with the place that was checked."""
    path, secret = root / "Own" / "1.png", root.parent / "outside" / "Secret" / "3.png"
    check = folder_format._check_opened

    def swap_back(*arguments: object) -> None:
        path.unlink()
        draw_page(1).save(path)
        check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(folder_format, "_check_opened", swap_back)
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(SourceError, match="replaced while it was opened"):
        read_page(root / "Own", "1.png", ReadLimits(within=str(root)))


def test_a_book_that_is_swapped_while_it_is_opened_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was inside when it was checked, and led out when it was opened."""
    book, secret = root / "Book.cbz", root.parent / "outside" / "Secret"
    shutil.make_archive(str(root / "Book"), "zip", root / "Own")
    (root / "Book.zip").rename(book)
    shutil.make_archive(str(root.parent / "outside" / "Book"), "zip", secret)
    opened = open_books._OPENERS[open_books.BookFormat.ZIP]

    def swap(path: Path, limits: ReadLimits) -> object:
        book.unlink()
        book.symlink_to(root.parent / "outside" / "Book.zip")
        return opened(path, limits)

    monkeypatch.setitem(open_books._OPENERS, open_books.BookFormat.ZIP, swap)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="leads out of"):
        open_container(book, ReadLimits(within=str(root)))


def test_the_bound_is_not_remembered(root: Path) -> None:
    """The next build, and reading pages for the web app, are free of it."""
    build(root)
    (root / "link").symlink_to(root.parent / "outside" / "Secret")
    index = root.parent / "my.index"
    report = build_index([root], index, encoder=GridEncoder(), workers=0, ocr=False)
    assert report.pages == 4
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert "within" not in opened.catalog.settings().build_options
        assert opened.page_image(opened.browse({"book": "link%"}, k=1)[0].page_id).size == (400, 600)
