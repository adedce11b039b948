"""Folders, archives and annotations in the index: every panel with its page, box and text."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval import PanelIndex
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from tests.building.library import SIZE, build, by_place, cbz, drawn, page, panels, plain, put, stage1
from tests.conftest import GridEncoder, draw_page, panel_boxes


def test_nested_folders_and_archives_are_books(lib: Path, index: Path) -> None:
    """Each folder that holds pages and each CBZ is one book, with a title, a path and its counts."""
    page(lib / "Frogs" / "1", 1, ["ribbit", "", "", ""])
    page(lib / "Frogs" / "night" / "1", 2)
    page(lib / "Frogs" / "night" / "2", 3)
    cbz(lib / "Storm.cbz", {"1.png": drawn(4), "1.json": stage1(["thunder", "", "", ""])})
    report = build(lib, index)
    assert (report.books, report.pages, report.panels, report.panels_with_dialogue) == (3, 4, 16, 2)
    with PanelIndex.open(index) as opened:
        books = {b.path: (b.title, b.book_format, b.pages, b.panels, b.source) for b in opened.books()}
    assert books == {
        "Frogs": ("Frogs", "folder", 1, 4, str(lib)),
        "Frogs/night": ("night", "folder", 2, 8, str(lib)),
        "Storm.cbz": ("Storm", "cbz", 1, 4, str(lib)),
    }


def test_provenance_of_every_panel(lib: Path, index: Path) -> None:
    """Book, page, panel, box, text, path and page size of every panel are those of the annotation."""
    texts = {name: [f"{name} says {n}" if n % 2 else "" for n in range(1, 5)] for name in "ab"}
    for seed, name in enumerate("ab"):
        page(lib / "Tale" / name, seed, texts[name])
    build(lib, index)
    found = by_place(index)
    assert len(found) == 8
    for number, name in enumerate("ab", 1):
        for place, box in enumerate(panel_boxes(4, SIZE), 1):
            panel = found[f"Tale/{name}.png", place]
            assert (panel.book, panel.page_number, panel.number) == ("Tale", number, place)
            assert tuple(panel.box.as_list()) == box
            assert panel.dialogue == texts[name][place - 1]
            assert (panel.page_width, panel.page_height) == SIZE
            assert panel.gate == ((0.5, 0.5, 0.0) if panel.dialogue else (1.0, 0.0, 0.0))


def test_pictures_come_from_the_right_place(lib: Path, index: Path) -> None:
    """A hit's picture is the panel's pixels and its thumbnail shows the same, from a folder and from an archive."""
    put(lib / "a" / "1.png", drawn(1))
    put(lib / "a" / "1.json", stage1([""] * 4))
    cbz(lib / "b.cbz", {"p/1.png": drawn(2), "p/1.json": stage1([""] * 4)})
    build(lib, index)
    drawings = {"a/1.png": draw_page(1, 4, SIZE), "b.cbz/p/1.png": draw_page(2, 4, SIZE)}
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for panel in opened.browse(k=100):
            x, y, w, h = panel.box.as_list()
            cut = np.asarray(drawings[panel.page_path].crop((x, y, x + w, y + h)))
            assert np.array_equal(np.asarray(opened.panel_image(panel)), cut)
            small = np.asarray(Image.open(io.BytesIO(opened.thumbnail(panel))).convert("RGB"), np.int16)
            assert np.abs(small - cut).mean() < 12  # WebP loses a little
        assert opened.page_image(opened.browse()[0].page_id).size == SIZE


def test_every_panel_is_found_by_its_own_crop(lib: Path, index: Path) -> None:
    """Each indexed panel is the first hit of its own crop, with score 1."""
    for n in range(8):
        page(lib / f"book {n % 2}" / str(n), n, [""] * 6)
    build(lib, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for panel in opened.browse(k=100):
            first = opened.search(image=opened.panel_image(panel), k=1)[0]
            assert (first.panel.id, first.rank) == (panel.id, 1)
            assert first.score >= 0.999


def test_pages_come_in_natural_order(lib: Path, index: Path) -> None:
    """Page 2 comes before page 10, in folders and in archives."""
    names = ["p1.png", "p2.png", "p10.png"]
    for place, name in enumerate(names):
        put(lib / "a" / name, plain(place * 40))
    cbz(lib / "b.cbz", {name: plain(place * 40 + 7) for place, name in reversed(list(enumerate(names)))})
    build(lib, index, page_is_panel=True)
    assert [(p.page_path, p.page_number) for p in panels(index)] == [
        (f"{book}/{name}", place) for book in ("a", "b.cbz") for place, name in enumerate(names, 1)
    ]


def test_equal_page_names_in_two_books(lib: Path, index: Path) -> None:
    """Two books with the same page names, and two sources with the same book, stay apart."""
    other = lib.parent / "other"
    for seed, folder in enumerate([lib / "A", lib / "B", other / "A"]):
        page(folder / "1", seed, [f"voice {seed}", "", "", ""])
    report = build([lib, other], index)
    assert (report.books, report.pages, report.panels) == (3, 3, 12)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for seed, (source, book) in enumerate([(lib, "A"), (lib, "B"), (other, "A")]):
            (panel,) = [h.panel for h in opened.search(text=f"voice {seed}", k=1)]
            assert panel.book == book
            where = {"source": str(source), "book": book}
            assert [h.panel.id for h in opened.search(text=f"voice {seed}", where=where)] == [panel.id]


def test_unicode_names(lib: Path, index: Path) -> None:
    """Books and pages may have any name, and are read again by it."""
    names = ["夜の港/頁 1", "Ça va?/été", "emoji 🐸/it's 100%_\\ done", "Ω'; DROP TABLE panel;--/1"]
    for seed, name in enumerate(names):
        page(lib / name, seed, ["hello", "", "", ""])
    report = build(lib, index)
    assert report.skipped == ()
    assert {p.page_path for p in panels(index)} == {f"{name}.png" for name in names}
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        for panel in opened.browse(k=100):
            assert opened.search(image=opened.panel_image(panel), k=1)[0].panel.id == panel.id


def test_the_detector_where_nothing_is_annotated(lib: Path, index: Path) -> None:
    """A page without annotation gets the boxes that are drawn on it, without text."""
    put(lib / "1.png", drawn(5, 4, (400, 600)))
    build(lib, index)
    found = panels(index)
    assert [p.number for p in found] == [1, 2, 3, 4]
    for panel, box in zip(found, panel_boxes(4, (400, 600)), strict=True):
        assert panel.box.as_list() == pytest.approx(box, abs=6)
        assert panel.dialogue == ""


def test_right_to_left(lib: Path, index: Path) -> None:
    """Detected panels are numbered from the right with `right_to_left`."""
    put(lib / "1.png", drawn(5, 4, (400, 600)))
    build(lib, index, right_to_left=True)
    boxes = panel_boxes(4, (400, 600))
    wanted = [boxes[i] for i in (1, 0, 3, 2)]
    for panel, box in zip(panels(index), wanted, strict=True):
        assert panel.box.as_list() == pytest.approx(box, abs=6)


def test_whole_pages(lib: Path, index: Path) -> None:
    """With `page_is_panel` a picture is one panel; an annotation still counts."""
    put(lib / "1.png", drawn(5))
    page(lib / "2", 6, ["one", "two", "", ""])
    build(lib, index, page_is_panel=True)
    assert [(p.page_path, p.box.as_list()) for p in panels(index)] == [
        ("1.png", [0, 0, *SIZE]),
        *[("2.png", list(box)) for box in panel_boxes(4, SIZE)],
    ]
    assert _origins(index) == ["page"] + ["annotation"] * 4


def test_a_picture_without_gutters_is_one_panel(lib: Path, index: Path) -> None:
    """If no panel is detected, the full page is the panel, and the catalog has that as its source."""
    put(lib / "1.png", plain(90, (60, 60)))
    build(lib, index)
    assert [p.box.as_list() for p in panels(index)] == [[0, 0, 60, 60]]
    assert _origins(index) == ["page"]


def _origins(index: Path) -> list[str]:
    with Catalog.open(catalog_url(index)) as catalog, catalog.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT box_source FROM panel JOIN page ON page_id = page.id ORDER BY page.number, panel.number"
        )
        return [row[0] for row in rows]


def test_a_wordless_library(lib: Path, index: Path) -> None:
    """Without any text the dialogue view is empty, and searching it returns no hit instead of an error."""
    page(lib / "1", 1)
    report = build(lib, index)
    assert report.views["dialogue"] == {"index_type": "exact", "panels": 0, "recall_at_10": None}
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="hello") == []
        assert opened.search(text="hello", where={"page": 1}) == []
        assert len(opened.search(text="hello", view="picture")) == 4


def test_boxes_over_the_edge(lib: Path, index: Path) -> None:
    """A box that reaches over the page is kept as annotated; its picture is what lies on the page."""
    put(lib / "1.png", drawn(1))
    put(lib / "1.json", stage1(["a", "b"], [(-20, -10, 100, 100), (150, 250, 200, 200)]))
    build(lib, index)
    found = panels(index)
    assert [p.box.as_list() for p in found] == [[-20, -10, 100, 100], [150, 250, 200, 200]]
    with PanelIndex.open(index) as opened:
        assert [opened.panel_image(p).size for p in found] == [(100, 100), (50, 50)]


def test_a_page_whose_boxes_show_nothing_is_told(lib: Path, index: Path) -> None:
    """A page all of whose boxes are thinner than a pixel is found by other means, or else named."""
    put(lib / "1.png", drawn(1))
    put(lib / "1.json", stage1([""], [(10.1, 10.1, 0.2, 0.2)]))
    page(lib / "other" / "1", 2)
    report = build(lib, index)
    found = [p.page_path for p in panels(index)]
    assert found.count("other/1.png") == 4
    assert "1.png" in found or any("1.png" in path for path, _ in report.warnings + report.skipped)


def test_a_batch_without_any_panel(lib: Path, index: Path) -> None:
    """The encoder is not bothered with a batch in which no page has a panel."""
    page(lib / "1", 1)
    build(lib, index)
    put(lib / "2.png", drawn(1))
    put(lib / "2.json", stage1([""], [(10.1, 10.1, 0.2, 0.2)]))
    build(lib, index)
    assert len(panels(index)) >= 4


def test_a_single_picture_is_a_source(lib: Path, index: Path) -> None:
    """A picture given by itself is a book of one page, together with its annotation."""
    page(lib / "cover", 1, ["", "hark", "", ""])
    page(lib / "not me", 2)
    build(lib / "cover.png", index)
    assert [(p.book, p.page_number, p.page_path, p.dialogue) for p in panels(index)] == [
        ("cover", 1, "cover.png", text) for text in ("", "hark", "", "")
    ]
    with PanelIndex.open(index) as opened:
        assert opened.panel_image(panels(index)[0]).size == panel_boxes(4, SIZE)[0][2:]


def test_orientation_is_applied(lib: Path, index: Path) -> None:
    """A photograph that lies on its side is indexed upright, as it is shown."""
    upright = draw_page(3, 2, (200, 120))
    side = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    side.save(lib / "1.png", exif=exif)
    build(lib, index, page_is_panel=True)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        (hit,) = opened.search(image=upright)
        assert (hit.panel.page_width, hit.panel.page_height) == (200, 120)
        assert hit.score > 0.999


def test_the_form_of_the_real_comics(lib: Path, index: Path) -> None:
    """JSON with `width`, `height` and `reading_direction` is read like the training form."""
    put(lib / "1.png", drawn(1))
    annotation = b'{"width": 200, "height": 300, "reading_direction": "rtl", "panels": ['
    annotation += b'{"bbox": [20, 20, 70, 120], "text": ["two", "lines"]}, {"bbox": [110, 20, 70, 120], "text": null}]}'
    put(lib / "1.json", annotation)
    build(lib, index)
    assert [(p.number, p.dialogue) for p in panels(index)] == [(1, "two lines"), (2, "")]


def test_damaged_annotation_is_noted_and_the_detector_steps_in(lib: Path, index: Path) -> None:
    """JSON that cannot be read costs the annotation, not the page."""
    put(lib / "1.png", drawn(5, 4, (400, 600)))
    put(lib / "1.json", b"{")
    report = build(lib, index)
    assert len(panels(index)) == 4
    ((path, note),) = report.warnings
    assert path == "1.png"
    assert "JSON" in note
