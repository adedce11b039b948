"""EPUBs: where the images of a page are looked for, the direction and the facts in the package, encodings, names."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest

from index_builder.annotations.epub_package import read as read_package
from index_builder.sources import BookRef, Skipped, find_books
from index_builder.sources.epub_pages import decode_markup
from index_builder.sources.style_sheets import Element, parse_style_sheet
from retrieval import PanelIndex
from retrieval.books.formats.xml import parse_xml
from tests.building.library import build, panels
from tests.conftest import GridEncoder, draw_page
from tests.reading.cases import CASES, encoded
from tests.reading.formats import jpeg, make_zip_bytes

CONTAINER = b'<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'


def epub(
    pages: list[bytes],
    files: Mapping[str, bytes],
    *,
    spine: str = "",
    metadata: str = "",
    fixed: bool = True,
    hrefs: list[str] | None = None,
) -> bytes:
    """Return an EPUB of page documents below OEBPS/text, with other files below OEBPS."""
    names = hrefs or [f"text/p{number}.xhtml" for number in range(len(pages))]
    items = "".join(
        f'<item id="p{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(names)
    )
    references = "".join(f'<itemref idref="p{n}"/>' for n in range(len(pages)))
    layout = '<meta property="rendition:layout">pre-paginated</meta>' if fixed else ""
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:opf="http://www.idpf.org/2007/opf" version="3.0"><metadata>{layout}{metadata}</metadata>'
        f"<manifest>{items}</manifest><spine {spine}>{references}</spine></package>"
    )
    documents = [(f"OEBPS/text/p{number}.xhtml", page) for number, page in enumerate(pages)]
    return make_zip_bytes(
        [
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", CONTAINER),
            ("OEBPS/book.opf", package.encode()),
            *documents,
            *((f"OEBPS/{name}", data) for name, data in files.items()),
        ]
    )


def listed(tmp_path: Path, data: bytes) -> tuple[list[str], list[str]]:
    """Return the names of an EPUB's pages, and the reasons of what is skipped."""
    (tmp_path / "a.epub").write_bytes(data)
    found = list(find_books(tmp_path / "a.epub"))
    names = [page.name for book in found if isinstance(book, BookRef) for page in book.pages]
    return names, [item.reason for item in found if isinstance(item, Skipped)]


def page(body: str, head: str = "") -> bytes:
    return f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{head}</head><body>{body}</body></html>'.encode()


IMAGES = {f"images/{n}.jpg": jpeg(n) for n in (1, 2)}
BOTH = ["OEBPS/images/1.jpg", "OEBPS/images/2.jpg"]


# ------------------------------------------------------------------- direction


def first_box(index: Path) -> float:
    return panels(index)[0].box.x


def test_the_direction_of_the_spine(tmp_path: Path) -> None:
    """A book whose pages progress from right to left begins with its upper right panel."""
    report = build(CASES / "08-epub-right-to-left" / "Manga.epub", tmp_path / "i")
    assert report.skipped == report.warnings == ()
    first, second, *_ = panels(tmp_path / "i")
    assert first.box.x > 100 > second.box.x
    assert abs(first.box.y - second.box.y) < 20


@pytest.mark.parametrize(
    ("spine", "metadata", "right_to_left", "expected"),
    [
        ('page-progression-direction="rtl"', "", False, "rtl"),
        ('page-progression-direction="ltr"', "", True, "ltr"),
        ('page-progression-direction="default"', "", True, "rtl"),
        ("", "", False, "ltr"),
        ("", '<meta name="primary-writing-mode" content="horizontal-rl"/>', False, "rtl"),
        ("", '<meta name="primary-writing-mode" content="horizontal-lr"/>', False, "ltr"),
    ],
)
def test_stated_and_unstated_directions(
    spine: str, metadata: str, right_to_left: bool, expected: str, tmp_path: Path
) -> None:
    """A direction in the package wins over the option of the build; `default` states nothing."""
    files = {"images/1.png": encoded(draw_page(4, 4, (200, 300)))}
    data = epub([page('<img src="../images/1.png"/>')], files, spine=spine, metadata=metadata)
    (tmp_path / "a.epub").write_bytes(data)
    build(tmp_path / "a.epub", tmp_path / "i", right_to_left=right_to_left)
    assert (first_box(tmp_path / "i") > 90) == (expected == "rtl")


# ----------------------------------------------------------------------- facts

EPUB_2 = """<dc:title>Night Harbor, Part Three</dc:title><dc:creator opf:role="aut">Doe, Jane</dc:creator>
<dc:creator opf:role="ill">Ann Ink</dc:creator><dc:contributor opf:role="bkp">a program</dc:contributor>
<dc:language>fr</dc:language><dc:publisher>House</dc:publisher><dc:date>0101-01-01</dc:date><dc:date>1998-05-01</dc:date>
<dc:subject>Mystery</dc:subject><meta name="calibre:series" content="Night Harbor"/>
<meta name="calibre:series_index" content="3.0"/>"""
EPUB_3 = """<dc:title id="t">海の港</dc:title><meta refines="#t" property="title-type">main</meta>
<dc:title id="s">A subtitle</dc:title><meta refines="#s" property="title-type">subtitle</meta>
<dc:creator id="a">山田</dc:creator><meta refines="#a" property="role" scheme="marc:relators">art</meta>
<dc:creator>Jane Doe</dc:creator><dc:language>ja</dc:language>
<meta property="belongs-to-collection" id="x">A set of posters</meta>
<meta refines="#x" property="collection-type">set</meta>
<meta property="belongs-to-collection" id="c">夜の港</meta><meta refines="#c" property="collection-type">series</meta>
<meta refines="#c" property="group-position">07</meta><meta name="calibre:series" content="Another"/>"""
EPUB_30 = """<dc:title id="t">Chapter</dc:title><meta refines="#t" property="title-type">main</meta>
<dc:title id="c">Collected</dc:title><meta refines="#c" property="title-type">collection</meta>
<meta refines="#c" property="group-position">2</meta>"""


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (
            EPUB_2,
            {
                "series": ("Night Harbor",),
                "number": ("3",),
                "title": ("Night Harbor, Part Three",),
                "writer": ("Doe Jane",),
                "artist": ("Ann Ink",),
                "language": ("fr",),
                "publisher": ("House",),
                "year": ("1998",),
                "genre": ("Mystery",),
            },
        ),
        (
            EPUB_3,
            {
                "series": ("夜の港",),
                "number": ("7",),
                "title": ("海の港",),
                "writer": ("Jane Doe",),
                "artist": ("山田",),
                "language": ("ja",),
            },
        ),
        (EPUB_30, {"series": ("Collected",), "number": ("2",), "title": ("Chapter",)}),
        ("<dc:title>Alone</dc:title>", {"title": ("Alone",)}),
    ],
)
def test_facts_of_the_package(metadata: str, expected: dict[str, tuple[str, ...]], tmp_path: Path) -> None:
    """Series, number, people and language of EPUB 2 and 3 become facts of the book, found by filters."""
    (tmp_path / "lib").mkdir()
    data = epub([page('<img src="../images/1.jpg"/>')], IMAGES, metadata=metadata)
    (tmp_path / "lib" / "x.epub").write_bytes(data)
    report = build(tmp_path / "lib", tmp_path / "i")
    assert report.warnings == ()
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        facts = index.metadata(1)
        for name, values in expected.items():
            assert facts[name] == values
        if "series" in expected:
            assert index.count({"series": expected["series"][0], "number": expected["number"][0]}) > 0


def test_comicinfo_wins_over_the_package(tmp_path: Path) -> None:
    """Facts of ComicInfo come first; the package fills in what it lacks. A change of facts decodes nothing again."""
    (tmp_path / "lib").mkdir()
    path = tmp_path / "lib" / "x.epub"
    info = b"<ComicInfo><Series>Other</Series><Manga>No</Manga></ComicInfo>"
    pages = [page('<img src="../images/1.jpg"/>')]
    path.write_bytes(epub(pages, IMAGES, metadata=EPUB_2))
    build(tmp_path / "lib", tmp_path / "i")
    data = epub(pages, {**IMAGES, "ComicInfo.xml": info}, metadata=EPUB_2, spine='page-progression-direction="rtl"')
    path.write_bytes(data)
    assert build(tmp_path / "lib", tmp_path / "i").pages_changed == 0
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        facts = index.metadata(1)
    assert (facts["series"], facts["writer"]) == (("Other",), ("Doe Jane",))


def test_a_package_next_to_a_book(tmp_path: Path) -> None:
    """Calibre writes a package next to a comic, or into its folder: it gives facts to books of any format."""
    package = '<package><metadata><meta name="calibre:series" content="Beside"/></metadata></package>'
    (tmp_path / "lib" / "b").mkdir(parents=True)
    (tmp_path / "lib" / "a.cbz").write_bytes(make_zip_bytes([("1.jpg", jpeg(1))]))
    (tmp_path / "lib" / "b" / "1.jpg").write_bytes(jpeg(2))
    build(tmp_path / "lib", tmp_path / "i")
    (tmp_path / "lib" / "a.opf").write_text(package)
    (tmp_path / "lib" / "b" / "metadata.opf").write_text(package)
    report = build(tmp_path / "lib", tmp_path / "i")
    assert (report.pages_changed, report.warnings) == (0, ())
    with PanelIndex.open(tmp_path / "i", encoder=GridEncoder()) as index:
        assert [index.metadata(book)["series"] for book in (1, 2)] == [("Beside",), ("Beside",)]


def test_other_xml_is_no_package() -> None:
    """Only a package document is read as one."""
    assert read_package(parse_xml(b"<packages/>")) is None
    empty = read_package(parse_xml(b"<package/>"))
    assert empty is not None
    assert (empty.fields, empty.reading_direction) == ((), None)


# ---------------------------------------------------------------------- images

SVG = 'xmlns:svg="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SHOWN = {
    "img": '<img src="../images/{}.jpg"/>',
    "svg image": '<svg xmlns:xlink="x"><image xlink:href="../images/{}.jpg"/></svg>',
    "svg image of SVG 2": '<svg><image href="../images/{}.jpg"/></svg>',
    "prefixed svg image": f'<svg:svg {SVG}><svg:image xlink:href="../images/{{}}.jpg" width="9"/></svg:svg>',
    "prefixed svg image of SVG 2": f'<svg:svg {SVG}><svg:image href="../images/{{}}.jpg"></svg:image></svg:svg>',
    "another prefix": '<s:svg xmlns:s="s" xmlns:l="l"><s:image l:href="../images/{}.jpg"/></s:svg>',
    "object": '<object data="../images/{}.jpg" type="image/jpeg"></object>',
    "object without a type": '<object data="../images/{}.jpg"/>',
    "object with a fallback": '<object data="../images/{}.jpg"><img src="../images/other.jpg"/></object>',
    "embed": '<embed src="../images/{}.jpg"/>',
    "inline background": "<div style=\"width:9px; background-image : url('../images/{}.jpg')\"></div>",
    "inline background with a size": '<div style="background:#fff url(../images/{}.jpg) no-repeat"></div>',
    "svg file": '<img src="../images/{}.svg"/>',
}


@pytest.mark.parametrize("name", SHOWN)
def test_images_of_elements(name: str, tmp_path: Path) -> None:
    """The image of a page is found in whichever element shows it."""
    svg = {f"images/{n}.svg": f'<svg xmlns:l="l"><image l:href="{n}.jpg"/></svg>'.encode() for n in (1, 2)}
    files = {**IMAGES, **svg, "images/other.jpg": jpeg(9)}
    data = epub([page(SHOWN[name].format(n)) for n in (2, 1)], files)
    assert listed(tmp_path, data) == (BOTH[::-1], [])


STYLED = {
    "style element": ("<style>#page { background-image: url(../images/{}.jpg) }</style>", '<div id="page"/>', {}),
    "style of the body": ("<style>body{{background:url('../images/{}.jpg')}}</style>", "<p/>", {}),
    "style in CDATA": (
        "<style>/*<![CDATA[*/ div.p{{background:url(../images/{}.jpg)}} /*]]>*/</style>",
        '<div class="a p"/>',
        {},
    ),
    "style of a medium": (
        "<style>@media screen {{ .p > div {{ background: url(../images/{}.jpg) }} }}</style>",
        '<p class="p"><div/></p>',
        {},
    ),
    "linked style sheet": (
        '<link rel="stylesheet" href="../styles/{}.css"/>',
        '<div class="cover"/>',
        {"styles/{}.css": "@charset 'utf-8'; p {{}} div.cover{{background-image:url(../images/{}.jpg)}}"},
    ),
    "imported style sheet": (
        '<link rel="stylesheet" type="text/css" href="../styles/main{}.css"/>',
        '<div class="cover"/>',
        {
            "styles/main{}.css": '@import url("parts/{}.css");',
            "styles/parts/{}.css": ".cover{{background:url(../../images/{}.jpg)}}",
        },
    ),
    "one style sheet of all pages": (
        '<link rel="stylesheet" href="../styles/all.css"/>',
        '<div id="page{}"/>',
        {"styles/all.css": "#page1{background:url(../images/1.jpg)} #page2{background:url(../images/2.jpg)}"},
    ),
    "content of a pseudo-element": ("<style>div::before{{content:url(../images/{}.jpg)}}</style>", "<div/>", {}),
}


@pytest.mark.parametrize("name", STYLED)
def test_backgrounds_of_style_sheets(name: str, tmp_path: Path) -> None:
    """Backgrounds are found in a page's own style and in style sheets, by the elements that the page has."""
    head, body, sheets = STYLED[name]
    one_brace = name in ("style element",)
    files = {**IMAGES}
    for sheet, text in sheets.items():
        for n in (1, 2):
            css = text if "all.css" in sheet else text.format(*(n,) * 2)
            files[sheet.format(n)] = css.encode()
    heads = [head.replace("{}", str(n)) if one_brace else head.format(n) for n in (1, 2)]
    pages = [page(body.format(n), own) for n, own in zip((1, 2), heads, strict=True)]
    assert listed(tmp_path, epub(pages, files)) == (BOTH, [])


def test_a_background_behind_images_is_no_page(tmp_path: Path) -> None:
    """Paper from a style sheet behind the drawing of each page is not a page of its own."""
    head = "<style>body{background:url(../images/paper.jpg)}</style>"
    pages = [page(f'<img src="../images/{n}.jpg"/>', head) for n in (1, 2)]
    assert listed(tmp_path, epub(pages, {**IMAGES, "images/paper.jpg": jpeg(9)})) == (BOTH, [])


def test_a_background_behind_text_makes_no_comic(tmp_path: Path) -> None:
    """A book of text on patterned paper is a book of text."""
    head = "<style>body{background:url(../images/1.jpg)}</style>"
    names, reasons = listed(tmp_path, epub([page("<p>Once</p>", head)] * 5, IMAGES, fixed=False))
    assert names == []
    assert reasons == ["this is a book of text (pages with an image: 1 of 5)"]


def test_missing_and_embedded_images(tmp_path: Path) -> None:
    """An image that is missing is named; data in the page itself are ignored, as before."""
    pages = [page('<img src="../images/1.jpg"/>'), page('<svg:image xlink:href="../images/gone.jpg"/>')]
    pages.append(page('<img src="data:image/png;base64,AAAA"/><div style="background:url(data:image/png;base64,AA)"/>'))
    names, reasons = listed(tmp_path, epub(pages, IMAGES))
    assert names == BOTH[:1]
    assert reasons == ["missing images: 1 (the first is 'OEBPS/images/gone.jpg'); the other pages are kept"]


# -------------------------------------------------------------- encodings, names


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32", "shift_jis", "gbk"])
def test_pages_in_other_encodings(encoding: str, tmp_path: Path) -> None:
    """Pages are read by their byte order mark or declaration, with names of images in any script."""
    declared = f'<?xml version="1.0" encoding="{encoding.replace("-sig", "")}"?>'
    text = declared + '<html><body><p>港</p><img src="../images/港{}.jpg"/></body></html>'
    pages = [text.format(n).encode(encoding) for n in (1, 2)]
    files = {f"images/港{n}.jpg": jpeg(n) for n in (1, 2)}
    assert listed(tmp_path, epub(pages, files)) == (["OEBPS/images/港1.jpg", "OEBPS/images/港2.jpg"], [])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'<?xml version="1.0" encoding="utf-16"?><a>\xc3\xa9', '<?xml version="1.0" encoding="utf-16"?><a>é'),
        (b'<?xml version="1.0" encoding="nonsense"?><a>\xc3\xa9', '<?xml version="1.0" encoding="nonsense"?><a>é'),
        (b'<meta charset="iso-8859-1"><a>\xe9', '<meta charset="iso-8859-1"><a>é'),
        (b"<a>\xc3\xa9", "<a>é"),
        (b"", ""),
    ],
)
def test_declared_encodings(data: bytes, text: str) -> None:
    """A declaration that cannot be true, or that is unknown, is not followed."""
    assert decode_markup(data) == text


NAMES = {
    "percent-encoded": ("a%20b%23%E6%B8%AF.jpg", "a b#港.jpg"),
    "not encoded": ("a b.jpg", "a b.jpg"),
    "a percent sign in the name": ("100%25.jpg", "100%.jpg"),
    "a percent sign that is not encoded": ("100%20.jpg", "100%20.jpg"),
    "other capitals": ("PAGE.JPG", "page.jpg"),
    "another normal form": (unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")),
}


@pytest.mark.parametrize("name", NAMES)
def test_references_and_names(name: str, tmp_path: Path) -> None:
    """References find their file, percent-encoded or not."""
    reference, stored = NAMES[name]
    data = epub([page(f'<img src="../images/{reference}"/>')], {f"images/{stored}": jpeg(1)})
    assert listed(tmp_path, data) == ([f"OEBPS/images/{unicodedata.normalize('NFC', stored)}"], [])


def test_references_of_the_package_are_percent_encoded(tmp_path: Path) -> None:
    """The documents of the spine are found in the same way."""
    pages = [page('<img src="../images/1.jpg"/>')]
    data = epub(pages, {**IMAGES, "text/p 1.xhtml": pages[0]}, hrefs=["text/p%201.xhtml"])
    assert listed(tmp_path, data) == (BOTH[:1], [])


# ----------------------------------------------------------------- style sheets


def test_selectors_of_a_style_sheet() -> None:
    """A rule is about an element with its tag, id and classes, if the page has what the rest of the selector names."""
    sheet = parse_style_sheet("body.x div#a.b:first-child, p { background: url(1.jpg) }", "a.css")
    (rule,) = sheet.rules
    div, body = Element("div", "a", frozenset({"b", "c"})), Element("body", "", frozenset({"x"}))
    assert rule.matches(div)
    assert not rule.matches(Element("div", "a", frozenset()))
    assert rule.may_apply([body, div])
    assert not rule.may_apply([Element("body", "", frozenset()), div])
    assert rule.may_apply([Element("p", "", frozenset())])


@pytest.mark.parametrize(
    "text", ["", "{", "}", "a{background:url(", "@import", "a{}}}{{", "/* a{background:url(1)} */"]
)
def test_damaged_style_sheets(text: str) -> None:
    """Half a style sheet has no rules, and no error."""
    assert parse_style_sheet(text, "a.css").rules == ()
