"""Pages with low-confidence panels: also indexed as a whole, counted, and ranked below their panels."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from index_builder import page_panels
from retrieval import PanelIndex, load_encoder
from tests.building.library import build, by_place, drawn, panels, put, stage1
from tests.conftest import GridEncoder

SIZE = (400, 600)
WHOLE = [0, 0, *SIZE]


def low_confidence(seed: int) -> bytes:
    """Two framed panels above a figure without a frame, PNG: gutter shows around the figure, up to its box."""
    page = np.array(Image.open(io.BytesIO(drawn(seed, 6, SIZE))).convert("RGB"))
    page[400:] = 255
    page[430:450, 60:340] = page[540:560, 60:340] = 0
    page[430:560, 190:210] = 0
    stream = io.BytesIO()
    Image.fromarray(page).save(stream, "PNG")
    return stream.getvalue()


def origins(index: Path) -> list[tuple[str, bool]]:
    return [(panel.box_source, panel.is_fallback_page) for _, panel in sorted(by_place(index).items())]


def test_kept_whole_besides_its_panels(lib: Path, index: Path) -> None:
    """The full-page panel of such a page comes last and has no text; a clear page has none."""
    put(lib / "clear.png", drawn(1, 6, SIZE))
    put(lib / "doubt.png", low_confidence(2))
    report = build(lib, index)
    found = [panel for (path, _), panel in sorted(by_place(index).items()) if path == "doubt.png"]
    assert [panel.is_fallback_page for panel in found] == [False] * (len(found) - 1) + [True]
    assert (found[-1].box.as_list(), found[-1].dialogue, found[-1].text_source) == (WHOLE, "", "")
    assert report.low_confidence_pages == 1
    assert sum(panel.is_fallback_page for panel in panels(index)) == 1


def test_nothing_found_is_no_doubt(lib: Path, index: Path) -> None:
    """A page that is one panel anyway is not kept twice."""
    put(lib / "blank.png", drawn(1, 1, SIZE))
    assert build(lib, index).low_confidence_pages == 0
    assert len(panels(index)) == 1


def test_counted(lib: Path, index: Path) -> None:
    """`info` counts pages with low-confidence panels, for people and for programs."""
    put(lib / "doubt.png", low_confidence(2))
    build(lib, index)
    command = [sys.executable, "-m", "ui.cli", "info", "--index", str(index)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "low-confidence panels: 1 page, also indexed whole" in said
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.info()["low_confidence_pages"] == 1


def test_a_correction_ends_the_doubt(lib: Path, index: Path) -> None:
    """`panels` leaves the full-page panel out with a warning; saved next to the page, its output has no warning."""
    put(lib / "doubt.png", low_confidence(2))
    looked = page_panels(lib / "doubt.png")
    build(lib, index)
    known = page_panels("doubt.png", index)
    assert known.page == looked.page
    assert WHOLE not in [panel["bbox"] for panel in known.page["panels"]]
    assert looked.warning == "much of a panel is gutter"
    assert known.warning == "the index also has the page as a whole"
    put(lib / "doubt.json", json.dumps(known.page).encode())
    report = build(lib, index)
    assert (report.pages_changed, report.low_confidence_pages) == (1, 0)
    assert {origin for origin, _ in origins(index)} == {"annotation"}
    assert page_panels("doubt.png", index).warning == ""


def test_an_annotation_leaves_no_doubt(lib: Path, index: Path) -> None:
    """Annotated boxes never have low confidence, and neither have pages that are one panel each."""
    put(lib / "doubt.png", low_confidence(2))
    assert build(lib, index, page_is_panel=True).low_confidence_pages == 0
    put(lib / "doubt.json", stage1(["a", "b"], [(0, 0, 300, 300), (10, 10, 300, 300)], SIZE))
    assert build(lib, index).low_confidence_pages == 0


def test_words_are_those_of_the_panels(lib: Path, index: Path) -> None:
    """Words across two panels are given to one of them, and none to the whole page, which holds all of them."""
    put(lib / "doubt.png", low_confidence(2))
    put(lib / "doubt.json", json.dumps({"text_regions": [{"text": "BOTH OF US", "bbox": [150, 90, 100, 30]}]}).encode())
    build(lib, index)
    found = panels(index)
    whole = next(panel for panel in found if panel.is_fallback_page)
    assert [panel.dialogue for panel in found].count("BOTH OF US") == 1
    assert (whole.dialogue, whole.sound_effects) == ("", "")
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert [hit.panel.dialogue for hit in opened.search(text="both of us", k=10)] == ["BOTH OF US"]
        assert whole.id in {hit.panel.id for hit in opened.search(image=Image.new("RGB", (40, 40)), k=10)}


def test_a_panel_comes_before_its_page(lib: Path, index: Path) -> None:
    """With a detected panel or its middle as the query, `small` finds the panel, not its page."""
    for seed in range(2):
        put(lib / f"{seed}.png", low_confidence(seed))
    build(lib, index, load_encoder("small"))
    with PanelIndex.open(index) as opened:
        found = [panel for panel in opened.browse(k=100) if not panel.is_fallback_page and panel.number < 3]
        assert len(found) == 4
        for panel in found:
            picture = opened.panel_image(panel)
            assert opened.search(image=picture, k=1)[0].panel.id == panel.id
            assert opened.search(image=middle(picture), k=1)[0].panel.id == panel.id


def middle(picture: Image.Image) -> Image.Image:
    """The inner 64 % of a picture."""
    w, h = picture.size
    return picture.crop((w // 10, h // 10, w - w // 10, h - h // 10))
