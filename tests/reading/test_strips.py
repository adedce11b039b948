"""Slices of a vertical strip become pages with whole panels; pages of ordinary books stay pages."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index_builder.sources import (
    BookRef,
    find_books,
    joined_page_names,
    may_join,
    strip_fingerprint,
    with_joined_pages,
)
from index_builder.sources.strips import compare_edges, is_strip
from retrieval.books import DEFAULT_LIMITS, JoinedPage, ReadLimits, parse_joined, read_page
from retrieval.errors import SourceError
from retrieval.images.decode import open_image
from tests.conftest import draw_page
from tests.reading.formats import make_zip_bytes

WIDTH, SLICE = 120, 150


def long_picture(panels: int = 6, width: int = WIDTH) -> np.ndarray:
    """Panels one below the other, each 200 px tall, smooth and unlike each other, with white bands of 40 px."""
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(panels):
        coarse = Image.fromarray(rng.integers(0, 220, (5, 4, 3), np.uint8))
        rows += [np.full((20, width, 3), 255, np.uint8)]
        rows += [np.asarray(coarse.resize((width, 200), Image.Resampling.BICUBIC))]
        rows += [np.full((20, width, 3), 255, np.uint8)]
    return np.concatenate(rows)


def png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def sliced(picture: np.ndarray, height: int = SLICE) -> list[tuple[str, bytes]]:
    return [(f"{n + 1}.png", png(picture[top : top + height])) for n, top in enumerate(range(0, len(picture), height))]


def put(folder: Path, members: list[tuple[str, bytes]]) -> BookRef:
    folder.mkdir()
    for name, data in members:
        (folder / name).write_bytes(data)
    (book,) = find_books(folder)
    assert isinstance(book, BookRef)
    return book


def joined_picture(book: BookRef, names: list[str]) -> np.ndarray:
    return np.concatenate([np.asarray(open_image(read_page(book.path, name))) for name in names])


@pytest.mark.parametrize("packed", [False, True])
def test_slices_are_joined_and_cut_between_panels(tmp_path: Path, packed: bool) -> None:
    """JoinedPage pages hold the strip row for row, in a folder and in an archive, and no cut goes through a panel."""
    strip = long_picture()
    book = put(tmp_path / "book", sliced(strip))
    if packed:
        (tmp_path / "a.cbz").write_bytes(make_zip_bytes(sliced(strip)))
        (book,) = find_books(tmp_path / "a.cbz")
    names = joined_page_names(book, "auto", DEFAULT_LIMITS)
    assert (joined_picture(book, names) == strip).all()
    assert len(names) > 3
    for name in names:
        page = np.asarray(open_image(read_page(book.path, name)))
        assert (page[0] == 255).all()
        assert (page[-1] == 255).all()


def test_names_and_fingerprints_of_joined_pages(tmp_path: Path) -> None:
    """Pages are numbered from 1, named after their slices, and change with each of their slices."""
    strip = long_picture()
    book = put(tmp_path / "book", sliced(strip))
    names = joined_page_names(book, "auto", DEFAULT_LIMITS)
    joined = with_joined_pages(book, names)
    assert [page.name for page in joined.pages] == names
    assert [page.number for page in joined.pages] == list(range(1, len(names) + 1))
    assert names[0].startswith("1.png..")
    (tmp_path / "book" / "1.png").write_bytes(png(strip[:SLICE]) + b" ")
    (changed,) = find_books(tmp_path / "book")
    assert isinstance(changed, BookRef)
    first, *others = with_joined_pages(changed, names).pages
    assert first.fingerprint != joined.pages[0].fingerprint
    assert [page.fingerprint for page in others] == [page.fingerprint for page in joined.pages[1:]]
    assert strip_fingerprint(changed, "auto", DEFAULT_LIMITS) != strip_fingerprint(book, "auto", DEFAULT_LIMITS)


def test_ordinary_pages_stay_pages(tmp_path: Path) -> None:
    """Pages with margins, and pages drawn to their edges, are not joined."""
    margins = [(f"{n}.png", png(np.asarray(draw_page(n, size=(200, 300))))) for n in range(8)]
    bleed = [(f"{n}.png", png(long_picture(8)[n * 240 + 20 : n * 240 + 220])) for n in range(8)]
    for name, members in (("margins", margins), ("bleed", bleed)):
        book = put(tmp_path / name, members)
        assert not is_strip(book, DEFAULT_LIMITS)
        assert joined_page_names(book, "auto", DEFAULT_LIMITS) == []


def test_annotated_slices_stay_pages(tmp_path: Path) -> None:
    """With "auto" any annotation keeps the slices as pages; with "yes" only the annotated slice stays a page."""
    book = put(tmp_path / "book", [*sliced(long_picture()), ("4.json", b"{}")])
    assert joined_page_names(book, "auto", DEFAULT_LIMITS, {"4.png"}) == []
    pages = with_joined_pages(book, joined_page_names(book, "yes", DEFAULT_LIMITS, {"4.png"})).pages
    (annotated,) = (page for page in pages if page.annotation)
    assert (annotated.name, annotated.annotation) == ("4.png", "4.json")
    shown = [parse_joined(page.name) for page in pages if page is not annotated]
    assert all(shown)
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))


def test_other_widths_break_a_strip(tmp_path: Path) -> None:
    """A title image of another width stays a page; the slices after it are joined."""
    title = ("0.png", png(long_picture(1, 90)))
    book = put(tmp_path / "book", [title, *sliced(long_picture())])
    pages = with_joined_pages(book, joined_page_names(book, "auto", DEFAULT_LIMITS)).pages
    assert pages[0].name == "0.png"
    assert pages[1].name.startswith("1.png")


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_join(tmp_path: Path, count: int) -> None:
    """Nothing is joined in a book of one page, or with mode "no"."""
    book = put(tmp_path / "book", sliced(long_picture())[: 1 + 3 * count])
    assert not may_join(book, "no" if count else "yes")


def test_a_strip_without_gutters_is_cut_all_the_same(tmp_path: Path) -> None:
    """An image without blank bands is cut at twelve widths, or sooner if its pixels are limited."""
    endless = np.asarray(Image.fromarray(long_picture(2)[20:220]).resize((60, 1500)))
    book = put(tmp_path / "book", sliced(endless, 300))
    tall = [open_image(read_page(book.path, name)).height for name in joined_page_names(book, "yes", DEFAULT_LIMITS)]
    assert tall == [720, 720, 60]
    bounded = ReadLimits(max_pixels=60 * 400)
    tall = [open_image(read_page(book.path, name)).height for name in joined_page_names(book, "yes", bounded)]
    assert max(tall) <= 400
    assert sum(tall) == 1500


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("1.png..3.png", JoinedPage("1.png", 0, "3.png", None)),
        ("a/1.jpg[640:]..a/3.jpg[:200]", JoinedPage("a/1.jpg", 640, "a/3.jpg", 200)),
        ("1..a.png[5:]..2..b.png", JoinedPage("1..a.png", 5, "2..b.png", None)),
        ("[1].png[7:]..[1].png[:9]", JoinedPage("[1].png", 7, "[1].png", 9)),
        ("1.png", None),
        ("a..b.png", None),
        ("1.png..notes.txt", None),
    ],
)
def test_names_say_what_is_joined(name: str, found: JoinedPage | None) -> None:
    """A joined page's name is read back as it was written; other names are no joined pages."""
    assert parse_joined(name) == found
    assert found is None or found.name == name


def test_missing_and_changed_slices_are_named(tmp_path: Path) -> None:
    """Asking for a joined page whose slices have gone, shrunk or broken says which and what to do."""
    book = put(tmp_path / "book", sliced(long_picture()))
    for name, said in [
        ("1.png..99.png", r"99\.png: a slice of this page is missing\nput the comics back"),
        ("1.png[149:]..2.png[:151]", "slice '2.png' has 150 rows"),
        ("1.png[150:]..2.png", "slice '1.png' has 150 rows"),
    ]:
        with pytest.raises(SourceError, match=said):
            read_page(book.path, name)
    (tmp_path / "book" / "2.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"book/1\.png\.\.3\.png: slice '2\.png': not an image"):
        read_page(book.path, "1.png..3.png")
    with pytest.raises(SourceError, match="raise it with --max-pixels"):
        read_page(book.path, "3.png..6.png", ReadLimits(max_pixels=WIDTH * SLICE * 2))


def test_a_file_called_like_a_joined_page(tmp_path: Path) -> None:
    """A file that really has such a name is read as itself."""
    book = put(tmp_path / "book", [("1.png..2.png", b"itself"), *sliced(long_picture())[:2]])
    assert read_page(book.path, "1.png..2.png") == b"itself"


def test_edges() -> None:
    """Drawings continue, end, or are missing at an edge; other widths and tiny images end."""
    picture = np.asarray(Image.fromarray(long_picture(1)[20:220]).convert("L"))
    blank = np.full((50, WIDTH), 255, np.uint8)
    assert compare_edges(picture[:90], picture[90:]) == 1
    assert compare_edges(picture[:90], picture[:90]) == -1
    assert compare_edges(picture, blank) == compare_edges(blank, picture) == -1
    assert compare_edges(blank, blank) == 0
    assert compare_edges(blank, blank - 255) == -1
    assert compare_edges(picture[:90], picture[90:, 1:]) == compare_edges(picture[:2], picture[2:]) == -1


def test_a_real_webtoon(real_comics: Path) -> None:
    """The slices of a real webtoon are joined, and every cut lies in a blank band."""
    (book,) = find_books(real_comics / "climate-frogs_webtoon" / "en")
    assert isinstance(book, BookRef)
    names = joined_page_names(book, "auto", DEFAULT_LIMITS)
    pages = [open_image(read_page(book.path, name)) for name in names]
    assert sum(page.height for page in pages) == 26 * 1280
    assert {page.width for page in pages} == {800}
    for page in pages[1:]:
        low, high = np.percentile(np.asarray(page.convert("L"))[0], (2, 98))
        assert high - low < 8
