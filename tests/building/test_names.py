"""Names in any spelling, from the files of a library to the hits of a search."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from index_builder import BuildReport
from index_builder.maintenance.page_boxes import page_panels
from index_builder.maintenance.remove import remove_source
from retrieval import PanelIndex
from tests.building.library import build, cbz, drawn, panels, plain, put, speckled, stage1
from tests.conftest import GridEncoder
from tests.reading.formats import make_epub

CASES = Path(__file__).parents[1] / "data" / "cases"
LINES = ["夜の港0", "夜の港1"]


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def mokuro(names: list[str]) -> bytes:
    blocks = [[{"box": [5, 5, 190, 190], "lines": [line]}] for line in LINES]
    pages = [
        {"img_width": 200, "img_height": 300, "img_path": name, "blocks": block}
        for name, block in zip(names, blocks, strict=False)
    ]
    return json.dumps({"version": "0.2", "title": "T", "volume": "v", "pages": pages}).encode()


def lines_by_page(index: Path) -> dict[str, str]:
    """Return the dialogue of each page."""
    lines: dict[str, str] = {}
    for panel in panels(index):
        lines[panel.page_path] = lines.get(panel.page_path, "") + panel.dialogue
    return lines


def facts(index: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return series and number of each book."""
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        found = {book.title: opened.metadata(book.id) for book in opened.books()}
    return {
        title: {name: value for name, value in fields.items() if name in ("series", "number")}
        for title, fields in found.items()
    }


# ---------------------------------------------------------------- annotations


def test_mokuro_of_decomposed_names(lib: Path, index: Path) -> None:
    """Pages and books whose names macOS wrote get the lines of files that a keyboard named."""
    for file in (CASES / "07-mokuro-words-lost").iterdir():
        spelled = nfd(file.name) if file.suffix == ".cbz" else unicodedata.normalize("NFC", file.name)
        if file.stem != "mac zip":
            shutil.copy(file, lib / spelled)
    report = build(lib, index)
    assert (report.skipped, report.warnings) == ((), ())
    assert lines_by_page(index) == {
        "nfd names.cbz/ページ1.png": LINES[0],
        "nfd names.cbz/ページ2.png": LINES[1],
        f"{nfd('ガンバ')}.cbz/1.png": LINES[0],
    }
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert [book.title for book in opened.books()] == ["nfd names", "ガンバ"]
        assert opened.search(text=LINES[0], where={"book": "ガンバ"})[0].image().size
        assert opened.count({"book": [nfd("ガンバ"), "NFD names"]}) == opened.count()


def test_mokuro_of_an_archive_of_macos(lib: Path, index: Path) -> None:
    """The names in an archive without the mark of UTF-8 are read as UTF-8, and its lines are on its pages."""
    for file in (CASES / "07-mokuro-words-lost").glob("mac zip.*"):
        shutil.copy(file, lib)
    report = build(lib, index)
    assert (report.skipped, report.warnings) == ((), ())
    names = ["mac zip.cbz/ページ1.png", "mac zip.cbz/ページ2.png"]
    assert lines_by_page(index) == dict(zip(names, LINES, strict=True))


PLACES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "decomposed in a folder": ([nfd("ガ1.png"), nfd("ガ2.png")], ["ガ1.png", "ガ2.png"], LINES),
    "one folder more": (["1.png", "2.png"], ["Book/1.jpg", "Book/2.jpg"], LINES),
    "one folder less": (["Book/1.png", "Book/2.png"], ["1.png", "2.png"], LINES),
    "chapters": (["c1/1.png", "c2/1.png"], ["Book/c1/1.png", "Book/c2/1.png"], LINES),
    "another case": (["P1.png", "P2.PNG"], ["p1.PNG", "p2.jpg"], LINES),
}


@pytest.mark.parametrize(
    ("place", "kind"), [*((place, "archive") for place in PLACES), *((place, "folder") for place in list(PLACES)[:2])]
)
def test_pages_that_a_file_names_otherwise(lib: Path, index: Path, place: str, kind: str) -> None:
    """The lines reach their pages, and nothing is reported."""
    names, described, lines = PLACES[place]
    pages = {name: drawn(n, 1) for n, name in enumerate(names)}
    if kind == "archive":
        cbz(lib / "Book.cbz", pages)
    else:
        for name, data in pages.items():
            put(lib / "Book" / name, data)
    put(lib / "Book.mokuro", mokuro(described))
    report = build(lib, index)
    assert report.warnings == ()
    assert list(lines_by_page(index).values()) == lines


@pytest.mark.parametrize(
    ("described", "problem"),
    [
        (["x.png", "y.png"], "describes 2 pages, and none of them is a page of this book (the first is 'x.png')"),
        (["a/1.png", "y.png"], "1 of the 2 pages described are not in this book (the first is 'y.png')"),
        (["1.png"], "1 of the 1 pages described could be several pages of this book (the first is '1.png')"),
    ],
)
@pytest.mark.parametrize("where", ["in", "beside"])
def test_pages_without_a_match_are_named(
    lib: Path, index: Path, described: list[str], problem: str, where: str
) -> None:
    """The report names the file and counts its pages; an ambiguous one is attached to no page."""
    pages = {"a/1.png": drawn(1, 1), "b/1.png": drawn(2, 1)}
    inside = {"Book.mokuro": mokuro(described)} if where == "in" else {}
    cbz(lib / "Book.cbz", pages | inside)
    if where == "beside":
        put(lib / "Book.mokuro", mokuro(described))
    report = build(lib, index)
    (warning,) = report.warnings
    assert warning[0] == ("Book.cbz/Book.mokuro" if where == "in" else "Book.mokuro")
    assert warning[1].startswith(problem)
    assert lines_by_page(index)["Book.cbz/a/1.png"] == (LINES[0] if "a/1.png" in described else "")
    assert lines_by_page(index)["Book.cbz/b/1.png"] == ""


def test_page_annotations_in_another_folder(lib: Path, index: Path) -> None:
    """A page's JSON file may be in a folder of its own; one without a page is named."""
    pages = {f"images/{nfd('é')}{n}.png": drawn(n, 1) for n in (1, 2)}
    files = {f"boxes/É{n}.json": stage1([f"line {n}"]) for n in (1, 2, 3)}
    cbz(lib / "Book.cbz", pages | files)
    report = build(lib, index)
    assert lines_by_page(index) == {"Book.cbz/images/é1.png": "line 1", "Book.cbz/images/é2.png": "line 2"}
    problem = "1 of the 3 pages described are not in this book (the first is 'boxes/É3')"
    assert report.warnings == (("Book.cbz/*.json", problem),)


@pytest.mark.parametrize("name", ["É1.json", "É1.PNG.JSON"])
def test_page_annotations_in_any_spelling(lib: Path, index: Path, name: str) -> None:
    """The JSON file next to a page is found, for folders, archives and a single image."""
    put(lib / "Book" / nfd("é1.png"), drawn(1, 1))
    put(lib / "Book" / name, stage1(["words"]))
    cbz(lib / "b.cbz", {nfd("é1.png"): drawn(2, 1), name: stage1(["words"])})
    build(lib, index)
    assert set(lines_by_page(index).values()) == {"words"}
    build(lib / "Book" / nfd("é1.png"), index.with_name("one.index"))
    assert set(lines_by_page(index.with_name("one.index")).values()) == {"words"}
    assert page_panels(lib / "Book" / nfd("é1.png")).page["panels"][0]["text"] == "words"
    assert page_panels("book/É1.PNG", index).page["panels"][0]["text"] == "words"


def test_files_of_a_book_below_are_not_those_of_the_folder(lib: Path, index: Path) -> None:
    """Loose images next to a book do not take its metadata, and nothing is reported."""
    put(lib / "cover.png", drawn(1, 1))
    cbz(lib / "Harbor.cbz", {"1.png": drawn(2, 1)})
    put(lib / "Harbor.mokuro", mokuro(["1.png"]))
    assert build(lib, index).warnings == ()
    assert {title: fields.get("series") for title, fields in facts(index).items()} == {"comics": None, "Harbor": ("T",)}


def test_a_volume_in_chapters_is_named(lib: Path, index: Path) -> None:
    """A .mokuro file of a folder whose images are in folders below is reported, and read as a collection's."""
    for number in (1, 2):
        put(lib / "Harbor" / f"c{number}" / "1.png", drawn(number, 1))
    file = put(lib / "Harbor.mokuro", mokuro(["c1/1.png", "c2/1.png"]))
    (skipped,) = build(lib, index).skipped
    assert skipped == (str(file), "describes a folder without images of its own; read it with --annotations")
    build(lib, index, annotations=[file])
    assert list(lines_by_page(index).values()) == LINES


def test_collections(lib: Path, index: Path, tmp_path: Path) -> None:
    """Annotations of a whole collection match in any spelling; a file of other pages says so."""
    put(lib / nfd("Pokémon") / "p1.png", drawn(1, 1))
    cache = tmp_path / "cache"
    put(cache / "pokémon" / "P1.json", stage1(["words"]))
    other = put(tmp_path / "other.mokuro", mokuro(["Elsewhere/p7.png", "Elsewhere/p8.png"]))
    report = build(lib, index, annotations=[cache, other])
    assert set(lines_by_page(index).values()) == {"words"}
    problem = "describes 2 pages, and none of them is a page of the sources (the first is 'Elsewhere/p7.png')"
    assert report.warnings == ((str(other), problem),)


def test_labels_in_any_spelling(lib: Path, index: Path) -> None:
    """Page types are found by the number or by the name of a page."""
    listed = f'<Page Image="0" Type="Story"/><Page Image="{nfd("É2.PNG")}" Type="BackCover"/>'
    info = f"<ComicInfo><Pages>{listed}</Pages></ComicInfo>"
    cbz(lib / "b.cbz", {"é1.png": plain(1), "é2.png": plain(90), "ComicInfo.xml": info.encode()})
    cbz(
        lib / "c.cbz",
        {nfd("é1.png"): plain(1), "labels.json": json.dumps({"B/É1.png": "Cover", "B/x.png": "Story"}).encode()},
    )
    report = build(lib, index)
    assert [p.label for p in panels(index)] == ["story", "back_cover", "cover"]
    assert [path for path, _ in report.warnings] == ["c.cbz/labels.json"]


# ------------------------------------------------------------------- metadata


def test_metadata_of_other_programs(lib: Path, index: Path) -> None:
    """Slips and wrong encodings of ComicInfo leave the facts right and no warning."""
    shutil.copytree(CASES / "14-comicinfo-forms", lib, dirs_exist_ok=True)
    report = build(lib, index)
    assert (report.skipped, report.warnings) == ((), ())
    found = facts(index)
    assert found.pop("bare ampersand") == {"series": ("Étoile & Mer",), "number": ("7",)}
    assert len(found) == 4
    assert all(fields == {"series": ("Étoile",), "number": ("7",)} for fields in found.values())


def test_metadata_in_other_encodings(lib: Path, index: Path) -> None:
    """So are those of CoMet and ACBF next to and in a book, and of a language's old encodings."""
    head = '<?xml version="1.0" encoding="utf-8"?>'
    comet = f"\n{head}<comet><series>夜港 & 船</series><issue>7</issue></comet>".encode("cp932")
    series = '<book-info><sequence title="Étoile &eacute;">7</sequence></book-info>'
    acbf = f"{head}<ACBF><meta-data>{series}</meta-data></ACBF>"
    cbz(lib / "comet.cbz", {"1.png": plain(1), "comet.xml": comet})
    cbz(lib / "acbf.cbz", {"1.png": plain(2), "Étoile.acbf": acbf.encode("cp1252")})
    cbz(lib / "beside.cbz", {"1.png": plain(3)})
    put(lib / "beside.xml", f"{head}<ComicInfo><Series>海贼王</Series><Number>7</Number></ComicInfo>\0\0".encode("gbk"))
    build(lib, index)
    assert {title: fields["series"] for title, fields in facts(index).items()} == {
        "comet": ("夜港 & 船",),
        "acbf": ("Étoile é",),
        "beside": ("海贼王",),
    }
    assert {fields["number"] for fields in facts(index).values()} == {("7",)}


def test_references_in_any_spelling(lib: Path, index: Path) -> None:
    """An EPUB and an ACBF file name their images composed, while the archive has them decomposed, and the reverse."""
    pages = [("Images/É1.png", speckled(1)), ("Images/é2.png", speckled(2))]
    put(lib / "e.epub", respelled(make_epub(pages), nfd))
    acbf = '<ACBF><body><page><image href="é2.png"/></page><page><image href="É1.PNG"/></page></body></ACBF>'
    cbz(lib / "a.cbz", {nfd("é1.png"): speckled(3), nfd("é2.png"): speckled(4), "a.acbf": acbf.encode()})
    report = build(lib, index)
    assert (report.skipped, report.warnings) == ((), ())
    assert [p.page_path for p in panels(index) if p.book == "a"] == ["a.cbz/é2.png", "a.cbz/é1.png"]
    assert [p.page_path.rpartition("/")[2] for p in panels(index) if p.book == "e"] == ["É1.png", "é2.png"]


def respelled(data: bytes, spell: Any) -> bytes:
    """Return a ZIP whose members have other names; the texts in it stay."""
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            new.writestr(spell(member.filename), old.read(member))
    return out.getvalue()


# ---------------------------------------------------------------------- books


def test_folders_of_macos(lib: Path, index: Path) -> None:
    """Books with decomposed names are found as a keyboard writes them, shown composed, and still opened."""
    for number, name in enumerate(("Pokémon Ängel", "한국 만화")):
        put(lib / nfd(name) / "1.png", speckled(number))
    build(lib, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for where in (
            {"book": "Pokémon Ängel"},
            {"series": "pokémon ängel"},
            {"book": "Pokémon%"},
            {"series": "%ÄNGEL"},
        ):
            (panel,) = opened.browse(where)
            assert (panel.book, panel.page_path) == ("Pokémon Ängel", f"{nfd('Pokémon Ängel')}/1.png")
            assert opened.panel_image(panel).size
        assert opened.count({"book": "한국 만화"}) == opened.count({"series": "한국 만화"}) == 1
        assert {facet.value for facet in opened.facets()["series"]} == {"Pokémon Ängel", "한국 만화"}


def test_sources_in_another_form(lib: Path, index: Path) -> None:
    """A source may be typed composed while its folder is decomposed: it is built once, and removed."""
    folder = lib / nfd("Pokémon")
    put(folder / "1.png", speckled(1))
    reports: list[BuildReport] = [build(lib / name, index) for name in ("Pokémon", nfd("Pokémon"))]
    assert [report.pages for report in reports] == [1, 1]
    assert remove_source(lib / "Pokémon", index).source == str(folder)


def test_twins_in_two_forms(lib: Path, index: Path) -> None:
    """Two members whose names differ only in their form are two pages."""
    cbz(lib / "b.cbz", {nfd("é.png"): speckled(1), "é.png": speckled(2)})
    assert build(lib, index).pages == 2
    assert sorted(lines_by_page(index)) == ["b.cbz/é.png", "b.cbz/é~2.png"]
