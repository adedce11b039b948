"""Pages are read by the real engine, once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from index_builder import BuildReport, build_index
from index_builder.dialogue import ocr, ocr_cache, ocr_engine
from index_builder.dialogue.ocr_cache import ReadingCache
from index_builder.dialogue.ocr_engine import load_engine
from index_builder.dialogue.tiles import pieces, read_page_lines, reading_scale, without_twins
from retrieval import PanelIndex
from retrieval.errors import OcrError, UsageError
from retrieval.records import Panel
from tests.building.library import panels as panels_of
from tests.building.library import put, stage1
from tests.conftest import GridEncoder
from tests.dialogue.lettering import lettered, line, pixels

BOXES = [(10, 10, 880, 500), (10, 600, 880, 600)]


@pytest.fixture
def comics(tmp_path: Path) -> Path:
    """A page without annotation, and one whose first panel's words are given and second's are not known."""
    folder = tmp_path / "comics" / "book"
    folder.mkdir(parents=True)
    lettered([(60, 60, "Who moved the moon?"), (60, 900, "Not me, honestly.")]).save(folder / "1.png")
    lettered([(60, 60, "printed otherwise"), (60, 900, "The second panel\nspeaks up.")]).save(folder / "2.png")
    put(folder / "2.json", stage1(["as annotated", None], BOXES, (900, 1300)))
    return folder.parent


def build(comics: Path, **options: object) -> BuildReport:
    chosen = {"workers": 0, "page_is_panel": True} | options
    return build_index([comics], comics.parent / "my.index", encoder=GridEncoder(), **chosen)  # type: ignore[arg-type]


def indexed(comics: Path) -> list[Panel]:
    return panels_of(comics.parent / "my.index")


@pytest.fixture
def count_readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every page that the engine reads."""
    pages: list[int] = []
    read = ocr_engine.Engine.read
    monkeypatch.setattr(ocr_engine.Engine, "read", lambda self, page: (pages.append(1), read(self, page))[1])
    return pages


def test_words_are_read_where_no_annotation_tells_them(comics: Path) -> None:
    """From page to hit: read words are found, annotated ones win, each panel says where its words are from."""
    report = build(comics)
    assert (report.ocr.pages, report.ocr.cached, report.warnings) == (2, 0, ())
    assert report.ocr.words == 7 + 5
    assert report.ocr.seconds > 0
    assert report.ocr.engine.startswith("rapidocr 3.")
    said = [(p.page_number, p.dialogue.replace("\n", " "), p.text_source) for p in indexed(comics)]
    assert said == [
        (1, "Who moved the moon? Not me, honestly.", "ocr"),
        (2, "as annotated", "annotation"),
        (2, "The second panel speaks up.", "ocr"),
    ]
    with PanelIndex.open(comics.parent / "my.index", encoder=GridEncoder()) as index:
        assert index.search(text="second panel speaks", k=1)[0].panel.page_number == 2


def test_a_page_is_never_read_twice(comics: Path, count_readings: list[int]) -> None:
    """Not by a second build, not when its boxes change, not under another name, not in another language."""
    build(comics)
    assert len(count_readings) == 2
    assert build(comics).encoded == 0
    put(comics / "book" / "2.json", stage1([None], BOXES[1:], (900, 1300)))
    (comics / "book" / "1.png").rename(comics / "book" / "0.png")
    report = build(comics, language="en")
    assert len(count_readings) == 2
    assert report.pages_moved == 1  # the renamed page takes its words along, unasked
    assert (report.ocr.pages, report.ocr.cached, report.ocr.seconds) == (0, 1, 0.0)
    again = build(comics, language="en").ocr
    assert (again.pages, again.cached, len(count_readings)) == (0, 1, 2)
    assert indexed(comics)[1].dialogue == "printed otherwise\nThe second panel speaks up."


def test_without_ocr_nothing_is_read_and_nothing_is_lost(comics: Path, count_readings: list[int]) -> None:
    """Words stay unknown until a build reads them; a build without OCR leaves them as they are."""
    report = build(comics, ocr=False)
    assert (report.ocr.engine, report.ocr.pages, report.panels_with_dialogue) == ("", 0, 1)
    assert [p.text_source for p in indexed(comics)] == ["", "annotation", ""]
    ids = [p.id for p in indexed(comics)]
    assert build(comics).pages_changed == 2
    read = indexed(comics)
    assert [p.text_source for p in read] == ["ocr", "annotation", "ocr"]
    assert [p.id for p in read] == ids
    assert build(comics, ocr=False).encoded == 0
    assert [p.dialogue for p in indexed(comics)] == [p.dialogue for p in read]
    assert len(count_readings) == 2


def test_only_what_is_missing_is_read(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update of the engine, what was read before stays where that is asked for; else it is read anew."""
    build(comics)
    lettered([(60, 60, "A third page.")]).save(comics / "book" / "3.png")
    build(comics, ocr=False)
    monkeypatch.setattr(ocr, "engine_name", lambda: "rapidocr 99")
    report = build(comics, keep_ocr=True)
    assert (report.ocr.pages, report.pages_changed, report.pages_unchanged) == (1, 1, 2)
    assert [p.dialogue for p in indexed(comics)][-1] == "A third page."
    assert build(comics).ocr.pages == 2


def test_the_language_of_an_index_stays(comics: Path) -> None:
    """A later build need not say it again; one without a model is refused with those that have one."""
    build(comics, language="en-GB")
    assert build(comics).encoded == 0
    with pytest.raises(UsageError, match=r"'ru'.*auto.*en.*ja"):
        build(comics, language="ru")
    with pytest.raises(UsageError, match="choose one"):
        build(comics, ocr=False, keep_ocr=True)


def test_a_page_the_engine_fails_on_is_indexed_and_tried_again(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words stay unknown, a note says so, and the next build reads it."""
    with monkeypatch.context() as broken:
        broken.setattr(ocr_engine.Engine, "_read", lambda *_: 1 / 0)
        report = build(comics)
    assert [("ZeroDivisionError" in note) for _, note in report.warnings] == [True, True]
    assert (report.pages, report.skipped, report.ocr.pages) == (2, (), 0)
    assert build(comics).ocr.pages == 2


def test_a_missing_engine_is_named_with_the_way_out(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are not in the wheel are never looked for elsewhere: the sentence says what to do."""
    monkeypatch.setattr(ocr_engine, "_DETECTS", "none.onnx")
    with pytest.raises(OcrError, match=r"no none\.onnx in .*--no-ocr"):
        ocr_engine.Engine(1)


def test_nothing_loads_without_need(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is asked for only by a page whose words nobody told."""
    monkeypatch.setattr(ocr, "load_engine", lambda _: pytest.fail("the engine was loaded"))
    put(comics / "book" / "1.json", stage1(["told", ""], BOXES, (900, 1300)))
    put(comics / "book" / "2.json", stage1(["told", "too"], BOXES, (900, 1300)))
    assert build(comics).warnings == ()
    assert [p.text_source for p in indexed(comics)] == ["annotation"] * 4


def test_a_damaged_cache_costs_only_the_reading(comics: Path, count_readings: list[int]) -> None:
    """It is derived: begun anew where it cannot be read, and ignored where a row cannot."""
    build(comics)
    path = comics.parent / "my.index" / ocr_cache.NAME
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE reading SET lines = x'00'")
    connection.close()
    build(comics, language="en")
    assert len(count_readings) == 4
    path.write_bytes(b"no database" * 100)
    build(comics, language="de")
    assert len(count_readings) == 6
    build(comics, language="en")
    assert len(count_readings) == 6


def test_what_was_read_is_kept_exactly(tmp_path: Path) -> None:
    """Lines come back as they went in, to a tenth of a pixel; another engine's are not given out."""
    store = ReadingCache(tmp_path)
    assert store.get(b"page", "one") is None
    lines = [line("\u00e9 \u5b87 \U0001f600", 1.5, 2.5, score=0.5), line("", 0, 0, w=1)]
    store.put(b"page", "one", lines, 1.0)
    assert store.get(b"page", "one") == lines
    assert store.get(b"page", "two") is None
    store.put(b"page", "two", [], 1.0)
    assert (store.get(b"page", "one"), store.get(b"page", "two")) == (None, [])


def test_strips_are_read_in_pieces_and_every_line_once() -> None:
    """Lines of a strip ten times as long as wide come back each once, in place."""
    texts = [(40, 50 + 800 * i, f"line number {i}") for i in range(4)]
    strip = lettered(texts, (320, 3200), height=20)
    found = load_engine(1).read(pixels(strip))
    assert [found_line.text for found_line in found] == [text for _, _, text in texts]
    assert all(abs(found_line.box.y - y) < 20 for found_line, (_, y, _) in zip(found, texts, strict=True))


def test_a_line_cut_by_a_piece_is_taken_from_its_neighbour() -> None:
    """A stand-in engine that sees one long line wherever it looks: halves at the cut are dropped, twins joined."""
    shape = (1200, 4000, 3)  # read as it is, in the pieces 0-2400 and 1920-4000
    seen = []

    def read(part: np.ndarray) -> list:
        seen.append(part.shape[1])
        start = 0 if len(seen) == 1 else 1920
        left, right = max(2200 - start, 0), min(2700 - start, part.shape[1])
        return [line("one long line", left, 40, w=right - left)] if right > left else []

    found = read_page_lines(np.zeros(shape, np.uint8), read)
    assert [found_line.box.x for found_line in found] == [2200]


@pytest.mark.parametrize(
    ("size", "scale"),
    [((1000, 1400), 1.0), ((300, 450), 2.0), ((600, 900), 4 / 3), ((4000, 6000), 1 / 3), ((800, 90_000), 1.0)],
)
def test_pages_are_read_at_a_size_where_letters_are_clear(size: tuple[int, int], scale: float) -> None:
    """Small pages are enlarged, large ones reduced, strips judged by their width."""
    assert reading_scale((size[1], size[0], 3)) == pytest.approx(scale)


def test_pieces_cover_the_page_and_overlap() -> None:
    """Every pixel is in a piece, along the longer side."""
    for width, height in ((10, 10), (1500, 2000), (800, 10_000), (9000, 700), (2401, 20)):
        covered = [(p.left, p.right) if width > height else (p.top, p.bottom) for p in pieces(width, height)]
        assert (covered[0][0], covered[-1][1]) == (0, max(width, height))
        assert all(before[1] - after[0] >= 400 for before, after in pairwise(covered))


def test_twins_are_joined_and_neighbours_stay() -> None:
    """The longer of two readings of one place stays."""
    lines = [line("a short", 0, 0), line("a short line", 0, 1), line("below", 0, 30)]
    assert [found.text for found in without_twins(lines)] == ["a short line", "below"]


def test_importing_the_builder_loads_no_engine() -> None:
    """Neither RapidOCR nor ONNX Runtime comes with the imports of a build."""
    code = "import sys, index_builder.build; print([m for m in ('rapidocr', 'onnxruntime') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
