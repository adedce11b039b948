"""A source is removed: nothing of it is found or left, everything else stays, whenever the process dies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import index_builder.maintenance.remove as removing
from index_builder import remove_source, repair_index
from index_builder.write import CatalogWriter
from retrieval import PanelIndex, verify_index
from retrieval.errors import IndexMissing, UsageError
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore
from tests.building.library import answers, build, by_place, content, page
from tests.building.test_interrupted import Stopped, stop_at
from tests.conftest import GridEncoder


@pytest.fixture
def two(lib: Path, index: Path) -> tuple[Path, Path]:
    """Two sources in one index, the first of which fills the first vector rows."""
    other = lib.parent / "other"
    for n in range(3):
        page(lib / "A" / str(n), n, [f"first {n}", "", "", ""])
        page(other / "B" / str(n), 10 + n, [f"second {n}", "", "", ""])
    build([lib, other], index)
    return lib, other


def rows_of(index: Path, source: str) -> np.ndarray:
    return np.array(sorted(p.vector_row for (path, _), p in by_place(index).items() if path.startswith(source)))


def assert_as_if_never_built(left: Path, index: Path) -> None:
    """The index is that of a clean build of what is left, and nothing else is in its files."""
    clean = index.with_name("clean.index")
    build(left, clean)
    assert content(index) == content(clean)
    assert answers(index, ["second", "first 1"]) == answers(clean, ["second", "first 1"])
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    with Catalog.open(catalog_url(index)) as catalog:
        named = set(catalog.panels.named_rows().tolist())
    assert Thumbnails(index).stored_rows() == named
    shards = VectorStore(index / "vectors")
    others = np.array([r for r in range(shards.rows()) if r not in named])
    assert not shards.read("picture", others).any()
    assert b"first" not in (index / "catalog.sqlite").read_bytes()


@pytest.mark.parametrize("which", [0, 1])
def test_a_source_is_removed(two: tuple[Path, Path], index: Path, which: int) -> None:
    """Books, panels, dialogue, thumbnails and vectors go; the other source keeps its ids and its hits."""
    kept = {place: p.id for place, p in by_place(index).items() if place[0][0] == "BA"[which]}
    found = remove_source(two[which], index)
    assert (found.source, found.books, found.pages, found.panels) == (str(two[which]), 1, 3, 12)
    assert {place: p.id for place, p in by_place(index).items()} == kept
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.info()["sources"] == [str(two[1 - which])]
        assert opened.info()["panels"] == 12
        gone = ("first", "second")[which]
        assert gone not in {w for h in opened.search(text=f"{gone} 1", k=50) for w in h.matched_words}
    if which == 0:
        assert_as_if_never_built(two[1], index)


def test_removed_comics_can_come_back(two: tuple[Path, Path], index: Path) -> None:
    """Building a removed source again encodes it anew, under ids that no other panel got."""
    before = {p.id for p in by_place(index).values()}
    remove_source(two[0], index)
    encoder = GridEncoder()
    report = build(list(two), index, encoder)
    assert (report.pages_new, encoder.encoded) == (3, 12)
    assert len(before & {p.id for p in by_place(index).values()}) == 12
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_everything_removed(two: tuple[Path, Path], index: Path) -> None:
    """An index without sources is empty, opens, can be searched, and can be built again."""
    for source in two:
        remove_source(source, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="first 1") == []
        assert opened.info()["sources"] == []
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    assert build(two[0], index).panels == 12


def test_missing_pages_are_removed_too(two: tuple[Path, Path], index: Path) -> None:
    """A source whose drive is away, or whose pages are missing, is removed with all of them."""
    for path in (two[0] / "A").glob("1.*"):
        path.unlink()
    build(list(two), index)
    two[0].rename(two[0].with_name("away"))
    assert remove_source(two[0], index).pages == 3
    assert_as_if_never_built(two[1], index)


def test_a_reader_goes_on(two: tuple[Path, Path], index: Path) -> None:
    """A reader that has the older generation open still works, without what was removed."""
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        kept = by_place(index)["B/1.png", 2]
        remove_source(two[0], index)
        build(two[1], index)
        hits = opened.search(panel=kept.id, k=50)
        assert hits[0].panel.id == kept.id
        assert {h.panel.book for h in hits} == {"B"}
        assert opened.refresh()
        assert [h.panel.id for h in opened.search(panel=kept.id, k=50)] == [h.panel.id for h in hits]


@pytest.mark.parametrize(
    ("target", "name", "after"),
    [
        (CatalogWriter, "remove_source", False),
        (CatalogWriter, "remove_source", True),
        (removing, "next_generation", True),
        (VectorStore, "punch", True),
        (Thumbnails, "remove", True),
        (CatalogWriter, "vacuum", False),
    ],
)
def test_stopped_while_removing(
    two: tuple[Path, Path], index: Path, monkeypatch: pytest.MonkeyPatch, target: object, name: str, after: bool
) -> None:
    """Wherever it stops, the index opens; what was begun is brought to its end by the next build."""
    with monkeypatch.context() as patch:
        stop_at(patch, target, name, after=after)
        with pytest.raises(Stopped):
            remove_source(two[0], index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="second 1")[0].panel.page_path == "B/1.png"
    build(two[1], index)
    if (name, after) == ("remove_source", False):
        assert len(by_place(index)) == 24
        remove_source(two[0], index)
    assert_as_if_never_built(two[1], index)


def test_repair_erases_what_changed_pages_left(lib: Path, index: Path) -> None:
    """Vectors of changed pages are erased by a repair; verify finds nothing wrong afterwards."""
    page(lib / "1", 1)
    page(lib / "2", 2)
    build(lib, index)
    page(lib / "1", 3)
    build(lib, index)
    assert "disk space: 4 vectors without a panel erased" in repair_index(index).rebuilt
    shards = VectorStore(index / "vectors")
    assert shards.rows() == 12
    assert not shards.read("fused", np.arange(4)).any()
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def test_a_source_named_by_mistake(two: tuple[Path, Path], index: Path) -> None:
    """An unknown source is an error that names the known ones, and nothing is lost."""
    with pytest.raises(UsageError, match=f"has no source .*nowhere; its sources are {two[0]}, {two[1]}"):
        remove_source(two[0].parent / "nowhere", index)
    with pytest.raises(UsageError, match="its sources are"):
        remove_source(two[0] / "A", index)
    with pytest.raises(IndexMissing):
        remove_source(two[0], index.with_name("no.index"))
    assert len(by_place(index)) == 24


def test_the_command(two: tuple[Path, Path], index: Path) -> None:
    """Without a terminal --yes is required; with it the report is one JSON object."""
    command = [sys.executable, "-m", "ui.cli", "remove", str(two[0]), "--index", str(index)]
    refused = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert refused.returncode == 2
    assert "needs a confirmation" in refused.stderr
    assert "add --yes" in refused.stderr
    assert len(by_place(index)) == 24
    done = subprocess.run([*command, "--yes", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"source": str(two[0]), "books": 1, "pages": 3, "panels": 12}
    assert len(by_place(index)) == 12
