"""Text that is read later: pictures of all pages first, then words, with the same index in the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder import build_index, session
from index_builder.dialogue import ocr_engine
from index_builder.dialogue.lines import Line
from index_builder.write import encode
from retrieval import Panel, PanelIndex, View, verify_index
from retrieval.encoder import load_encoder
from retrieval.encoder.protocol import Encoder
from retrieval.errors import SourceError, UsageError
from retrieval.store.layout import open_vectors
from tests.building.library import content, page, put
from tests.building.test_interrupted import Stopped, stop_at
from tests.conftest import GridEncoder

WORDS = ("the lantern went out", "nobody was there", "", "who turned the key")


@pytest.fixture(scope="module")
def small() -> Encoder:
    return load_encoder("small")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """An engine that finds a line in each of three panels; a list of the pages it read."""
    pages: list[int] = []

    def recognize(_: Any, page: Any) -> list[Line]:
        pages.append(1)
        height, width = page.shape[:2]
        lines = []
        for place, words in enumerate(WORDS):
            x, y = (0.1 + 0.5 * (place % 2)) * width, (0.1 + 0.5 * (place // 2)) * height
            corners = ((x, y), (x + 0.3 * width, y), (x + 0.3 * width, y + 12), (x, y + 12))
            lines += [Line(corners, words, 0.99)] if words else []
        return lines

    monkeypatch.setattr(ocr_engine.OcrEngine, "__init__", lambda *_: None)
    monkeypatch.setattr(ocr_engine.OcrEngine, "recognize", recognize)
    ocr_engine.load_engine.cache_clear()
    yield pages
    ocr_engine.load_engine.cache_clear()


@pytest.fixture
def comics(lib: Path) -> Path:
    """Six pages in two books; the first panel of one page has annotated text, and one page has all."""
    for n in range(6):
        page(lib / f"book {n % 2}" / str(n), n, ["annotated", None, None, None] if n == 3 else [None] * 4)
    page(lib / "book 0" / "9", 9, ["a", "b", "c", "d"])
    return lib


def build(comics: Path, index: Path, encoder: Encoder, **options: Any) -> Any:
    return build_index([comics], index, encoder=encoder, **{"workers": 0, "batch_size": 8} | options)


def panels(index: Path) -> list[Panel]:
    """Return all panels in order."""
    with PanelIndex.open(index) as opened:
        return opened.browse(k=1000)


def vectors(index: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return all vectors of each panel, by page and number."""
    found = {}
    with PanelIndex.open(index) as opened:
        store = open_vectors(index, opened.catalog.settings())
        for panel in opened.browse(k=1000):
            row = np.array([panel.vector_row], np.int64)
            streams = {view: store.read(view, row) for view in View}
            streams["regions"] = store.read_regions(row)  # type: ignore[index]
            found[panel.page_path, panel.number] = {"gate": panel.gate, **streams}
    return found


def test_the_index_is_that_of_one_pass(comics: Path, index: Path, small: Encoder, read: list[int]) -> None:
    """The same panels, words and vectors; image and region vectors to the bit, fused ones to their rounding."""
    later = build(comics, index, small, ocr="later")
    assert len(read) == 6
    other = index.with_name("now.index")
    now = build(comics, other, small, ocr="now")
    assert len(read) == 12
    assert [(p.page_path, p.number, p.dialogue, p.text_source) for p in panels(index)] == [
        (p.page_path, p.number, p.dialogue, p.text_source) for p in panels(other)
    ]
    assert sum(p.dialogue != "" for p in panels(index)) == 3 * 6 + 4
    ours, theirs = vectors(index), vectors(other)
    for place, streams in theirs.items():
        for name, expected in streams.items():
            exact = name in (View.PICTURE, "regions", View.DIALOGUE)
            assert np.allclose(ours[place][name], expected, atol=0 if exact else 1e-3), (place, name)
        assert (ours[place][View.FUSED] @ streams[View.FUSED].T).item() > 0.99999
    assert (later.pages_new, later.pages_changed, later.encoded, later.ocr.pages) == (7, 0, now.encoded, 6)
    assert (now.pages_new, now.pages_changed, now.ocr.pages) == (7, 0, 6)
    assert verify_index(index, encoder=small).problems == ()


def test_pictures_are_found_before_any_page_is_read(
    comics: Path, index: Path, small: Encoder, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that is stopped while it reads can be searched by picture; the next one reads the rest."""
    with monkeypatch.context() as patch:
        patch.setattr(encode, "_PANELS_PER_COMMIT", 4)
        stop_at(patch, encode, "encode_texts", 2)
        with pytest.raises(Stopped):
            build(comics, index, small, ocr="later", batch_size=4)
    with PanelIndex.open(index, encoder=small) as opened:
        panel = opened.browse(k=1)[0]
        assert opened.search(image=opened.panel_image(panel))[0].panel.id == panel.id
        assert opened.count() == 28
    before = len(read)
    report = build(comics, index, small)
    assert before < 6
    assert report.encoded == 0
    assert sum(p.dialogue != "" for p in panels(index)) == 3 * 6 + 4
    assert verify_index(index, encoder=small).problems == ()


def test_text_of_an_index_without_any(comics: Path, index: Path, small: Encoder, read: list[int]) -> None:
    """A build with OCR after one without encodes only words, and keeps ids, images and thumbnails."""
    build(comics, index, small, ocr=False)
    before = {p.id: p for p in panels(index)}
    report = build(comics, index, small)
    assert (report.encoded, report.pages_changed, len(read)) == (0, 6, 6)
    after = {p.id: p for p in panels(index)}
    assert set(before) == set(after)
    silent = [p for p in after.values() if not p.dialogue]
    assert all(before[p.id].vector_row == p.vector_row for p in silent)
    assert len(silent) == 6
    assert build(comics, index, small).pages_unchanged == 7


def test_a_page_with_other_panels_is_encoded_again(
    comics: Path, index: Path, small: Encoder, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a vector is damaged or a length unknown; each page is read once."""
    build(comics, index, small, ocr=False)
    monkeypatch.setattr(encode, "text_page", lambda *_: None)
    report = build(comics, index, small)
    assert (report.encoded, report.pages_changed, report.ocr.pages, len(read)) == (24, 6, 6, 6)


def test_an_encoder_that_needs_images(comics: Path, index: Path, read: list[int]) -> None:
    """The second pass encodes the panels again, with the same index in the end."""
    report = build(comics, index, GridEncoder(), ocr="later")
    assert (report.pages_new, report.pages_changed, len(read)) == (7, 0, 6)
    other = index.with_name("now.index")
    build(comics, other, GridEncoder(), ocr="now")
    assert content(index) == content(other)
    assert verify_index(index, encoder=GridEncoder()).problems == ()


@pytest.mark.parametrize(("pages", "passes"), [(6, 1), (5, 2)])
def test_the_default_is_later_where_many_pages_have_to_be_read(
    comics: Path, index: Path, read: list[int], monkeypatch: pytest.MonkeyPatch, pages: int, passes: int
) -> None:
    """Pages with an annotation do not count: they may need no reading."""
    for file in comics.rglob("*.json"):
        if file.stem not in ("3", "9"):
            file.unlink()
    monkeypatch.setattr(session, "LATER_PAGES", pages - 1)
    stages: list[str] = []
    build(comics, index, GridEncoder(), progress=lambda progress: stages.append(progress.stage))
    assert ("read" in stages) is (passes == 2)


def test_when_ocr_runs_is_checked(comics: Path, index: Path) -> None:
    with pytest.raises(UsageError, match="ocr"):
        build(comics, index, GridEncoder(), ocr="sometimes")


def test_nothing_that_can_be_read(lib: Path, index: Path, read: list[int]) -> None:
    """No generation without a panel is published, and the error is that of one pass."""
    put(lib / "book" / "1.png", b"\x89PNG\r\n\x1a\n no picture")
    with pytest.raises(SourceError, match="no page could be indexed"):
        build(lib, index, GridEncoder(), ocr="later")
    assert not (index / "generations").exists()


def test_texts_next_to_vectors_that_are_not_numbers(
    comics: Path, index: Path, small: Encoder, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new page without usable vectors is skipped; the texts of the same batch are written."""
    build(comics, index, small, ocr=False)
    page(comics / "book 1" / "8", 8, [None] * 4)
    whole = type(small).encode

    def broken(self: Any, panels: Any, **options: Any) -> Any:
        found = whole(self, panels, **options)
        found.picture[:] = np.nan
        return found

    with monkeypatch.context() as patch:
        patch.setattr(type(small), "encode", broken)
        report = build(comics, index, small, ocr="now", batch_size=64)
    assert len(report.skipped) == 1
    assert sum(p.dialogue != "" for p in panels(index)) == 3 * 6 + 4
