"""Every format returns the pages that were written, in reading order, byte for byte."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from index_builder.sources import BookRef, Skipped, find_books
from retrieval.books import DEFAULT_LIMITS, BookFormat, ReadLimits, detect_format, read_page
from retrieval.books.formats import rar as rar_pages
from retrieval.books.formats import seven_zip as seven_pages
from tests.reading import formats
from tests.reading.formats import jpeg, small_pages
from tests.reading.rar import old_rar, rar

PAGES = small_pages()
NAMES = [name for name, _ in PAGES]


def listed(path: Path, limits: ReadLimits = DEFAULT_LIMITS) -> tuple[list[BookRef], dict[str, str]]:
    """Return the books of a source, and reasons by path below its folder."""
    found = list(find_books(path, limits))
    books = [item for item in found if isinstance(item, BookRef)]
    skips = [item for item in found if isinstance(item, Skipped)]
    return books, {item.path.removeprefix(f"{path.parent}/"): item.reason for item in skips}


def pages_of(path: Path, limits: ReadLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """Return the only book's pages by name, in order; nothing was skipped."""
    (book,), skips = listed(path, limits)
    assert skips == {}
    assert [page.number for page in book.pages] == list(range(1, len(book.pages) + 1))
    return {page.name: read_page(book.path, page.name, limits) for page in book.pages}


def seven(folder: Path, members: formats.Members) -> bytes:
    work = folder / "work"
    work.mkdir()
    return formats.make_7z(members, work)


ARCHIVES: dict[str, Callable[[Path], bytes]] = {
    "cbz": lambda _: formats.make_zip_bytes(PAGES[::-1]),
    "cbt": lambda _: formats.make_tar(PAGES[::-1]),
    "cbt gz": lambda _: formats.make_tar(PAGES[::-1], "w:gz"),
    "cbt bz2": lambda _: formats.make_tar(PAGES[::-1], "w:bz2"),
    "cbt xz": lambda _: formats.make_tar(PAGES[::-1], "w:xz"),
    "cbr old, stored": lambda _: old_rar(PAGES[::-1], packed=False),
    "cbr stored": lambda _: rar(PAGES[::-1], packed=False),
    "epub": lambda _: formats.make_epub(PAGES),
    "acbf": lambda _: formats.make_acbf(PAGES),
    "pdf": lambda _: formats.make_pdf([data for _, data in PAGES]),
}


@pytest.mark.parametrize("book_format", ARCHIVES)
def test_pages_are_read_as_written(tmp_path: Path, book_format: str) -> None:
    """Each format keeps bytes and reading order, and is detected by its first bytes under any name."""
    path = tmp_path / "comic.dat"
    path.write_bytes(ARCHIVES[book_format](tmp_path))
    found = pages_of(path)
    assert list(found.values()) == [data for _, data in PAGES]
    (book,), _ = listed(path)
    assert book.book_format == book_format.split()[0]


@pytest.fixture(params=["unar", "bsdtar", "unrar"])
def only_tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make one program the only one that unpacks RAR."""
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    monkeypatch.setattr(rar_pages.rarfile, "CURRENT_SETUP", None)  # restored after the test
    for other in {"unar", "bsdtar", "unrar"} - {request.param}:
        monkeypatch.setattr(rar_pages.rarfile, f"{other.upper()}_TOOL", "no such program")
    return str(request.param)


@pytest.mark.parametrize("solid", [False, True])
def test_each_program_unpacks_rar(only_tool: str, tmp_path: Path, solid: bool) -> None:
    path = tmp_path / "a.cbr"
    path.write_bytes(rar(PAGES, solid=solid))
    assert {name: read_page(path, name) for name in reversed(NAMES)} == dict(PAGES)
    assert pages_of(path) == dict(PAGES)


@pytest.mark.parametrize("solid", [False, True])
def test_duplicates_in_a_rar(only_tool: str, tmp_path: Path, solid: bool) -> None:
    """The last of a name is read and reported, and every other page is right."""
    path = tmp_path / "a.cbr"
    first, *others = PAGES
    path.write_bytes(rar([(first[0], jpeg(77)), *others, first], solid=solid))
    assert {name: read_page(path, name) for name in NAMES} == dict(PAGES)
    _, skips = listed(path)
    assert skips == {f"a.cbr/{first[0]}": "several files in this archive have this name; only the last one is read"}


def test_packed_rar_of_the_old_format(only_tool: str, tmp_path: Path) -> None:
    """RAR 3 and 4 use another packing and other headers; each program unpacks them too."""
    path = tmp_path / "a.cbr"
    path.write_bytes(old_rar(PAGES))
    assert {name: read_page(path, name) for name in reversed(NAMES)} == dict(PAGES)
    assert pages_of(path) == dict(PAGES)


def test_solid_rar_of_the_old_format(only_tool: str, tmp_path: Path) -> None:
    """All but bsdtar unpack it; with bsdtar alone, the reason names what to install."""
    path = tmp_path / "a.cbr"
    path.write_bytes(old_rar(PAGES, solid=True))
    if only_tool == "bsdtar":
        books, skips = listed(path)
        assert books == []
        assert list(skips) == ["a.cbr/page 1.jpg"]
        assert "install unar (package unar)" in skips["a.cbr/page 1.jpg"]
        assert "and 2 more like it" in skips["a.cbr/page 1.jpg"]
    else:
        assert {name: read_page(path, name) for name in reversed(NAMES)} == dict(PAGES)
    path.write_bytes(old_rar(PAGES, packed=False, solid=True))  # stored members need no program
    assert pages_of(path) == dict(PAGES)


@formats.needs_rar_tool
def test_a_solid_rar_is_unpacked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However many pages a solid archive has, the program runs once for all of them."""
    runs = []
    real = rar_pages.subprocess.Popen
    monkeypatch.setattr(rar_pages.subprocess, "Popen", lambda *a, **k: runs.append(a) or real(*a, **k))
    path = tmp_path / "a.cbr"
    members = [(f"{n}.jpg", jpeg(n)) for n in range(12)]
    path.write_bytes(rar(members, solid=True))
    book = rar_pages.Rar(path, ReadLimits())
    try:
        assert {name: book.read(name) for name, _ in members} == dict(members)
    finally:
        book.close()
    assert len(runs) == 1


@formats.needs_rar_tool
def test_the_committed_rar(tmp_path: Path) -> None:
    """A RAR file in the repository is read like a new one."""
    assert pages_of(formats.COMMITTED_RAR) == dict(PAGES)


@formats.needs_bsdtar
@pytest.mark.parametrize("reader", ["py7zr", "bsdtar"])
def test_7z_by_either_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reader: str) -> None:
    """A 7z archive gives the same pages by py7zr and by bsdtar."""
    if reader == "py7zr":
        pytest.importorskip("py7zr")
    else:
        monkeypatch.setattr(seven_pages.importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "a.cb7"
    path.write_bytes(seven(tmp_path, [*PAGES, ("deep/er/2.jpg", jpeg(4))]))
    assert pages_of(path) == dict([("deep/er/2.jpg", jpeg(4)), *PAGES])


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If nothing unpacks RAR or 7z, the reason names what to install; stored RAR pages are read all the same."""
    monkeypatch.setattr(rar_pages, "_program", lambda: None)
    monkeypatch.setattr(seven_pages.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(seven_pages.shutil, "which", lambda name: None)
    (tmp_path / "a.cbr").write_bytes(rar(PAGES))
    (tmp_path / "b.cb7").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    (tmp_path / "c.cbr").write_bytes(rar(PAGES, packed=False))
    books, skips = listed(tmp_path)
    assert [book.relative for book in books] == ["c.cbr"]
    packed, seven_zip = (skips[f"{tmp_path.name}/{name}"] for name in ("a.cbr/page 1.jpg", "b.cb7"))
    assert "package unar" in packed
    assert "package libarchive-tools" in packed
    assert "2 more like it" in packed
    assert "pip install panelseek[7z]" in seven_zip
    assert "package libarchive-tools" in seven_zip


def test_formats_by_first_bytes() -> None:
    """Every format is detected by its first bytes; text, images and empty files are no books."""
    tar = formats.make_tar([("a", b"1")])
    assert detect_format(tar) is BookFormat.TAR
    assert detect_format(formats.make_tar([("a", b"1")], "w:xz")[:4096]) is BookFormat.TAR
    assert detect_format(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by hand -->\n<ACBF>") is BookFormat.ACBF
    assert detect_format("<?xml version='1.0'?><ACBF>".encode("utf-16")) is BookFormat.ACBF
    assert detect_format(b"\n%PDF-1.4") is BookFormat.PDF
    for other in (b"", b"some text about <ACBF", b"<html>", jpeg(1), b"\x1f\x8b\x08" + bytes(50), tar[:200]):
        assert detect_format(other) is None


def test_a_book_without_a_suffix_is_a_source(tmp_path: Path) -> None:
    """A file given as a source is read by its content."""
    path = tmp_path / "no suffix at all"
    path.write_bytes(formats.make_tar(PAGES, "w:gz"))
    assert pages_of(path) == dict(PAGES)


@pytest.mark.parametrize("archive", ["TAR", "TAR gz", "RAR 4"])
def test_names_in_an_unknown_encoding(tmp_path: Path, archive: str) -> None:
    """Bytes that are not text lose a letter, not the page, even if names differ in nothing else."""
    names = ["p \udce9 1.jpg", "p \udce8 1.jpg", "p 2.jpg"]
    members = list(zip(names, (data for _, data in PAGES), strict=True))
    if archive == "RAR 4":
        data = old_rar(members, packed=False)
    else:
        data = formats.make_tar(members, "w:gz" if archive == "TAR gz" else "w")
    path = tmp_path / "a.cbt"
    path.write_bytes(data)
    found = pages_of(path)
    assert sorted(found.values()) == sorted(data for _, data in PAGES)
    assert all(name.encode() for name in found)


def test_acbf_orders_an_archive(tmp_path: Path) -> None:
    """The ACBF in an archive states the cover and the order of pages; other images come after them."""
    order = [PAGES[2], PAGES[0], PAGES[1]]
    acbf = formats.make_acbf(order, embedded=False)
    path = tmp_path / "a.cbz"
    path.write_bytes(formats.make_zip_bytes([*PAGES, ("thumbnail.png", b"x"), ("book.acbf", acbf)]))
    (book,), skips = listed(tmp_path)
    assert [page.name for page in book.pages] == [*(name for name, _ in order), "thumbnail.png"]
    assert "lists 3 of 4 images (not 'thumbnail.png')" in skips[f"{tmp_path.name}/a.cbz"]


def test_acbf_that_names_missing_pages(tmp_path: Path) -> None:
    """If the ACBF does not fit its archive, natural order counts and is reported."""
    acbf = formats.make_acbf([*PAGES, ("gone.jpg", b"")], embedded=False)
    (tmp_path / "a.cbz").write_bytes(formats.make_zip_bytes([*PAGES, ("book.acbf", acbf)]))
    (tmp_path / "b.acbf").write_bytes(formats.make_acbf(PAGES).replace(b"#page 2.jpg", b"#page 3.jpg"))
    books, skips = listed(tmp_path)
    assert [[page.name for page in book.pages] for book in books] == [NAMES, ["page 1.jpg", "page 10.jpg"]]
    assert "'gone.jpg'" in skips[f"{tmp_path.name}/a.cbz"]
    assert "'page 3.jpg'" in skips[f"{tmp_path.name}/b.acbf"]


def test_epub_follows_its_spine(tmp_path: Path) -> None:
    """The spine's order counts, and images that no page shows are no pages."""
    order = [PAGES[2], PAGES[0], PAGES[1]]
    path = tmp_path / "a.epub"
    path.write_bytes(formats.make_epub(order, extra=[("OEBPS/images/logo.png", b"x")]))
    assert pages_of(path) == {f"OEBPS/images/{name}": data for name, data in order}
    assert list(pages_of(path)) == [f"OEBPS/images/{name}" for name, _ in order]


def test_an_image_shown_twice_is_one_page(tmp_path: Path) -> None:
    """A cover that an EPUB shows again on its first page is one page, at its first position."""
    shown = b'<html><img src="../images/page 1.jpg"/><div style="background: url(\'../images/page%2010.jpg\')"/></html>'
    path = tmp_path / "a.epub"
    path.write_bytes(formats.make_epub(PAGES, pages={2: shown}))
    assert [name.rpartition("/")[2] for name in pages_of(path)] == NAMES


def test_a_novel_is_refused(tmp_path: Path) -> None:
    """An EPUB of text is refused as such; its few images are no comic."""
    text = dict.fromkeys(range(1, 10), b"<html><p>It was a dark night.</p></html>")
    path = tmp_path / "a.epub"
    path.write_bytes(formats.make_epub(PAGES[:1] * 10, fixed=False, pages=text))
    books, skips = listed(path)
    assert books == []
    assert "this is a book of text (pages with an image: 1 of 10)" in skips["a.epub"]


def test_a_protected_epub(tmp_path: Path) -> None:
    """Pages under copy protection are counted and reported as such, not as damage."""
    locked = "".join(f'<CipherReference URI="OEBPS/images/{name}"/>' for name in NAMES[1:])
    path = tmp_path / "a.epub"
    path.write_bytes(formats.make_epub(PAGES, extra=[("META-INF/encryption.xml", f"<e>{locked}</e>".encode())]))
    (book,), skips = listed(path)
    assert [page.name for page in book.pages] == ["OEBPS/images/page 1.jpg"]
    assert skips["a.epub"] == "pages encrypted by copy protection, not read: 2"


def test_an_epub_without_a_package(tmp_path: Path) -> None:
    """If the package is missing or no XML, the images come in natural order, which is reported."""
    path = tmp_path / "a.epub"
    path.write_bytes(formats.make_epub(PAGES, package=b"<package"))
    (book,), skips = listed(path)
    assert [page.name for page in book.pages] == [f"OEBPS/images/{name}" for name in NAMES]
    assert "damaged XML" in skips["a.epub"]
    assert "natural order" in skips["a.epub"]


@pytest.mark.parametrize("form", ["acbf", "cbz", "epub"])
def test_entity_bombs_do_not_go_off(tmp_path: Path, form: str) -> None:
    """XML that declares entities is refused before any is expanded."""
    bomb = b'<!DOCTYPE ACBF [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    acbf = bomb + formats.make_acbf(PAGES).partition(b"?>")[2]
    data = {
        "acbf": acbf,
        "cbz": formats.make_zip_bytes([*PAGES, ("a.acbf", acbf)]),
        "epub": formats.make_epub(PAGES, package=bomb + b"<package/>"),
    }[form]
    path = tmp_path / f"a.{form}"
    path.write_bytes(data)
    _, skips = listed(path)
    assert "declares entities" in skips[path.name]
