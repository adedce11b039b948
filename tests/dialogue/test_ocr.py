"""OCR by the real engine, once per page, with its lines stored in the index."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from index_builder import BuildReport, build_index
from index_builder.decode.executors import make_executor
from index_builder.decode.records import DecodedPage, DecodeSettings, PageTask
from index_builder.dialogue import OcrCacheWriter, OcrResult, OcrSettings, ocr, ocr_cache, ocr_engine
from index_builder.dialogue.ocr_cache import OcrCache
from index_builder.dialogue.ocr_engine import engine_name, load_engine
from index_builder.dialogue.tiles import drop_duplicates, ocr_scale, recognize_tiles, tiles
from retrieval import PanelIndex
from retrieval.books import DEFAULT_LIMITS
from retrieval.errors import OcrError, UsageError
from retrieval.records import Panel
from tests.building.library import panels as panels_of
from tests.building.library import put, stage1
from tests.conftest import GridEncoder
from tests.dialogue.lettering import lettered, line, pixels

BOXES = [(10, 10, 880, 500), (10, 600, 880, 600)]


@pytest.fixture
def comics(tmp_path: Path) -> Path:
    """Create a page without annotation, and one with annotated text for the first of its two panels."""
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
def ocr_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list with one entry for every page that the engine reads."""
    pages: list[int] = []
    recognize = ocr_engine.OcrEngine.recognize
    monkeypatch.setattr(
        ocr_engine.OcrEngine, "recognize", lambda self, page: (pages.append(1), recognize(self, page))[1]
    )
    return pages


def test_ocr_runs_on_panels_without_annotated_text(comics: Path) -> None:
    """OCR text is searchable, annotated text wins, and each panel has the source of its text."""
    report = build(comics)
    assert (report.ocr.pages, report.ocr.cached, report.warnings) == (2, 0, ())
    assert report.ocr.words == 7 + 5
    assert report.ocr.seconds > 0
    assert report.ocr.engine.startswith("rapidocr 3.")
    texts = [(p.page_number, p.dialogue.replace("\n", " "), p.text_source) for p in indexed(comics)]
    assert texts == [
        (1, "Who moved the moon? Not me, honestly.", "ocr"),
        (2, "as annotated", "annotation"),
        (2, "The second panel speaks up.", "ocr"),
    ]
    with PanelIndex.open(comics.parent / "my.index", encoder=GridEncoder()) as index:
        assert index.search(text="second panel speaks", k=1)[0].panel.page_number == 2


def test_ocr_runs_once_per_page(comics: Path, ocr_runs: list[int]) -> None:
    """A second build, changed boxes, another file name and another language all use the stored lines."""
    build(comics)
    assert len(ocr_runs) == 2
    assert build(comics).encoded == 0
    put(comics / "book" / "2.json", stage1([None], BOXES[1:], (900, 1300)))
    (comics / "book" / "1.png").rename(comics / "book" / "0.png")
    report = build(comics, language="en")
    assert len(ocr_runs) == 2
    assert report.pages_moved == 1  # the renamed page keeps its text
    assert (report.ocr.pages, report.ocr.cached, report.ocr.seconds) == (0, 1, 0.0)
    again = build(comics, language="en").ocr
    assert (again.pages, again.cached, len(ocr_runs)) == (0, 1, 2)
    assert indexed(comics)[1].dialogue == "printed otherwise\nThe second panel speaks up."


def test_a_build_without_ocr_keeps_existing_text(comics: Path, ocr_runs: list[int]) -> None:
    """Text is unknown until a build runs OCR; a later build without OCR keeps it."""
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
    assert len(ocr_runs) == 2


def test_ocr_only_for_missing_text(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an engine update, existing OCR text is kept if `keep_ocr` is set, else OCR runs again."""
    build(comics)
    lettered([(60, 60, "A third page.")]).save(comics / "book" / "3.png")
    build(comics, ocr=False)
    monkeypatch.setattr(ocr, "engine_name", lambda: "rapidocr 99")
    report = build(comics, keep_ocr=True)
    assert (report.ocr.pages, report.pages_changed, report.pages_unchanged) == (1, 1, 2)
    assert [p.dialogue for p in indexed(comics)][-1] == "A third page."
    assert build(comics).ocr.pages == 2


def test_the_language_of_an_index_stays(comics: Path) -> None:
    """A later build uses the same language; for a language without a model the hint lists those with one."""
    build(comics, language="en-GB")
    assert build(comics).encoded == 0
    with pytest.raises(UsageError, match="'ru'") as error:
        build(comics, language="ru")
    assert re.search(r"auto.*en.*ja", error.value.hint or "")
    with pytest.raises(UsageError, match="choose one"):
        build(comics, ocr=False, keep_ocr=True)


def test_a_page_is_indexed_if_ocr_fails_and_retried_by_the_next_build(
    comics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text stays unknown, a note reports it, and the next build runs OCR again."""
    with monkeypatch.context() as broken:
        broken.setattr(ocr_engine.OcrEngine, "_recognize", lambda *_: 1 / 0)
        report = build(comics)
    assert [("ZeroDivisionError" in note) for _, note in report.warnings] == [True, True]
    assert (report.pages, report.skipped, report.ocr.pages) == (2, (), 0)
    assert build(comics).ocr.pages == 2


def test_missing_models_are_an_error_with_a_hint(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are not in the wheel are not searched for elsewhere; the hint suggests a fix."""
    monkeypatch.setattr(ocr_engine, "_DETECTION_MODEL", "none.onnx")
    with pytest.raises(OcrError, match=r"models: the models none\.onnx of rapidocr .* are missing") as error:
        ocr_engine.OcrEngine(1)
    assert "--no-ocr" in (error.value.hint or "")


def test_the_engine_loads_only_if_needed(comics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages with annotated text do not load the engine."""
    monkeypatch.setattr(ocr, "load_engine", lambda _: pytest.fail("the engine was loaded"))
    put(comics / "book" / "1.json", stage1(["annotated", ""], BOXES, (900, 1300)))
    put(comics / "book" / "2.json", stage1(["annotated", "too"], BOXES, (900, 1300)))
    assert build(comics).warnings == ()
    assert [p.text_source for p in indexed(comics)] == ["annotation"] * 4


def test_a_damaged_cache_costs_only_another_ocr_run(comics: Path, ocr_runs: list[int]) -> None:
    """The cache is derived data: a damaged file is replaced, and a damaged row is ignored."""
    build(comics)
    path = comics.parent / "my.index" / ocr_cache.FILE
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE ocr_result SET lines = x'00'")
    connection.close()
    build(comics, language="en")
    assert len(ocr_runs) == 4
    path.write_bytes(b"no database" * 100)
    build(comics, language="de")
    assert len(ocr_runs) == 6
    build(comics, language="en")
    assert len(ocr_runs) == 6


def test_cached_lines_are_exact(tmp_path: Path) -> None:
    """Lines are stored to a tenth of a pixel, and returned only for the engine that read them."""
    cache = OcrCache(tmp_path)
    assert cache.get(b"page", "one") is None
    lines = (line("\u00e9 \u5b87 \U0001f600", 1.5, 2.5, score=0.5), line("", 0, 0, w=1))
    cache.put_many([OcrResult(b"page", "one", lines, 1.0), OcrResult(b"other page", "one", (), 1.0)])
    assert (cache.get(b"page", "one"), cache.get(b"other page", "one")) == (lines, ())
    assert cache.get(b"page", "two") is None
    cache.put_many([OcrResult(b"page", "two", (), 1.0)])
    assert (cache.get(b"page", "one"), cache.get(b"page", "two")) == (None, ())


def decode(comics: Path, index: Path, workers: int = 0) -> DecodedPage:
    """Decode the first page with OCR."""
    ocr_settings = OcrSettings(index, "auto", threads=1)
    settings = DecodeSettings({1: comics}, DEFAULT_LIMITS, page_is_panel=True, thumbnails=False, ocr=ocr_settings)
    task = PageTask(1, "book", "1.png", None, None, right_to_left=False)
    with make_executor(workers, settings) as executor:
        ((_, page),) = executor.decode([(None, task)])
    assert isinstance(page, DecodedPage)
    return page


@pytest.mark.parametrize("workers", [0, 1])
def test_decoding_returns_lines_and_never_writes_the_cache(comics: Path, tmp_path: Path, workers: int) -> None:
    """Lines come back with the page, also from a worker process, and say if they are from the cache."""
    index = tmp_path / "an index? 50%"
    index.mkdir()
    page = decode(comics, index, workers)
    assert page.ocr is not None
    assert [line.text for line in page.ocr.lines] == ["Who moved the moon?", "Not me, honestly."]
    assert page.ocr.engine == engine_name()
    assert page.ocr.page_sha256 == hashlib.sha256((comics / "book" / "1.png").read_bytes()).digest()
    assert page.ocr.seconds > 0
    assert not page.ocr.from_cache
    assert list(index.iterdir()) == []
    OcrCache(index).put_many([page.ocr])
    before = (index / ocr_cache.FILE).read_bytes()
    again = decode(comics, index, workers)
    assert again.ocr is not None
    assert (again.ocr.seconds, again.ocr.from_cache) == (0.0, True)
    assert [p.detected.text for p in again.panels or ()] == [p.detected.text for p in page.panels or ()]
    assert [path.name for path in index.iterdir()] == [ocr_cache.FILE]
    assert (index / ocr_cache.FILE).read_bytes() == before


def test_lines_are_committed_in_batches_and_after_an_error(tmp_path: Path) -> None:
    """Results are stored when a batch is full, on a flush, and if the work ends with an error."""
    cache = OcrCache(tmp_path)
    stored = []

    def store_until_interrupted() -> None:
        with OcrCacheWriter(tmp_path, pages_per_commit=2) as writer:
            for number in range(6):
                writer.add(OcrResult(bytes([number]), "one", (), 1.0))
                writer.add(None)
                if number == 2:
                    writer.flush()
                stored.append(sum(cache.get(bytes([n]), "one") is not None for n in range(6)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_until_interrupted()
    assert stored == [0, 2, 3, 3, 5, 5]
    assert cache.get(bytes([5]), "one") == ()


class FailingEncoder(GridEncoder):
    """Fails like a build that is stopped before it writes its first page."""

    def encode(self, panels: object, **options: object) -> object:
        raise KeyboardInterrupt


def test_an_interrupted_build_keeps_its_lines(comics: Path, ocr_runs: list[int]) -> None:
    """Lines of pages that were decoded and not yet written are stored; the next build does not run OCR again."""
    with pytest.raises(KeyboardInterrupt):
        build_index([comics], comics.parent / "my.index", encoder=FailingEncoder(), workers=0, page_is_panel=True)
    assert len(ocr_runs) == 2
    report = build(comics)
    assert (len(ocr_runs), report.ocr.pages, report.ocr.cached, report.pages) == (2, 0, 2, 2)


def test_a_killed_build_keeps_its_lines(comics: Path, ocr_runs: list[int]) -> None:
    """Lines are on disk before the pages with their text; a build killed in between does not run OCR again."""
    code = f"""
import os
from tests.conftest import GridEncoder
from index_builder import build_index
class Killed(GridEncoder):
    def encode(self, panels, **options):
        os.kill(os.getpid(), 9)
build_index([{str(comics)!r}], {str(comics.parent / "my.index")!r}, encoder=Killed(), workers=1, page_is_panel=True)
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert process.returncode == -9
    report = build(comics)
    assert (len(ocr_runs), report.ocr.pages, report.ocr.cached, report.pages) == (0, 0, 2, 2)


def test_equal_pages_of_one_build_need_one_ocr_run(comics: Path, ocr_runs: list[int]) -> None:
    """Without workers the lines of a page are stored before the next page is decoded."""
    (comics / "book" / "3.png").write_bytes((comics / "book" / "1.png").read_bytes())
    report = build(comics)
    assert (len(ocr_runs), report.ocr.pages, report.ocr.cached) == (2, 2, 1)


def test_every_line_of_a_long_strip_is_read_once() -> None:
    """A strip ten times as long as wide gives each line once, in page pixels."""
    texts = [(40, 50 + 800 * i, f"line number {i}") for i in range(4)]
    strip = lettered(texts, (320, 3200), height=20)
    lines = load_engine(1).recognize(pixels(strip))
    assert [line.text for line in lines] == [text for _, _, text in texts]
    assert all(abs(line.box.y - y) < 20 for line, (_, y, _) in zip(lines, texts, strict=True))


def test_a_line_cut_by_a_tile_is_taken_from_the_next_tile() -> None:
    """Lines that a tile cuts are dropped, and duplicates in the overlap are removed."""
    shape = (1200, 4000, 3)  # not resized, in the tiles 0-2400 and 1920-4000
    widths = []

    def recognize(tile: np.ndarray) -> list:
        widths.append(tile.shape[1])
        start = 0 if len(widths) == 1 else 1920
        left, right = max(2200 - start, 0), min(2700 - start, tile.shape[1])
        return [line("one long line", left, 40, w=right - left)] if right > left else []

    lines = recognize_tiles(np.zeros(shape, np.uint8), recognize)
    assert [line.box.x for line in lines] == [2200]


@pytest.mark.parametrize(
    ("size", "scale"),
    [((1000, 1400), 1.0), ((300, 450), 2.0), ((600, 900), 4 / 3), ((4000, 6000), 1 / 3), ((800, 90_000), 1.0)],
)
def test_pages_are_resized_for_ocr(size: tuple[int, int], scale: float) -> None:
    """Small pages are enlarged and large ones reduced; the size of a strip is its width."""
    assert ocr_scale((size[1], size[0], 3)) == pytest.approx(scale)


def test_tiles_cover_the_page_and_overlap() -> None:
    """Tiles cover the longer side and overlap by at least 400 pixels."""
    for width, height in ((10, 10), (1500, 2000), (800, 10_000), (9000, 700), (2401, 20)):
        covered = [(t.left, t.right) if width > height else (t.top, t.bottom) for t in tiles(width, height)]
        assert (covered[0][0], covered[-1][1]) == (0, max(width, height))
        assert all(before[1] - after[0] >= 400 for before, after in pairwise(covered))


def test_duplicate_lines_are_dropped() -> None:
    """The longer of two lines at the same position is kept."""
    lines = [line("a short", 0, 0), line("a short line", 0, 1), line("below", 0, 30)]
    assert [line.text for line in drop_duplicates(lines)] == ["a short line", "below"]


def test_importing_the_builder_loads_no_engine() -> None:
    """Importing `index_builder.build` imports neither RapidOCR nor ONNX Runtime."""
    code = "import sys, index_builder.build; print([m for m in ('rapidocr', 'onnxruntime') if m in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"
