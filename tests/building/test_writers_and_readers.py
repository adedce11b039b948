"""One writer at a time, any number of readers, and none of them is harmed by the other."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from index_builder import repair_index
from index_builder.write import CatalogWriter, writer_lock
from retrieval import PanelIndex
from retrieval.encoder.inputs import resize
from retrieval.errors import IndexLocked, SourceError, UsageError
from retrieval.store import generation
from retrieval.store.layout import catalog_url
from tests.building.conftest import PANELS
from tests.building.library import build, by_place, page, panels, put, speckled
from tests.building.nursery import Nursery
from tests.conftest import GridEncoder


def test_a_second_writer_is_refused(big: Path, index: Path, nursery: Nursery) -> None:
    """While another process builds, build and repair are refused with the folder's name; after kill -9 they are not."""
    nursery.start(big)
    while nursery.encoded() == 0:
        time.sleep(0.005)
    os.kill(nursery.pid, signal.SIGSTOP)
    sentence = f"{re.escape(str(index))}: another build is writing this index\nwait for it to end"
    with pytest.raises(IndexLocked, match=sentence):
        build(big, index)
    with pytest.raises(IndexLocked, match=sentence):
        repair_index(index)
    assert nursery.stop() == -9
    assert build(big, index).panels == PANELS


def test_a_second_writer_in_the_same_process(lib: Path, index: Path) -> None:
    """The lock holds inside one process too, and is free when a build ended, also with an error."""
    page(lib / "1", 1)
    with writer_lock(index), pytest.raises(IndexLocked):
        build(lib, index)
    with pytest.raises(RuntimeError, match="encoder broke"):
        build(lib, index, _Broken())
    assert build(lib, index).panels == 4


class _Broken(GridEncoder):
    def encode(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("encoder broke")


def shown(index: PanelIndex, panel: int) -> list[tuple[int, float, str]]:
    return [(h.panel.id, round(h.score, 6), h.panel.page_path) for h in index.search(panel=panel, k=12)]


def test_a_reader_keeps_its_answers_while_pages_are_added(big: Path, index: Path, nursery: Nursery) -> None:
    """A reader opened before a build gives the same hits during it and after it, until `refresh`."""
    nursery.finish(big)
    ask = panels(index)[0].id
    for n in range(12):
        page(big / "later" / str(n), 500 + n, ["later", "", "", ""])
    with PanelIndex.open(index, encoder=GridEncoder()) as reader:
        before, said = shown(reader, ask), [h.panel.id for h in reader.search(text="here", k=5)]
        nursery.start(big, per_commit=4)
        ended = threading.Event()
        waiting = threading.Thread(target=lambda: (nursery.wait(), ended.set()))
        waiting.start()
        rounds = 0
        while not ended.is_set():
            assert shown(reader, ask) == before
            assert [h.panel.id for h in reader.search(text="here", k=5)] == said
            rounds += 1
        waiting.join()
        assert rounds > 3
        assert shown(reader, ask) == before
        assert not any(h.matched_words for h in reader.search(text="later"))
        assert reader.refresh()
        assert not reader.refresh()
        assert reader.search(text="later", k=1)[0].matched_words == ("later",)
        assert reader.generation.number == 2


def test_readers_may_open_at_any_moment(big: Path, index: Path, nursery: Nursery) -> None:
    """Indexes opened, searched and verified again and again during builds never fail and never see half a build."""
    nursery.finish(big)
    counts = set()
    for round_ in range(4):
        page(big / "more" / str(round_), 700 + round_)
        nursery.start(big, per_commit=4)
        ended = threading.Event()
        waiting = threading.Thread(target=lambda ended=ended: (nursery.wait(), ended.set()))
        waiting.start()
        while not ended.is_set():
            with PanelIndex.open(index, encoder=GridEncoder()) as reader:
                counts.add(len(reader.search(image=speckled_array(), k=1000)))
                assert reader.search(text="page 7", k=1)[0].matched_words == ("page", "7")
        waiting.join()
        assert nursery.said == [f"done {PANELS + 4 * (round_ + 1)}"]
    assert counts <= {PANELS + 4 * n for n in range(5)}


def speckled_array() -> Any:
    return np.asarray(Image.open(io.BytesIO(speckled(1))))


def test_the_old_generation_serves_until_the_new_one_is_named(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next generation is written the index opens with the present one; afterwards only the next is there."""
    page(lib / "1", 1)
    build(lib, index)
    page(lib / "2", 2)
    real, seen = CatalogWriter.switch_generation, []

    def switch_generation(self: CatalogWriter, number: int, **values: Any) -> None:
        with PanelIndex.open(index, encoder=GridEncoder()) as reader:
            seen.append((reader.generation.number, len(reader.search(panel=panels(index)[0].id))))
            seen.append(sorted(p.name for p in (index / "generations").iterdir()))
        real(self, number, **values)

    monkeypatch.setattr(CatalogWriter, "switch_generation", switch_generation)
    build(lib, index)
    assert seen == [(1, 4), ["1", "2"]]
    assert [p.name for p in (index / "generations").iterdir()] == ["2"]
    with PanelIndex.open(index) as reader:
        assert reader.generation.number == 2


@pytest.mark.parametrize(
    "moment",
    [
        "_read_manifest",
        "file_problems",
        "_open_view",
    ],
)
def test_a_generation_that_is_replaced_while_it_is_opened(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A reader whose generation is cleaned up while it opens it takes the next one."""
    page(lib / "1", 1)
    build(lib, index)
    page(lib / "2", 2)
    real, calls = getattr(generation, moment), []

    def replaced(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            build(lib, index)
        return real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(generation, moment, replaced)
        reader = PanelIndex.open(index, encoder=GridEncoder())
    with reader:
        assert reader.generation.number == 2
        assert len(reader.search(panel=1)) == 8


def test_a_reader_is_not_shown_a_panel_with_the_score_of_another(lib: Path, index: Path) -> None:
    """Where a page is redrawn under an open reader, no hit pairs the old vector's score with the new panel."""
    page(lib / "1", 1, ["old", "", "", ""])
    build(lib, index)
    ask = by_place(index)["1.png", 1].id
    with PanelIndex.open(index, encoder=GridEncoder()) as other:
        was = other.panel_image(other.panel(ask))
    with PanelIndex.open(index, encoder=GridEncoder()) as reader:
        page(lib / "1", 2, ["new", "", "", ""])
        build(lib, index)
        for hit in reader.search(image=was):
            picture = GridEncoder.picture(resize(hit.image()))
            assert hit.score == pytest.approx(float(picture @ GridEncoder.picture(resize(was))), abs=2e-3)


def test_an_index_may_be_moved(lib: Path, index: Path, tmp_path: Path) -> None:
    """An index folder moved elsewhere opens, can be searched, shows its thumbnails and can be built on."""
    page(lib / "1", 1, ["hello", "", "", ""])
    build(lib, index)
    moved = tmp_path / "deep" / "er" / "it's 100% mine.index"
    moved.parent.mkdir(parents=True)
    shutil.move(index, moved)
    with PanelIndex.open(moved, encoder=GridEncoder()) as reader:
        (hit,) = reader.search(text="hello")
        assert hit.image().size == (70, 120)
    encoder = GridEncoder()
    build(lib, moved, encoder)
    assert encoder.encoded == 0


def test_an_index_answers_without_its_comics(lib: Path, index: Path) -> None:
    """With the comics away, search and thumbnails work; reading a page raises an error that names the missing book."""
    page(lib / "1", 1, ["hello", "", "", ""])
    build(lib, index)
    lib.rename(lib.with_name("away"))
    with PanelIndex.open(index, encoder=GridEncoder()) as reader:
        (hit,) = reader.search(text="hello")
        assert reader.thumbnail(hit.panel)[8:12] == b"WEBP"
        with pytest.raises(SourceError, match=r"comics.*/1\.png: the book is missing\nput the comics back"):
            hit.image()


def test_a_catalog_elsewhere(lib: Path, index: Path, tmp_path: Path) -> None:
    """An SQLAlchemy URL chosen at the first build is remembered; another one later is refused."""
    page(lib / "1", 1, ["hello", "", "", ""])
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    build(lib, index, catalog=url)
    assert not (index / "catalog.sqlite").exists()
    assert str(catalog_url(index)) == url
    with PanelIndex.open(index, encoder=GridEncoder()) as reader:
        assert len(reader.search(text="hello")) == 1
    encoder = GridEncoder()
    build(lib, index, encoder)
    assert encoder.encoded == 0
    with pytest.raises(UsageError, match="leave out --catalog"):
        build(lib, index, catalog="sqlite:///other.db")


def test_a_reader_opened_twice_in_threads(lib: Path, index: Path) -> None:
    """`refresh` in one thread does not disturb searches in others."""
    for n in range(3):
        put(lib / f"{n}.png", speckled(n))
    build(lib, index, page_is_panel=True)
    errors: list[BaseException] = []
    with PanelIndex.open(index, encoder=GridEncoder()) as reader:
        stop = threading.Event()

        def ask() -> None:
            try:
                while not stop.is_set():
                    assert len(reader.search(image=speckled_array(), k=50)) in {3, 4, 5, 6}
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(3, 6):
            put(lib / f"{n}.png", speckled(n))
            build(lib, index, page_is_panel=True)
            assert reader.refresh()
        stop.set()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(reader.search(image=speckled_array(), k=50)) == 6
