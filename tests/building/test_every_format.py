"""From a file of every format to a hit, and what a second build costs."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from index_builder.sources import archives
from retrieval import PanelIndex
from retrieval.errors import UsageError
from tests.building.library import build, put
from tests.conftest import GridEncoder
from tests.reading import formats
from tests.reading.formats import jpeg
from tests.reading.rar import rar
from tests.reading.test_strips import long_picture, sliced


def members(seed: int) -> list[tuple[str, bytes]]:
    """Two pages unlike those of any other seed."""
    return [(f"{n}.jpg", jpeg(seed + n, quality=80)) for n in (1, 2)]


@pytest.fixture
def every(lib: Path, tmp_path: Path) -> dict[str, list[tuple[str, bytes]]]:
    """A book of every format in `lib`; its pages by the name of the book's file."""
    made: dict[str, list[tuple[str, bytes]]] = {}

    def add(name: str, data: bytes, pages: list[tuple[str, bytes]]) -> None:
        put(lib / name, data)
        made[name] = pages

    add("a.cbz", formats.make_zip_bytes(members(10)), members(10))
    add("b.cbt", formats.make_tar(members(20)), members(20))
    add("c.tgz", formats.make_tar(members(30), "w:gz"), members(30))
    add("d.cbr", rar(members(40), packed=False), members(40))
    add("e.epub", formats.make_epub(members(50)), members(50))
    add("f.acbf", formats.make_acbf(members(60)), members(60))
    add("g.pdf", formats.make_pdf([data for _, data in members(70)]), members(70))
    if shutil.which("bsdtar"):
        (tmp_path / "work").mkdir()
        add("h.cb7", formats.make_7z(members(80), tmp_path / "work"), members(80))
    if any(shutil.which(tool) for tool in ("unar", "unrar", "bsdtar")):
        add("i.cbr", rar(members(90), solid=True), members(90))
        add("j.cbr", formats.COMMITTED_RAR.read_bytes(), formats.small_pages())
    for name, data in members(100):
        put(lib / "k" / name, data)
    made["k"] = members(100)
    return made


def test_from_file_to_hit(every: dict[str, list[tuple[str, bytes]]], lib: Path, index: Path) -> None:
    """A page of every format is found by its picture, with the right book and page, and shown from its file."""
    report = build(lib, index, page_is_panel=True)
    assert report.skipped == ()
    assert report.pages == sum(len(pages) for pages in every.values())
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        kinds = {Path(book.path).name: book.book_format for book in opened.books()}
        for name, pages in every.items():
            for number, (_, data) in enumerate(pages, 1):
                picture = Image.open(io.BytesIO(data)).convert("RGB")
                hit = opened.search(image=picture, k=1)[0]
                assert (hit.panel.page_path.split("/")[0], hit.panel.page_number) == (name, number)
                assert hit.score > 0.999
                assert hit.image().tobytes() == picture.tobytes()
    wanted = {"a.cbz": "cbz", "b.cbt": "cbt", "c.tgz": "cbt", "d.cbr": "cbr", "e.epub": "epub", "f.acbf": "acbf"}
    assert kinds.items() >= {**wanted, "g.pdf": "pdf", "k": "folder"}.items()
    assert kinds.get("h.cb7", "cb7") == "cb7"


def test_a_second_build_encodes_nothing(every: dict[str, list[tuple[str, bytes]]], lib: Path, index: Path) -> None:
    """Unchanged books of every format are as they were; copied anew, their pages are read but not encoded."""
    build(lib, index, page_is_panel=True)
    encoder = GridEncoder()
    report = build(lib, index, encoder, page_is_panel=True)
    pages = sum(len(found) for found in every.values())
    assert (report.pages_unchanged, report.pages_new, encoder.encoded) == (pages, 0, 0)
    for name in every:
        path = lib / name
        if path.is_file():
            path.write_bytes(path.read_bytes())
    report = build(lib, index, encoder, page_is_panel=True)
    assert (report.pages_unchanged, report.pages_changed, encoder.encoded) == (pages, 0, 0)


def test_packed_books_are_listed_once(monkeypatch: pytest.MonkeyPatch, lib: Path, index: Path) -> None:
    """An unchanged packed TAR or ACBF is not unpacked to list it or its warnings; a changed one is."""
    put(lib / "a.tgz", formats.make_tar(members(30), "w:gz"))
    put(lib / "b.acbf", formats.make_acbf(members(60)))
    put(lib / "c.tar.xz", formats.make_tar(members(40), "w:xz")[:-200])
    put(lib / "d.sql.gz", b"\x1f\x8b" + bytes(30))
    first = build(lib, index, page_is_panel=True)
    opened = []
    real = archives.open_container
    monkeypatch.setattr(archives, "open_container", lambda path, how: opened.append(path.name) or real(path, how))
    again = build(lib, index, page_is_panel=True)
    assert opened == []
    assert again.skipped == first.skipped
    assert [Path(path).name for path, _ in again.skipped] == ["c.tar.xz"]
    assert (again.pages, again.pages_unchanged) == (first.pages, first.pages)
    put(lib / "a.tgz", formats.make_tar([*members(30), ("3.jpg", jpeg(5))], "w:gz"))
    assert build(lib, index, page_is_panel=True).pages_new == 1
    assert opened == ["a.tgz"]


def test_a_strip_from_slices_to_hit(lib: Path, index: Path) -> None:
    """A panel that slices cut through is found whole, and shown whole from the slices."""
    strip = long_picture()
    for name, data in sliced(strip):
        put(lib / "strip" / name, data)
    build(lib, index, page_is_panel=True)
    panel = Image.fromarray(strip[240 + 20 : 240 + 220])
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        hit = opened.search(image=panel, k=1)[0]
        page = hit.image()
    assert ".." in hit.panel.page_path
    assert panel.tobytes() in page.tobytes()
    encoder = GridEncoder()
    assert build(lib, index, encoder, page_is_panel=True).pages_unchanged == opened_pages(index)
    assert encoder.encoded == 0


def opened_pages(index: Path) -> int:
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        return int(opened.info()["pages"])


def test_strips_are_looked_at_once(monkeypatch: pytest.MonkeyPatch, lib: Path, index: Path) -> None:
    """Whether an unchanged book is a strip is not found out again, also where it is none."""
    for name, data in sliced(long_picture()):
        put(lib / "strip" / name, data)
    for n in range(6):
        put(lib / "book" / f"{n}.jpg", jpeg(n))
    looked = []
    from index_builder.sources import strips

    real = strips.is_strip
    monkeypatch.setattr(strips, "is_strip", lambda book, how: looked.append(book.relative) or real(book, how))
    for _ in range(2):
        build(lib, index, page_is_panel=True)
        assert sorted(looked) == ["book", "strip"]
    put(lib / "book" / "9.jpg", jpeg(9))
    build(lib, index, page_is_panel=True)
    assert looked[2:] == ["book"]


def test_slices_come_back_when_strips_are_not_joined(lib: Path, index: Path) -> None:
    """With --strips no the joined pages are missing and the slices present; with auto it is the other way round."""
    for name, data in sliced(long_picture()):
        put(lib / "strip" / name, data)
    joined = build(lib, index, page_is_panel=True).pages
    apart = build(lib, index, page_is_panel=True, strips="no")
    assert (apart.pages, apart.pages_missing) == (len(sliced(long_picture())), joined)
    again = build(lib, index, page_is_panel=True)
    assert (again.pages, again.pages_restored, again.encoded) == (joined, joined, 0)


def test_annotations_of_slices_are_not_lost(lib: Path, index: Path) -> None:
    """A strip with an annotated slice is not joined, and the text of the annotation is found."""
    for name, data in sliced(long_picture()):
        put(lib / "strip" / name, data)
    note = b'{"width": 120, "height": 150, "panels": [{"bbox": [0, 0, 120, 150], "text": "behind the glacier"}]}'
    put(lib / "strip" / "2.json", note)
    build(lib, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        hit = opened.search(text="behind the glacier", k=1)[0]
    assert hit.panel.dialogue == "behind the glacier"
    assert hit.panel.page_path == "strip/2.png"


def test_drawn_pages_keep_their_resolution(lib: Path, index: Path) -> None:
    """An index has one resolution for drawn pages: the first build decides, another is refused, asking uses it."""
    drawing = "0.2 0.4 0.8 rg 10 10 40 60 re f"
    put(lib / "a.pdf", formats.pdf([(drawing, jpeg(1))], points=(72.0, 108.0)))
    build(lib, index, dpi=100, page_is_panel=True)
    build(lib, index, page_is_panel=True)
    with pytest.raises(UsageError, match=r"has PDF pages drawn at 100 dpi\nleave out --dpi, or use another --index"):
        build(lib, index, dpi=200, page_is_panel=True)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        (panel,) = opened.browse(k=5)
        picture = opened.panel_image(panel)
    assert (panel.page_width, panel.page_height) == picture.size == (100, 150)
    assert picture.getpixel((50, 75)) == (51, 102, 204)
    assert picture.getpixel((5, 5)) == (255, 255, 255)


def test_an_index_reads_within_its_own_bounds(lib: Path, index: Path) -> None:
    """Bounds of a build decide what is taken, and are large enough when asking."""
    put(lib / "a.cbz", formats.make_zip_bytes(members(10)))
    put(lib / "b.cbz", formats.make_zip_bytes([("1.png", bytes(10**6)), *members(20)]))
    report = build(lib, index, page_is_panel=True, max_bytes=10**5, max_members=2)
    assert {Path(path).name: reason for path, reason in report.skipped} == {
        "b.cbz": "has 3 members; the limit is 2 members"
    }
    report = build(lib, index, page_is_panel=True, max_bytes=10**5)
    assert [reason for _, reason in report.skipped] == ["1 MiB unpacked; the limit is 0.09537 MiB"]
    build(lib, index, page_is_panel=True, max_bytes=1000, max_ratio=1, max_pixels=10)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert [opened.panel_image(panel).size for panel in opened.browse(k=9)] == []
