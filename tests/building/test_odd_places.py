"""Indexes and comics in odd places: strange paths, read-only folders, other databases, very large pages."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index_builder import build_index
from retrieval import PanelIndex, verify_index
from retrieval.errors import SourceError, UsageError
from retrieval.images import crops
from retrieval.records import Box
from retrieval.store.sqlite import connect_to_existing
from tests.building.library import build, page
from tests.conftest import GridEncoder


@pytest.mark.parametrize("name", ["what? index", "50%41 #x", "a b&c=d", "ünï 漢字", 'it\'s "quoted"'])
def test_index_folders_with_odd_names(lib: Path, tmp_path: Path, name: str) -> None:
    """Whatever the folder is called, the index is inside it and opens."""
    page(lib / "1", 1, ["hello there", "", "", ""])
    folder = tmp_path / name
    assert build(lib, folder).panels == 4
    assert (folder / "catalog.sqlite").is_file()
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        assert index.search(text="hello", k=1)[0].panel.dialogue == "hello there"


def test_reading_never_makes_a_file(tmp_path: Path) -> None:
    """A missing SQLite file is missing, not made."""
    import sqlite3

    with pytest.raises(sqlite3.OperationalError):
        connect_to_existing(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_index_answers(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index on a medium that cannot be written is read as it is, thumbnails too."""
    page(lib / "1", 1, ["hello there", "", "", ""])
    build(lib, index)
    everything = [index, *index.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    if os.geteuid() == 0:  # root may write anyway: make the question come out as for anybody else
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
    try:
        with PanelIndex.open(index, encoder=GridEncoder()) as opened:
            hit = opened.search(text="hello", k=1)[0]
            assert opened.thumbnail(hit.panel)[:4] == b"RIFF"
        assert not list(index.glob("catalog.sqlite-*"))
    finally:
        monkeypatch.undo()
        for path in everything:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)


@pytest.mark.parametrize(
    ("url", "says"),
    [("not a url", "SQLAlchemy URL"), ("sqlite://", "in memory"), ("nosuch://x/y", "cannot be used")],
)
def test_databases_that_cannot_be_used(lib: Path, index: Path, url: str, says: str) -> None:
    """A database that cannot be used is refused with a sentence and leaves nothing that stops the next build."""
    page(lib / "1", 1)
    with pytest.raises(UsageError, match=says):
        build(lib, index, catalog=url)
    assert build(lib, index).panels == 4


def test_a_source_whose_name_is_no_utf8(tmp_path: Path, index: Path) -> None:
    """Such a name is refused with a sentence, and no index is left behind."""
    folder = tmp_path / os.fsdecode(b"bad\xff name")
    folder.mkdir()
    with pytest.raises(SourceError, match="not valid UTF-8"):
        build_index([folder], index, encoder=GridEncoder(), ocr=False)
    assert not index.exists()


def test_an_interrupted_first_build_decides_no_encoder(lib: Path, index: Path) -> None:
    """While no panel is encoded, another encoder may still be chosen."""

    class Other(GridEncoder):
        fingerprint = "another"

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    page(lib / "1", 1)
    with pytest.raises(KeyboardInterrupt):
        build(lib, index, progress=stop)
    assert build(lib, index, Other()).encoder["fingerprint"] == "another"


def test_panels_larger_than_pillow_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crop beyond Pillow's own bound is cut all the same, with the same pixels."""
    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    picture = Image.fromarray(pixels)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(crops, "_PILLOW_WARNING_PIXELS", 90)
    cut = crops.crop(picture, Box(10, 5, 50, 40))
    assert cut is not None
    assert np.array_equal(np.asarray(cut), pixels[5:45, 10:60])


def test_two_sources_with_a_book_of_the_same_path(lib: Path, index: Path, tmp_path: Path) -> None:
    """A filter by book id means one book, where names and paths are the same."""
    page(lib / "Tales" / "1", 1, ["first", "", "", ""])
    page(tmp_path / "other" / "Tales" / "1", 2, ["second", "", "", ""])
    build_index([lib, tmp_path / "other"], index, encoder=GridEncoder(), ocr=False)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        one, two = opened.books()
        assert (one.title, one.path) == (two.title, two.path)
        found = [{p.dialogue for p in opened.browse({"book_id": book.id}, k=10)} for book in (one, two)]
        assert sorted(found, key=sorted) == [{"", "first"}, {"", "second"}]


def test_vectors_that_changed_places_are_noticed(lib: Path, index: Path) -> None:
    """Valid vectors in the wrong rows are damage, whether or not the sample hits them."""
    page(lib / "1", 1, ["a", "b", "c", "d"])
    build(lib, index)
    shard = index / "vectors" / "picture-00000.f16"
    rows = np.fromfile(shard, "<f2").reshape(-1, 512)
    rows[[0, 1]] = rows[[1, 0]]
    rows.tofile(shard)
    verdict = verify_index(index, sample=0)
    assert [(p.part, p.derived) for p in verdict.problems] == [("vectors", False)] * 2  # one for each panel
