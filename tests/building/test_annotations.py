"""Every form of annotation, from its file to the hit: in the book, next to it, and for a whole collection."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from retrieval import PanelIndex
from retrieval.errors import SourceError, UsageError
from tests.building.library import build, by_place, cbz, drawn, panels, plain, put, stage1
from tests.conftest import GridEncoder

SIZE = (200, 300)
LEFT, RIGHT = [20, 20, 70, 260], [110, 20, 70, 260]
"""Two panels that no finder would give for the pages here, which are drawn with one."""

WORDS = ("the lamp is out", "row faster")


def thousandths(box: list[int], first_x: bool = False) -> list[int]:
    x, y, w, h = box
    sides = [y * 1000 // 300, x * 1000 // 200, (y + h) * 1000 // 300, (x + w) * 1000 // 200]
    return [sides[1], sides[0], sides[3], sides[2]] if first_x else sides


def corners(box: list[int]) -> list[int]:
    x, y, w, h = box
    return [x, y, x + w, y + h]


def points(box: list[int]) -> str:
    a, b, c, d = corners(box)
    return f"{a},{b} {c},{b} {c},{d} {a},{d}"


def in_panel(box: list[int]) -> list[int]:
    """Corners of a balloon inside a panel."""
    return [box[0] + 5, box[1] + 5, box[0] + 50, box[1] + 40]


def vlm(**more: Any) -> dict[str, Any]:
    found = []
    for n, (box, words) in enumerate(zip((LEFT, RIGHT), WORDS, strict=True), 1):
        said = [{"label": "dialogue", "speaker": "Ana", "text": words, "box_2d": [1, 2, 3, 4]}]
        found.append({"panel_number": n, "box_2d": thousandths(box), "text_content": said, "description": "A lamp."})
    return {"overall_summary": "x", "panels": found, "model": "google/gemini-2.5-flash-lite", **more}


def structured(first_x: bool) -> dict[str, Any]:
    found = [
        {
            "panel_number": str(n),
            "box_2d": thousandths(box, first_x),
            "caption": "Two in a boat",
            "speakers": [{"character": "Ana", "dialogue": words, "speech_type": "dialogue"}],
        }
        for n, (box, words) in enumerate(zip((LEFT, RIGHT), WORDS, strict=True), 1)
    ]
    return {"panels": found, "model": "glm-4.5v" if first_x else "gemini"}


def sorted_words() -> dict[str, Any]:
    said = [{"dialogue": WORDS[0], "narration": None, "sfx": "KRAK"}, {"dialogue": [WORDS[1]], "narration": ""}]
    return {"panels": [{"box_2d": thousandths(b), "text": t} for b, t in zip((LEFT, RIGHT), said, strict=True)]}


def detector() -> dict[str, Any]:
    boxes = [{"label": "panel", "score": 0.9, "box_xyxy": corners(box)} for box in (RIGHT, LEFT)]
    return {"canonical_id": "x", "image_size_wh": list(SIZE), "detections": [*boxes, {"label": "face", "score": 1}]}


def coco(name: str = "Night Harbor 001/page_0003.png") -> dict[str, Any]:
    boxes = [
        {"id": n, "image_id": "i", "category_id": 4, "bbox": box, "score": 0.9} for n, box in enumerate((RIGHT, LEFT))
    ]
    others = [{"id": 9, "image_id": "i", "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.9}]
    unsure = [{"id": 8, "image_id": "i", "category_id": 4, "bbox": [0, 0, 99, 99], "score": 0.2}]
    return {
        "images": [{"id": "i", "file_name": name, "width": 200, "height": 300}],
        "annotations": [*boxes, *others, *unsure],
        "categories": [{"id": 1, "name": "face"}, {"id": 4, "name": "panel"}],
    }


def flat_coco() -> dict[str, Any]:
    found = coco()
    found["images"] = []
    for item in found["annotations"]:
        item["image_id"] = "Night Harbor 001_page_0003.png"
    return found


def reconciled() -> list[dict[str, Any]]:
    seen = [
        {"rcnn_bbox": LEFT, "vlm_box_2d": None, "text": WORDS[0], "modality_mask": [1, 1, 1]},
        {"rcnn_bbox": RIGHT, "vlm_box_px": None, "text": WORDS[1], "modality_mask": [1, 1, 1]},
    ]
    page = {"sequence_index": 0, "canonical_id": "Night Harbor 001/page_0003", "panels": seen}
    return [page | {"image_width": 200, "image_height": 300}]


def mokuro(name: str = "page_0003.png") -> dict[str, Any]:
    blocks = [
        {"box": in_panel(box), "lines": words.split(" ", 1)} for box, words in zip((LEFT, RIGHT), WORDS, strict=True)
    ]
    page = {"img_width": 200, "img_height": 300, "img_path": name, "blocks": blocks}
    return {"version": "0.2", "title": "夜の港", "volume": "Volume 4", "pages": [page]}


def kumiko(name: str = "page_0003.png") -> list[dict[str, Any]]:
    return [{"filename": f"/elsewhere/{name}", "size": list(SIZE), "numbering": "ltr", "panels": [LEFT, RIGHT]}]


def acbf(name: str = "page_0003.png") -> str:
    layers = "".join(
        f'<text-layer lang="{language}">'
        + "".join(
            f'<text-area points="{points([*in_panel(b)[:2], 40, 30])}"><p>{w}</p></text-area>'
            for b, w in zip((LEFT, RIGHT), said, strict=True)
        )
        + "</text-layer>"
        for language, said in (("fr", ("éteinte", "rame")), ("en", WORDS))
    )
    frames = "".join(f'<frame points="{points(box)}"/>' for box in (LEFT, RIGHT))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ACBF xmlns="http://www.acbf.info/xml/acbf/1.1"><meta-data><book-info>
<author activity="Writer"><first-name>Ana</first-name><last-name>Lima</last-name></author>
<author activity="CoverArtist"><nickname>Fog</nickname></author>
<book-title lang="en">Low Tide</book-title><genre>science_fiction</genre>
<characters><name>Keeper</name></characters>
<languages><text-layer lang="fr" show="true"/><text-layer lang="en" show="false"/></languages>
<sequence title="Night Harbor" volume="2">7</sequence><reading-direction>RTL</reading-direction>
</book-info><publish-info><publisher>Pier</publisher><publish-date value="2004-05-01"/></publish-info></meta-data>
<body><page><image href="{name}"/>{layers}{frames}</page></body></ACBF>"""


COMIC_INFO = """<?xml version="1.0"?><ComicInfo>
<Title>Low Tide</Title><Series>Night Harbor</Series><Number>007</Number><Count>12</Count><Volume>2</Volume>
<AlternateSeries>Sea Tales</AlternateSeries><AlternateNumber>1</AlternateNumber><AlternateCount>-1</AlternateCount>
<Summary>Fog &amp; lamps.</Summary><Notes>n</Notes><Year>2004</Year><Month>5</Month><Day>1</Day>
<Writer>Ana Lima, Émile Roy</Writer><Penciller>Fog</Penciller><Inker>Fog</Inker><Colorist>Hue</Colorist>
<Letterer>Let</Letterer><CoverArtist>Cov</CoverArtist><Editor>Ed</Editor><Translator>Tra</Translator>
<Publisher>Pier</Publisher><Imprint>Mole</Imprint><Genre>Sea, Mystery</Genre><Tags>lamp, fog</Tags>
<Web>https://x.invalid/a,b</Web><PageCount>3</PageCount><LanguageISO>EN</LanguageISO><Format>One-Shot</Format>
<BlackAndWhite>Unknown</BlackAndWhite><Manga>YesAndRightToLeft</Manga><Characters>Keeper, Cat</Characters>
<Teams>Crew</Teams><Locations>Pier</Locations><ScanInformation>s</ScanInformation><StoryArc>Tide</StoryArc>
<StoryArcNumber>2</StoryArcNumber><SeriesGroup>Sea</SeriesGroup><AgeRating>Everyone</AgeRating>
<CommunityRating>4.5</CommunityRating><MainCharacterOrTeam>Keeper</MainCharacterOrTeam><Review>r</Review>
<GTIN>978</GTIN><Unheard>of</Unheard>
<Pages><Page Image="0" Type="FrontCover"/><Page Image="1"/><Page Image="2" Type="Advertisement Other"/>
<Page Image="x" Type="Story"/></Pages></ComicInfo>"""

COMET = """<comet xmlns:comet="http://www.denvog.com/comet/"><title>Low Tide</title><series>Night Harbor</series>
<issue>7</issue><volume>2</volume><publisher>Pier</publisher><date>2004-05-01</date><genre>Sea</genre>
<character>Keeper</character><character>Cat</character><language>en</language><writer>Ana Lima</writer>
<penciller>Fog</penciller><coverDesigner>Cov</coverDesigner><readingDirection>rtl</readingDirection></comet>"""

COMIC_BOOK_INFO = {
    "appID": "x",
    "ComicBookInfo/1.0": {
        "series": "Night Harbor",
        "title": "Low Tide",
        "publisher": "Pier",
        "publicationYear": 2004,
        "publicationMonth": 5,
        "issue": 7,
        "volume": 2,
        "genre": "Sea",
        "language": "English",
        "credits": [{"person": "Lima, Ana", "role": "Writer"}, {"person": "Fog", "role": "Artist", "primary": True}],
        "tags": ["lamp"],
    },
}


def text_of(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()


PAGE_FORMS: dict[str, tuple[Any, bool]] = {
    "Stage-1": (json.loads(stage1(WORDS, [LEFT, RIGHT])), True),
    "DataSpec": (
        {
            "page_id": "x",
            "page_size": list(SIZE),
            "panels": [
                {"panel_coords": box, "confidence": 0.9, "text": {"dialogue": words}}
                for box, words in zip((LEFT, RIGHT), WORDS, strict=True)
            ],
        },
        True,
    ),
    "VLM A": (vlm(), True),
    "VLM C": (structured(False), True),
    "VLM D": (structured(True), True),
    "VLM E": (sorted_words(), True),
    "VLM F": ({"OCRResult": vlm()}, True),
    "VLM G": (
        {"objects": [{"label": "Panel", "box": thousandths(box)} for box in (RIGHT, LEFT)] + [{"label": "cat"}]},
        False,
    ),
    "detector": (detector(), False),
}


@pytest.mark.parametrize("form", PAGE_FORMS)
@pytest.mark.parametrize("place", ["beside", "collection"])
def test_a_page_of_each_form(lib: Path, index: Path, tmp_path: Path, form: str, place: str) -> None:
    """Its panels become the page's, in reading order, and its text finds them; next to it and in another folder."""
    content, spoken = PAGE_FORMS[form]
    put(lib / "Night Harbor 001" / "page_0003.png", drawn(1, 1))
    root = lib if place == "beside" else tmp_path / "cache" / "CalibreComics_extracted"
    put(root / "Night Harbor 001" / "page_0003.json", text_of(content))
    options = {} if place == "beside" else {"annotations": [tmp_path / "cache"]}
    report = build(lib, index, **options)
    found = panels(index)
    assert [[round(v) for v in p.box.as_list()] for p in found] == [LEFT, RIGHT]
    assert [p.dialogue for p in found] == (list(WORDS) if spoken else ["", ""])
    assert report.warnings == ()
    if spoken:
        with PanelIndex.open(index, encoder=GridEncoder()) as opened:
            assert opened.search(text="row faster")[0].panel.id == found[1].id
    if place == "collection":
        assert report.annotations == {"entries": 1, "pages": 1, "labelled": 0, "ambiguous": 0, "unused": 0}


SETS: dict[str, tuple[Callable[[], Any], bool]] = {
    "COCO": (coco, False),
    "COCO with flat ids": (flat_coco, False),
    "COCO with Windows paths": (lambda: coco("D:\\scans\\Night Harbor 001\\page_0003.png"), False),
    "reconciled": (reconciled, True),
}


@pytest.mark.parametrize("form", SETS)
def test_a_file_about_a_collection(lib: Path, index: Path, tmp_path: Path, form: str) -> None:
    """Its entries find their pages by the ends of their paths."""
    make, spoken = SETS[form]
    cbz(lib / "Night Harbor 001.cbz", {"page_0003.png": drawn(1, 1), "page_0004.png": drawn(2, 1)})
    report = build(lib, index, annotations=[put(tmp_path / "all.json", text_of(make()))])
    found = [p for p in panels(index) if p.page_number == 1]
    assert [p.box.as_list() for p in found] == [LEFT, RIGHT]
    assert [p.dialogue for p in found] == (list(WORDS) if spoken else ["", ""])
    assert report.annotations["pages"] == 1


def test_a_manifest_bridges_two_kinds_of_ids(lib: Path, index: Path, tmp_path: Path) -> None:
    """An id that looks nothing like the page is found through the picture the manifest names."""
    put(lib / "Night Harbor 001" / "page_0003.png", drawn(1, 1))
    put(tmp_path / "cache" / "amazon" / "B00X" / "0007.json", text_of(vlm()))
    manifest = "canonical_id,absolute_image_path,Rpage\r\n"
    manifest += "amazon/B00X/0007,/data/Night Harbor 001/page_0003.png,story\r\n__MACOSX/x,/data/y.png,\r\n"
    table = put(tmp_path / "manifest.csv", manifest.encode("utf-8-sig"))
    build(lib, index, annotations=[tmp_path / "cache", table])
    assert [p.dialogue for p in panels(index)] == list(WORDS)
    assert {p.label for p in panels(index)} == {"story"}


def test_what_two_could_mean_is_refused_and_counted(lib: Path, index: Path, tmp_path: Path) -> None:
    """A bare number is in every book, and an ending of two paths matches neither page."""
    for book in ("a/Book/0001.png", "b/Book/0001.png", "c/Other/0002.png"):
        put(lib / book, drawn(len(book), 1))
    cache = tmp_path / "cache"
    for name in ("Book/0001.json", "0002.json", "0003.json"):
        put(cache / name, text_of(vlm()))
    report = build(lib, index, annotations=[cache])
    assert report.annotations == {"entries": 3, "pages": 0, "labelled": 0, "ambiguous": 3, "unused": 3}
    assert {p.dialogue for p in panels(index)} == {""}


IN_BOOK: dict[str, tuple[str, Callable[[], Any], bool]] = {
    "ACBF": ("book.acbf", acbf, True),
    "mokuro": ("book.mokuro", mokuro, True),
    "Kumiko": ("panels.json", kumiko, False),
    "COCO": ("_annotations.coco.json", coco, False),
}


@pytest.mark.parametrize("form", IN_BOOK)
@pytest.mark.parametrize("where", ["folder", "archive"])
def test_a_file_in_the_book(lib: Path, index: Path, form: str, where: str) -> None:
    """Its pages are matched by their names; text without panels goes to the panels around it."""
    name, make, spoken = IN_BOOK[form]
    members = {"page_0003.png": drawn(1, 1), name: text_of(make())}
    if form == "mokuro":  # it knows no panels
        members["page_0003.json"] = stage1([None, None], [LEFT, RIGHT])
    if where == "archive":
        cbz(lib / "Night Harbor 001.cbz", members)
    else:
        for member, data in members.items():
            put(lib / "Night Harbor 001" / member, data)
    report = build(lib, index)
    found = panels(index)
    assert [p.box.as_list() for p in found] == [LEFT, RIGHT]
    assert [p.dialogue for p in found] == (list(WORDS) if spoken else ["", ""])
    assert (report.skipped, report.warnings) == ((), ())


def test_words_go_to_the_panels_that_are_found(lib: Path, index: Path) -> None:
    """Blocks of a `.mokuro` next to the book are given to detected panels."""
    cbz(lib / "Volume 4.cbz", {"page_0003.png": drawn(5, 4)})
    put(lib / "Volume 4.mokuro", text_of(mokuro()))
    build(lib, index)
    found = panels(index)
    assert len(found) == 4
    assert sorted(p.dialogue for p in found) == ["", "", "row faster", "the lamp is out"]
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        facts = opened.metadata(found[0].book_id)
        assert (facts["series"], facts["title"]) == (("夜の港",), ("Volume 4",))
        hit = opened.search(text="row faster")[0].panel
    assert hit.box.x > 100  # the balloon lies in the right half


def test_words_of_panels_without_boxes(lib: Path, index: Path) -> None:
    """Texts of panels without boxes go to as many detected panels, in order; with another number, to none."""
    said = {"panels": [{"panel_number": n, "speakers": [{"dialogue": f"line {n}"}]} for n in (1, 2, 3, 4)]}
    put(lib / "four.png", drawn(5, 4))
    put(lib / "four.json", text_of(said))
    put(lib / "two.png", drawn(6, 2))
    put(lib / "two.json", text_of(said))
    build(lib, index)
    found = panels(index)
    assert [p.dialogue for p in found if p.page_path == "four.png"] == ["line 1", "line 2", "line 3", "line 4"]
    assert {p.dialogue for p in found if p.page_path == "two.png"} == {""}


def comment(path: Path, members: dict[str, bytes], text: bytes) -> None:
    cbz(path, members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = text


FACTS = {
    "series": "Night Harbor",
    "number": "7",
    "volume": "2",
    "year": "2004",
    "publisher": "Pier",
    "title": "Low Tide",
}


@pytest.mark.parametrize("form", ["ComicInfo", "CoMet", "ComicBookInfo", "ACBF"])
def test_what_a_book_says_about_itself(lib: Path, index: Path, form: str) -> None:
    """The same book in each form has the same facts, which win over its file name and narrow a search."""
    members = {f"{n}.png": plain(n * 40) for n in (1, 2, 3)}
    path = lib / "Wrong Name 99 (1950).cbz"
    if form == "ComicBookInfo":
        comment(path, members, text_of(COMIC_BOOK_INFO))
    else:
        said = {"ComicInfo": COMIC_INFO, "CoMet": COMET, "ACBF": acbf("1.png")}[form]
        name = {"ComicInfo": "ComicInfo.xml", "CoMet": "comet.xml", "ACBF": "x.acbf"}[form]
        cbz(path, {**members, name: said.encode()})
    build(lib, index, page_is_panel=True)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        facts = opened.metadata(opened.books()[0].id)
        assert {name: facts[name][0] for name in FACTS} == FACTS
        assert facts["writer"][0] == "Ana Lima"
        assert "Fog" in facts["artist"]
        assert "en" in facts["language"]
        count = opened.count()
        for where in ({"series": "night%"}, {"number": 7}, {"year": (2000, 2004)}, {"writer": "ana lima"}):
            assert opened.count(where) == count
        assert opened.count({"year": 1950}) == 0


def test_every_field_of_comicinfo(lib: Path, index: Path) -> None:
    """Each is kept under one word, lists are split, what is not known is left out, page types are labels."""
    cbz(lib / "x.cbz", {f"{n}.png": plain(n * 40) for n in (1, 2, 3)} | {"ComicInfo.xml": COMIC_INFO.encode()})
    build(lib, index, page_is_panel=True)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        facts = opened.metadata(opened.books()[0].id)
        labels = {p.page_number: p.label for p in opened.browse()}
        facets = opened.facets()
    assert labels == {1: "cover", 2: "story", 3: "advertisement"}
    assert {f.value: f.panels for f in facets["label"]} == {"cover": 1, "story": 1, "advertisement": 1}
    assert facts == {
        "title": ("Low Tide",), "series": ("Night Harbor",), "number": ("7",), "count": ("12",), "volume": ("2",),
        "alternate_series": ("Sea Tales",), "alternate_number": ("1",), "summary": ("Fog & lamps.",), "notes": ("n",),
        "year": ("2004",), "month": ("5",), "day": ("1",), "writer": ("Ana Lima", "Émile Roy"), "penciller": ("Fog",),
        "inker": ("Fog",), "colorist": ("Hue",), "letterer": ("Let",), "cover_artist": ("Cov",), "editor": ("Ed",),
        "translator": ("Tra",), "publisher": ("Pier",), "imprint": ("Mole",), "genre": ("Sea", "Mystery"),
        "tag": ("lamp", "fog"), "web": ("https://x.invalid/a,b",), "page_count": ("3",), "language": ("en",),
        "format": ("One-Shot",), "manga": ("YesAndRightToLeft",), "character": ("Keeper", "Cat"), "team": ("Crew",),
        "location": ("Pier",), "scan_information": ("s",), "story_arc": ("Tide",), "story_arc_number": ("2",),
        "series_group": ("Sea",), "age_rating": ("Everyone",), "community_rating": ("4.5",),
        "main_character": ("Keeper",), "review": ("r",), "gtin": ("978",), "artist": ("Fog", "Hue", "Cov"),
    }  # fmt: skip


def test_page_types_count_pictures_that_are_skipped(lib: Path, index: Path) -> None:
    """ComicInfo numbers every picture of an archive, also one that is not read, and one that came later."""
    pages = {f"{n}.png": plain(n * 40) for n in (2, 3)} | {"ComicInfo.xml": COMIC_INFO.encode()}
    for first, labels in (({}, ["cover", "story"]), ({"1.heic": b"x"}, ["story", "advertisement"])):
        cbz(lib / "x.cbz", {**first, **pages})
        build(lib, index, page_is_panel=True)
        with PanelIndex.open(index, encoder=GridEncoder()) as opened:
            assert [p.label for p in opened.browse()] == labels


@pytest.mark.parametrize(
    ("manga", "setting", "right_first"),
    [("YesAndRightToLeft", False, True), ("No", True, False), ("Yes", True, True), ("Unknown", False, False)],
)
def test_metadata_says_how_a_book_is_read(lib: Path, index: Path, manga: str, setting: bool, right_first: bool) -> None:
    """Panels that are found stand in the order of the book's metadata, else of the setting."""
    info = f"<ComicInfo><Manga>{manga}</Manga></ComicInfo>"
    cbz(lib / "x.cbz", {"1.png": drawn(3, 2), "ComicInfo.xml": info.encode()})
    build(lib, index, right_to_left=setting)
    first, second = panels(index)
    assert (first.box.x > second.box.x) is right_first


SPANS = [
    {"hash_code": "Book", "covers": [{"page_start": 1, "page_end": 1}], "stories": [{"page_start": 2, "page_end": 2}]}
]
LABELS: dict[str, Any] = {
    "flat": {"Book/1": "cover", "Book/2": "narrative", "Book/3": "Weird thing"},
    "nested": {"Book": {"1": "cover", "2": "story", "3": "weird thing"}},
    "spans": [SPANS[0] | {"back_covers": [{"page_start": 3, "page_end": 3}, {"page_start": "x"}], "art": 7}],
}


@pytest.mark.parametrize("form", LABELS)
def test_labels_filter_and_leave_out(lib: Path, index: Path, tmp_path: Path, form: str) -> None:
    """Labels of each form narrow a search; a build of the story only leaves others out, and takes them back."""
    for n in (1, 2, 3):
        put(lib / "Book" / f"{n}.png", plain(n * 40))
    put(lib / "Other" / "4.png", plain(200))
    labels = put(tmp_path / "labels.json", text_of(LABELS[form]))
    report = build(lib, index, annotations=[labels], page_is_panel=True)
    assert report.annotations["labelled"] == 3
    last = "back_cover" if form == "spans" else "weird thing"
    assert {p.page_path: p.label for p in panels(index)} == {
        "Book/1.png": "cover",
        "Book/2.png": "story",
        "Book/3.png": last,
        "Other/4.png": "",
    }
    encoder = GridEncoder()
    story = build(lib, index, encoder, story_only=True, page_is_panel=True)  # the labels are remembered
    assert (story.pages_excluded, story.pages_missing, story.panels) == (2, 2, 2)
    again = build(lib, index, encoder, page_is_panel=True)
    assert (again.pages_restored, again.panels, encoder.encoded) == (2, 4, 0)


def test_only_what_changed_is_encoded_again(lib: Path, index: Path) -> None:
    """A page with new text in a file of the book is encoded, the others are not; metadata costs no encoding."""
    names = ("a.png", "b.png")
    for n, name in enumerate(names):
        put(lib / "Book" / name, drawn(n, 1))
    pages = [mokuro(name)["pages"][0] for name in names]
    put(lib / "Book" / "v.mokuro", text_of(mokuro() | {"pages": pages}))
    put(lib / "Book" / "ComicInfo.xml", b"<ComicInfo><Series>One</Series></ComicInfo>")
    build(lib, index)
    pages[1]["blocks"][0]["lines"] = ["other words"]
    put(lib / "Book" / "v.mokuro", text_of(mokuro() | {"pages": pages}))
    encoder = GridEncoder()
    report = build(lib, index, encoder)
    assert (report.pages_changed, report.pages_unchanged, encoder.encoded) == (1, 1, 1)
    assert "other words" in by_place(index)["Book/b.png", 1].dialogue
    put(lib / "Book" / "ComicInfo.xml", b"<ComicInfo><Series>Two</Series><Writer>Ana</Writer></ComicInfo>")
    report = build(lib, index, encoder)
    assert (report.pages_unchanged, encoder.encoded) == (2, 1)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        book = opened.books()[0]
        assert opened.metadata(book.id)["series"] == ("Two",)
        assert opened.count({"writer": "ana"}) == 2
    (lib / "Book" / "ComicInfo.xml").unlink()
    build(lib, index, encoder)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert "writer" not in opened.metadata(book.id)
    assert encoder.encoded == 1


def test_an_entry_of_a_collection_changes(lib: Path, index: Path, tmp_path: Path) -> None:
    """Its pages are encoded again, and only they; a build without annotations removes their text."""
    for name in ("1.png", "2.png"):
        put(lib / "Book" / name, drawn(int(name[0]), 1))
        put(tmp_path / "cache" / "Book" / name.replace("png", "json"), text_of(vlm()))
    encoder = GridEncoder()
    build(lib, index, encoder, annotations=[tmp_path / "cache"])
    assert encoder.encoded == 4
    put(tmp_path / "cache" / "Book" / "2.json", text_of(structured(True)))
    changed = vlm()
    changed["panels"][0]["text_content"][0]["text"] = "new words"
    put(tmp_path / "cache" / "Book" / "1.json", text_of(changed))
    build(lib, index, encoder)
    assert encoder.encoded == 8
    assert by_place(index)["Book/1.png", 1].dialogue == "new words"
    assert build(lib, index, encoder).pages_unchanged == 2
    build(lib, index, encoder, annotations=[])
    assert {p.dialogue for p in panels(index)} == {""}


def test_who_is_trusted_first(lib: Path, index: Path, tmp_path: Path) -> None:
    """The page's own file, then the files in the book (ACBF first), then those of the collection, then the finder."""
    other = [20, 20, 160, 100]
    sources = {
        "own": lambda: put(lib / "Book" / "1.json", stage1([None], [[20, 20, 160, 50]])),
        "acbf": lambda: put(lib / "Book" / "b.acbf", acbf("1.png").encode()),
        "kumiko": lambda: put(
            lib / "Book" / "k.json", text_of(kumiko("1.png")[:1] and [kumiko("1.png")[0] | {"panels": [other]}])
        ),
    }
    put(lib / "Book" / "1.png", drawn(1, 1))
    put(tmp_path / "cache" / "Book" / "1.json", stage1([None], [[20, 20, 160, 200]]))
    build(lib, index, annotations=[tmp_path / "cache"])
    assert [p.box.h for p in panels(index)] == [200]
    for name, heights in (("kumiko", [100]), ("acbf", [260, 260]), ("own", [50])):
        sources[name]()
        build(lib, index)
        assert [p.box.h for p in panels(index)] == heights, name


@pytest.mark.parametrize(
    ("name", "data", "remark"),
    [
        ("ComicInfo.xml", b"<ComicInfo><Series>", "damaged XML"),
        ("ComicInfo.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><ComicInfo><Series>&a;</Series></ComicInfo>', "entities"),
        ("x.mokuro", b'{"pages": [{"img_path": "1.png", "blocks": []}, {"img', "is cut off"),
        ("x.acbf", b"<ACBF><body>", "damaged XML"),
    ],
)
def test_damage_is_named_and_costs_nothing_else(lib: Path, index: Path, name: str, data: bytes, remark: str) -> None:
    """A file that cannot be understood leaves a note with its name; the book is read all the same."""
    for path, content in (("1.png", drawn(1, 1)), (name, data)):
        put(lib / "Night Harbor 3" / path, content)
    report = build(lib, index, page_is_panel=True)
    assert report.panels == 1
    assert [path for path, note in report.warnings if remark in note] == [f"Night Harbor 3/{name}"]
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.count({"series": "night harbor", "number": "3"}) == 1


def test_annotations_that_are_missing_or_nothing(lib: Path, index: Path, tmp_path: Path) -> None:
    """A missing path is refused with a hint; a file of unknown format is reported."""
    put(lib / "1.png", drawn(1, 1))
    with pytest.raises(SourceError, match="none: the annotations are missing") as error:
        build(lib, index, annotations=[tmp_path / "none"])
    assert error.value.path == str(tmp_path / "none")
    assert str(error.value.hint).endswith("or build with --no-annotations")
    nothing = put(tmp_path / "recipe.txt", b"two eggs")
    report = build(lib, index, annotations=str(nothing))
    assert report.warnings == ((str(nothing), "unknown annotation format; not used"),)
    nothing.unlink()
    with pytest.raises(SourceError, match="the annotations are missing") as error:
        build(lib, index)
    assert str(error.value.hint).startswith("put them back")
    assert build(lib, index, annotations=[]).panels == 1


def test_story_only_may_leave_nothing(lib: Path, index: Path) -> None:
    """The error names labels as the reason."""
    cbz(lib / "x.cbz", {"1.png": plain(9), "ComicInfo.xml": COMIC_INFO.encode()})
    with pytest.raises(SourceError, match="1 pages have another label than story"):
        build(lib, index, story_only=True, page_is_panel=True)


def test_a_plain_acbf_book(lib: Path, index: Path) -> None:
    """A book in one document has its images, its frames and its text."""
    import base64

    out = io.BytesIO()
    Image.new("RGB", SIZE, (9, 90, 200)).save(out, "PNG")
    picture = base64.b64encode(out.getvalue()).decode()
    whole = acbf("#p.png").replace(
        "</body>", f'</body><data><binary id="p.png" content-type="image/png">{picture}</binary></data>'
    )
    put(lib / "book.acbf", whole.encode())
    build(lib, index)
    found = panels(index)
    assert [(p.box.as_list(), p.dialogue) for p in found] == [(LEFT, WORDS[0]), (RIGHT, WORDS[1])]


def test_words_in_the_language_asked_for(lib: Path, index: Path) -> None:
    """Of text in several languages that of the build is indexed; another language encodes the pages again."""
    cbz(lib / "x.cbz", {"page_0003.png": drawn(1, 1), "x.acbf": acbf().encode()})
    encoder = GridEncoder()
    for language, words in (("fr", ["éteinte", "rame"]), ("en", list(WORDS)), ("de", list(WORDS))):
        build(lib, index, encoder, language=language)
        assert [p.dialogue for p in panels(index)] == words
    assert encoder.encoded == 4


def test_options_that_make_no_sense(lib: Path, index: Path) -> None:
    """An unknown option is refused before anything is made."""
    with pytest.raises(UsageError):
        build(lib, index, annotation=["x"])
