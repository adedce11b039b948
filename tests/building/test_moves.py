"""Comics that moved or were renamed are recognised by content: ids, vectors and text stay, nothing is encoded."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from index_builder import BuildReport
from index_builder.decode.records import DecodeSettings
from index_builder.plan.plan import Plan
from index_builder.session import BuildSession
from index_builder.write import CatalogWriter
from retrieval import PanelIndex, verify_index
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from tests.building.library import answers, build, by_place, cbz, content, page, put, speckled
from tests.building.test_interrupted import Stopped, stop_at
from tests.conftest import GridEncoder


def ids(index: Path) -> dict[tuple[str, int], int]:
    return {place: panel.id for place, panel in by_place(index).items()}


def moved_only(report: BuildReport, encoder: GridEncoder) -> int:
    """How many pages moved, where nothing else happened to any."""
    others = (report.pages_new, report.pages_changed, report.pages_missing, report.pages_restored, report.reused)
    assert others == (0, 0, 0, 0, 0)
    assert encoder.encoded == report.encoded == 0
    return report.pages_moved


def as_if_built_at_once(sources: list[Path], index: Path) -> None:
    clean = index.with_name("clean.index")
    shutil.rmtree(clean, ignore_errors=True)
    build(sources, clean)
    gone = 9  # the column of `content`
    assert [row for row in content(index) if not row[gone]] == content(clean)
    assert answers(index, ["word"]) == answers(clean, ["word"])
    assert verify_index(index, encoder=GridEncoder()).problems == ()


def two_pages(folder: Path, seed: int = 1) -> None:
    for n in range(2):
        page(folder / str(n), seed + n, [f"word {seed + n}", "", "", ""])


def rename(before: Path, after: Path) -> None:
    """Rename a page and its annotation."""
    for path in sorted(before.parent.glob(f"{before.name}.*")):
        path.rename(after.with_name(after.name + path.suffix))


def test_a_renamed_page_keeps_its_ids(lib: Path, index: Path) -> None:
    """A renamed page counts as moved: it is found under its new name with the same ids and text."""
    two_pages(lib)
    build(lib, index)
    before = ids(index)
    rename(lib / "1", lib / "9")
    encoder = GridEncoder()
    assert moved_only(build(lib, index, encoder), encoder) == 1
    assert ids(index) == {("9.png" if s == "1.png" else s, n): i for (s, n), i in before.items()}
    as_if_built_at_once([lib], index)


def test_a_renamed_folder_and_a_renamed_archive(lib: Path, index: Path) -> None:
    """Books are found again under their new titles, and the old titles are gone."""
    two_pages(lib / "A")
    cbz(lib / "b.cbz", {f"{n}.png": speckled(n) for n in range(3)})
    build(lib, index)
    before = sorted(ids(index).values())
    (lib / "A").rename(lib / "Z")
    (lib / "deep").mkdir()
    (lib / "b.cbz").rename(lib / "deep" / "c.cbz")
    encoder = GridEncoder()
    assert moved_only(build(lib, index, encoder), encoder) == 5
    assert sorted(ids(index).values()) == before
    with PanelIndex.open(index) as opened:
        assert [b.title for b in opened.books()] == ["Z", "c"]
    with Catalog.open(catalog_url(index)) as catalog:
        assert catalog.library.counts()["missing_pages"] == 0
        assert sorted(catalog.pages.previous_books(1)) == ["Z", "deep/c.cbz"]
    as_if_built_at_once([lib], index)


def test_a_folder_packed_into_an_archive(lib: Path, index: Path) -> None:
    """A folder that became a CBZ keeps its panels, and so does a CBZ that was unpacked."""
    two_pages(lib / "A")
    build(lib, index)
    before = sorted(ids(index).values())
    with zipfile.ZipFile(lib / "A.cbz", "w") as archive:
        for path in (lib / "A").iterdir():
            archive.write(path, path.name)
    shutil.rmtree(lib / "A")
    encoder = GridEncoder()
    assert moved_only(build(lib, index, encoder), encoder) == 2
    assert sorted(ids(index).values()) == before
    as_if_built_at_once([lib], index)
    zipfile.ZipFile(lib / "A.cbz").extractall(lib / "B")
    (lib / "A.cbz").unlink()
    assert moved_only(build(lib, index, encoder), encoder) == 2
    assert sorted(ids(index).values()) == before


@pytest.mark.parametrize("together", [True, False])
def test_a_book_moved_to_another_source(lib: Path, index: Path, together: bool) -> None:
    """Moved between sources: one build of both sees a move; the new place built first takes a copy of the vectors."""
    other = lib.parent / "other"
    two_pages(lib / "A")
    two_pages(lib / "B", 5)
    two_pages(other / "C", 9)
    build([lib, other], index)
    before = {place: number for place, number in ids(index).items() if place[0].startswith("A/")}
    (lib / "A").rename(other / "A")
    encoder = GridEncoder()
    report = build([lib, other] if together else other, index, encoder)
    assert encoder.encoded == 0
    if together:
        assert moved_only(report, encoder) == 2
        assert {place: number for place, number in ids(index).items() if place[0].startswith("A/")} == before
    else:
        assert (report.pages_new, report.reused, report.pages_moved) == (2, 8, 0)
        assert build([lib, other], index, encoder).pages_missing == 2
    as_if_built_at_once([lib, other], index)


def test_pages_change_places(lib: Path, index: Path) -> None:
    """Two pages that swap their names, and a whole row of pages that moves up by one, keep ids with their content."""
    for n in range(4):
        page(lib / str(n), n, [f"word {n}", "", "", ""])
    build(lib, index)
    before = {panel.dialogue: panel.id for panel in by_place(index).values() if panel.dialogue}
    rename(lib / "0", lib / "x")
    rename(lib / "1", lib / "0")
    rename(lib / "x", lib / "1")
    os.utime(lib / "0.png", (1, 1))  # whatever dates say
    encoder = GridEncoder()
    assert moved_only(build(lib, index, encoder), encoder) == 2
    assert {panel.dialogue: panel.id for panel in by_place(index).values() if panel.dialogue} == before
    as_if_built_at_once([lib], index)
    for n in (3, 2, 1, 0):
        rename(lib / str(n), lib / str(n + 1))
    page(lib / "0", 50, ["word fifty", "", "", ""])
    report = build(lib, index, encoder)
    assert (report.pages_moved, report.pages_new, report.pages_changed, report.pages_missing) == (4, 1, 0, 0)
    assert encoder.encoded == 4
    now = {panel.dialogue: panel.id for panel in by_place(index).values() if panel.dialogue}
    assert now.pop("word fifty") not in before.values()
    assert now == before
    as_if_built_at_once([lib], index)


def test_a_page_that_takes_the_place_of_another(lib: Path, index: Path) -> None:
    """A page renamed over another one counts as moved; the other one is deleted."""
    two_pages(lib)
    build(lib, index)
    before = ids(index)
    rename(lib / "1", lib / "0")
    encoder = GridEncoder()
    report = build(lib, index, encoder)
    assert (report.pages_moved, report.pages_missing, report.pages_changed, encoder.encoded) == (1, 1, 0, 0)
    assert ids(index) == {("0.png", n): number for (source, n), number in before.items() if source == "1.png"}
    as_if_built_at_once([lib], index)


def test_a_page_gone_for_long_comes_back_elsewhere(lib: Path, index: Path) -> None:
    """A page that was away for some builds is recognised wherever it turns up."""
    two_pages(lib)
    build(lib, index)
    before = ids(index)
    away = lib.parent / "away"
    away.mkdir()
    rename(lib / "1", away / "1")
    build(lib, index)
    build(lib, index)
    shutil.move(away, lib / "new place")
    encoder = GridEncoder()
    assert moved_only(build(lib, index, encoder), encoder) == 1
    assert ids(index) == {("new place/1.png" if s == "1.png" else s, n): i for (s, n), i in before.items()}


def test_a_copy_beside_the_original_is_a_twin(lib: Path, index: Path) -> None:
    """The same content at two places is two pages, each with panels of its own; only the encoder is spared."""
    two_pages(lib / "A")
    build(lib, index)
    before = ids(index)
    shutil.copytree(lib / "A", lib / "B")
    encoder = GridEncoder()
    report = build(lib, index, encoder)
    assert (report.pages_new, report.pages_moved, report.reused, encoder.encoded) == (2, 0, 8, 0)
    now = ids(index)
    assert {place: now[place] for place in before} == before
    assert len(set(now.values())) == 16
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        panel = opened.panel(now["B/0.png", 2])
        assert [h.panel.page_path for h in opened.search(panel=panel.id, k=2)] == ["A/0.png", "B/0.png"]
        assert opened._thumbnails.get(panel.vector_row) == opened._thumbnails.get(
            opened.panel(now["A/0.png", 2]).vector_row
        )
    as_if_built_at_once([lib], index)


def test_twins_that_move(lib: Path, index: Path) -> None:
    """Of two equal pages each keeps its id, by its name and by the book it was in."""
    for book in ("A", "B"):
        page(lib / book / "1", 7, ["word", "", "", ""])
        page(lib / book / "2", 7, ["word", "", "", ""])
    build(lib, index)
    before = ids(index)
    (lib / "A").rename(lib / "C")
    encoder = GridEncoder()
    assert moved_only(build(lib, index, encoder), encoder) == 2
    assert ids(index) == {(source.replace("A", "C"), n): number for (source, n), number in before.items()}


def test_a_moved_page_whose_words_were_edited_is_new(lib: Path, index: Path) -> None:
    """Content is image and annotation: with other text it is another page, and the old one is missing."""
    two_pages(lib)
    build(lib, index)
    rename(lib / "1", lib / "9")
    page(lib / "9", 2, ["other words", "", "", ""])
    report = build(lib, index)
    assert (report.pages_moved, report.pages_new, report.pages_missing) == (0, 1, 1)
    as_if_built_at_once([lib], index)


@pytest.mark.parametrize(
    ("name", "after"),
    [("mark_missing", True), ("move_pages", False), ("move_pages", True), ("copy_pages", False), ("copy_pages", True)],
)
def test_stopped_while_pages_move(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    """Wherever a build that moves and copies pages stops, the next one ends as if nothing had happened."""
    two_pages(lib / "A")
    two_pages(lib / "B", 5)
    build(lib, index)
    before = sorted(ids(index).values())
    (lib / "A").rename(lib / "Z")
    shutil.copytree(lib / "B", lib / "C")
    with monkeypatch.context() as patch:
        stop_at(patch, CatalogWriter, name, after=after)
        with pytest.raises(Stopped):
            build(lib, index)
    encoder = GridEncoder()
    build(lib, index, encoder)
    assert encoder.encoded == 0
    assert sorted(ids(index).values())[:16] == before
    as_if_built_at_once([lib], index)


def test_content_that_changes_between_two_looks(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is written anew while the build runs is indexed as it is in the end."""
    two_pages(lib / "A")
    build(lib, index)
    page(lib / "B" / "0", 1, ["word 1", "", "", ""])
    real = BuildSession._detect_moves

    def then_changed(self: BuildSession, plan: Plan, settings: DecodeSettings) -> None:
        real(self, plan, settings)
        put(lib / "B" / "0.png", speckled(3))

    monkeypatch.setattr(BuildSession, "_detect_moves", then_changed)
    build(lib, index)
    monkeypatch.undo()
    as_if_built_at_once([lib], index)
