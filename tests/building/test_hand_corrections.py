"""Boxes corrected by hand: printed, edited, saved next to the page, and only that page is encoded again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from index_builder import page_panels
from retrieval.errors import UsageError
from tests.building.library import build, by_place, cbz, drawn, page, put
from tests.conftest import GridEncoder, panel_boxes

SIZE = (400, 600)


def printed(*arguments: str | Path) -> tuple[dict[str, Any], str]:
    """Return the JSON that the command prints, and its messages."""
    command = [sys.executable, "-m", "ui.cli", "panels", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr.strip()


def boxes(index: Path, source: str) -> list[list[float]]:
    return [panel.box.as_list() for (path, _), panel in sorted(by_place(index).items()) if path == source]


def test_corrected_beside_the_page(lib: Path, index: Path) -> None:
    """A box deleted in the edited file is no longer in the index; the other pages are not encoded again."""
    for n in (1, 2):
        put(lib / f"{n}.png", drawn(n, 4, SIZE))
    build(lib, index)
    before = {place: panel.id for place, panel in by_place(index).items()}
    found, message = printed(lib / "1.png", "--index", index)
    assert [panel["bbox"] for panel in found["panels"]] == boxes(index, "1.png")
    assert (found["image_width"], found["image_height"], len(found["panels"])) == (*SIZE, 4)
    assert message == f"save the edited file as {lib / '1.json'}"
    kept = [found["panels"][0], {"bbox": [10, 300, 380, 290], "text": "by hand"}]
    put(lib / "1.json", json.dumps(found | {"panels": kept}).encode())
    encoder = GridEncoder()
    report = build(lib, index, encoder)
    assert (report.pages_changed, report.pages_unchanged, encoder.encoded) == (1, 1, 2)
    now = by_place(index)
    assert now["1.png", 1].id == before["1.png", 1]
    assert (now["1.png", 2].box.as_list(), now["1.png", 2].dialogue) == ([10, 300, 380, 290], "by hand")
    again, _ = printed("1.png", "--index", index)
    assert again["panels"][1] == {"bbox": [10, 300, 380, 290], "text": "by hand"}


def test_corrected_page_of_an_archive(lib: Path, index: Path) -> None:
    """A page of an archive is corrected by a file in a folder of annotations, without touching the archive."""
    archive = cbz(lib / "Harbor.cbz", {f"{n}.png": drawn(n, 4, SIZE) for n in (1, 2)})
    build(lib, index)
    found, message = printed(archive / "2.png", "--index", index)
    assert message.startswith(f"save the edited file as 2.json inside {archive}, or FOLDER/Harbor/2.json")
    put(lib.parent / "fixes" / "Harbor" / "2.json", json.dumps(found | {"panels": found["panels"][:1]}).encode())
    encoder = GridEncoder()
    report = build(lib, index, encoder, annotations=(str(lib.parent / "fixes"),))
    assert (report.pages_changed, report.pages_unchanged, encoder.encoded) == (1, 1, 1)
    assert boxes(index, "Harbor.cbz/2.png") == [found["panels"][0]["bbox"]]


def test_without_an_index(lib: Path) -> None:
    """Without an index, the panels are those of the annotation next to the image, else detected ones."""
    put(lib / "1.png", drawn(1, 4, SIZE))
    found = page_panels(lib / "1.png").page
    assert len(found["panels"]) == len(panel_boxes(4, SIZE)) == 4
    assert all("text" not in panel for panel in found["panels"])
    page(lib / "2", 2, ["said", None], [(1, 2, 30, 40), (50, 60, 70, 80)])
    assert page_panels(lib / "2.png").page["panels"] == [
        {"bbox": [1, 2, 30, 40], "text": "said"},
        {"bbox": [50, 60, 70, 80]},
    ]


def test_a_page_that_is_none_or_several(lib: Path, index: Path) -> None:
    """A missing page, a book without a page name, and a name of several pages have errors of their own."""
    for book in "ab":
        put(lib / book / "1.png", drawn(1, 4, SIZE))
    archive = cbz(lib / "c.cbz", {"9.png": drawn(2, 4, SIZE)})
    build(lib, index)
    with pytest.raises(UsageError, match=r"nowhere\.png: there is no such page\nname an image"):
        page_panels("nowhere.png", index)
    with pytest.raises(UsageError, match="the file is not an image\nname a page in it too"):
        page_panels(archive, index)
    with pytest.raises(
        UsageError, match=r"2 pages of the index are called 1\.png: .*1\.png, .*1\.png\nname more of the path"
    ):
        page_panels("1.png", index)
    assert len(page_panels("b/1.png", index).page["panels"]) == 4
