"""A FAISS index is added to while little changes, and trained anew when much did or it finds less than it should."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from index_builder.write import generation_writer
from retrieval import PanelIndex, verify_index
from retrieval.progress import Progress
from tests.building.library import build, put, speckled
from tests.conftest import GridEncoder, QuarterEncoder

OPTIONS = {"page_is_panel": True, "index_kind": "ivfpq", "thumbnails": False}


def manifest(index: Path) -> dict[str, Any]:
    (path,) = index.glob("generations/*/manifest.json")
    found: dict[str, Any] = json.loads(path.read_text())["views"]["picture"]
    return found


def finds(index: Path, picture: bytes) -> tuple[str, float]:
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        (hit,) = opened.search(image=picture, k=1)
        return hit.panel.page_path, hit.score


@pytest.mark.parametrize("step", ["checking", "training", "filling", "measuring"])
def test_stopped_while_the_index_is_made(grown: Path, step: str) -> None:
    """Each step reports its progress; after a stop at any of them, the next build makes the new page findable."""
    index: Path = grown / "my.index"
    reports: list[Progress] = []
    shutil.rmtree(index / "generations")  # so that everything is trained anew
    build(grown / "comics", index, **OPTIONS, progress=reports.append)
    making = [now for now in reports if now.stage == "index"]
    assert {now.detail for now in making} >= {f"{step} the fused index", f"{step} the picture index"}
    assert all(0 <= now.done <= now.total for now in making if now.total)

    put(grown / "comics" / "new.png", speckled(4_000_000))
    shutil.rmtree(index / "generations")

    def stop(now: Progress) -> None:
        if now.detail.startswith(step):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(grown / "comics", index, **OPTIONS, progress=stop)
    build(grown / "comics", index, **OPTIONS)
    assert finds(index, speckled(4_000_000)) == ("new.png", pytest.approx(1.0, abs=1e-3))
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    assert not list(index.rglob("*.partial"))


def test_new_changed_and_gone_pages_without_training(grown: Path, trained: list[int]) -> None:
    """New and changed pages are found, missing ones are not; nothing is trained, and all parts agree."""
    index = grown / "my.index"
    before = manifest(index)
    put(grown / "comics" / "new.png", speckled(1000))
    put(grown / "comics" / "7.png", speckled(1001))
    (grown / "comics" / "8.png").unlink()
    build(grown / "comics", index, **OPTIONS)
    assert trained == []
    assert finds(index, speckled(1000)) == ("new.png", pytest.approx(1, abs=1e-3))
    assert finds(index, speckled(1001)) == ("7.png", pytest.approx(1, abs=1e-3))
    assert finds(index, speckled(7))[1] < 0.9
    assert finds(index, speckled(8))[1] < 0.9
    now = manifest(index)
    assert (now["vectors"], now["trained_on"]) == (280, before["trained_on"])
    assert now["changed_since"] == before["changed_since"] + 4
    assert now["recall_at_10"] >= before["trained_recall"] - generation_writer.RECALL_LOSS
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_trained_anew_after_much_change(grown: Path, trained: list[int]) -> None:
    """When more than half as many vectors changed as an index was trained for, it is trained for what is there."""
    index = grown / "my.index"
    for n in range(150):
        put(grown / "comics" / f"x{n}.png", speckled(2000 + n))
    build(grown / "comics", index, **OPTIONS)
    assert trained == [430, 430]  # picture and fused; no panel has text
    assert (manifest(index)["trained_on"], manifest(index)["changed_since"]) == (430, 0)
    assert finds(index, speckled(2007))[0] == "x7.png"
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_trained_anew_where_it_finds_less(grown: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that was added to and finds less than when it was trained is not kept."""
    monkeypatch.setattr(generation_writer, "RECALL_LOSS", -1.0)
    put(grown / "comics" / "new.png", speckled(1000))
    build(grown / "comics", grown / "my.index", **OPTIONS)
    assert trained == [281, 281]
    assert finds(grown / "my.index", speckled(1000))[0] == "new.png"


def test_a_damaged_index_is_not_built_upon(grown: Path, trained: list[int]) -> None:
    """A FAISS file that was altered is made from the vectors, not added to."""
    index = grown / "my.index"
    (path,) = index.glob("generations/*/picture.00000.faiss")
    data = bytearray(path.read_bytes())
    data[-9] ^= 255
    path.write_bytes(data)
    put(grown / "comics" / "new.png", speckled(1000))
    build(grown / "comics", index, **OPTIONS)
    assert 281 in trained
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_parts_come_and_go_with_their_panel(lib: Path, index: Path, trained: list[int]) -> None:
    """All vectors of a panel are added and removed together."""
    for n in range(60):
        put(lib / f"{n}.png", speckled(n))
    build(lib, index, QuarterEncoder(), **OPTIONS)
    trained.clear()
    put(lib / "new.png", speckled(1000))
    (lib / "3.png").unlink()
    build(lib, index, QuarterEncoder(), **OPTIONS)
    assert trained == []
    assert (manifest(index)["vectors"], manifest(index)["changed_since"]) == (300, 10)
    assert verify_index(index, encoder=QuarterEncoder()).problems == ()
