"""The status of a page: new, changed, missing, restored. Nothing is encoded twice, and no panel has a wrong vector."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from index_builder import BuildReport
from retrieval import PanelIndex
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from tests.building.library import (
    SIZE,
    answers,
    build,
    by_place,
    cbz,
    content,
    drawn,
    page,
    panels,
    put,
    speckled,
    stage1,
)
from tests.conftest import GridEncoder, panel_boxes

A, B = panel_boxes(4, SIZE)[:2]
NEW_BOX = (30, 40, 90, 100)


def statuses(report: BuildReport) -> tuple[int, int, int, int, int]:
    """Return the pages that are (new, changed, missing, restored, unchanged)."""
    pages = (
        report.pages_new,
        report.pages_changed,
        report.pages_missing,
        report.pages_restored,
        report.pages_unchanged,
    )
    assert report.pages == pages[0] + pages[1] + pages[3] + pages[4] + report.pages_moved
    return pages


def as_if_built_at_once(lib: Path, index: Path) -> None:
    """Compare the index with a clean build of the same comics; missing pages are left out."""
    clean = index.with_name("clean.index")
    shutil.rmtree(clean, ignore_errors=True)
    build(lib, clean)
    gone = 9  # the column of `content`
    assert [row for row in content(index) if not row[gone]] == content(clean)
    assert answers(index) == answers(clean)


def test_a_new_page(lib: Path, index: Path) -> None:
    """Only the new page is encoded, and it is found."""
    page(lib / "1", 1)
    build(lib, index)
    page(lib / "2", 2)
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (1, 0, 0, 0, 1)
    assert encoder.encoded == 4
    as_if_built_at_once(lib, index)


def test_a_changed_picture(lib: Path, index: Path) -> None:
    """A redrawn page is encoded again, found by its new drawing and no longer by its old one."""
    page(lib / "1", 1)
    page(lib / "2", 2)
    build(lib, index)
    old = by_place(index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        was = opened.panel_image(old["1.png", 1])
    page(lib / "1", 3)
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (0, 1, 0, 0, 1)
    assert encoder.encoded == 4
    assert {k: p.id for k, p in by_place(index).items()} == {k: p.id for k, p in old.items()}
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(image=was)[0].score < 0.99
        now = opened.panel_image(opened.panel(old["1.png", 1].id))
        assert (top := opened.search(image=now)[0]).panel.id == old["1.png", 1].id
        assert top.score > 0.999
    as_if_built_at_once(lib, index)


def test_a_changed_annotation(lib: Path, index: Path) -> None:
    """New text under the same drawing is found, the old text is not, and the ids stay."""
    page(lib / "1", 1, ["old words", "", "", ""])
    build(lib, index)
    old = by_place(index)
    put(lib / "1.json", stage1(["new phrase", "", "", ""]))
    assert statuses(build(lib, index)) == (0, 1, 0, 0, 0)
    now = by_place(index)
    assert {k: p.id for k, p in now.items()} == {k: p.id for k, p in old.items()}
    assert now["1.png", 1].dialogue == "new phrase"
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert [(h.panel.id, h.matched_words) for h in opened.search(text="phrase")] == [
            (now["1.png", 1].id, ("phrase",))
        ]
        assert opened.search(text="old")[0].matched_words == ()
    as_if_built_at_once(lib, index)


def test_an_annotation_added_and_taken_away(lib: Path, index: Path) -> None:
    """A new annotation replaces detected panels; when it is deleted, panels are detected again."""
    put(lib / "1.png", drawn(5, 4, (400, 600)))
    build(lib, index)
    found = [p.box for p in panels(index)]
    put(lib / "1.json", stage1(["whole"], [(0, 0, 400, 600)], (400, 600)))
    assert statuses(build(lib, index)) == (0, 1, 0, 0, 0)
    assert [(p.box.as_list(), p.dialogue) for p in panels(index)] == [([0, 0, 400, 600], "whole")]
    (lib / "1.json").unlink()
    assert statuses(build(lib, index)) == (0, 1, 0, 0, 0)
    assert [p.box for p in panels(index)] == found


def test_a_page_gone_and_back(lib: Path, index: Path) -> None:
    """A removed page is not found; put back, it is found again under its ids without being encoded."""
    for n in (1, 2, 3):
        page(lib / str(n), n, [f"line {n}", "", "", ""])
    build(lib, index)
    before, hits = by_place(index), answers(index, ["line 2"])
    kept = {p.name: p.read_bytes() for p in lib.glob("2.*")}
    times = {p.name: p.stat() for p in lib.glob("2.*")}
    for name in kept:
        (lib / name).unlink()
    assert statuses(build(lib, index)) == (0, 0, 1, 0, 2)
    assert {key[0] for key in by_place(index)} == {"1.png", "3.png"}
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert "2" not in {w for h in opened.search(text="line 2") for w in h.matched_words}
        assert {h.panel.page_path for h in opened.search(panel=before["1.png", 1].id, k=50)} == {"1.png", "3.png"}
    as_if_built_at_once(lib, index)
    for name, data in kept.items():
        put(lib / name, data)
        os.utime(lib / name, ns=(times[name].st_atime_ns, times[name].st_mtime_ns))
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (0, 0, 0, 1, 2)
    assert encoder.encoded == 0
    assert by_place(index) == before
    assert answers(index, ["line 2"]) == hits


def test_back_again_with_another_date(lib: Path, index: Path) -> None:
    """Restored from a copy, with new file dates: recognised by content, not encoded."""
    page(lib / "1", 1)
    page(lib / "2", 2)
    build(lib, index)
    hits = answers(index)
    kept = {p: p.read_bytes() for p in lib.glob("2.*")}
    for path in kept:
        path.unlink()
    build(lib, index)
    for path, data in kept.items():
        put(path, data)
        os.utime(path, (1, 1))
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (0, 0, 0, 1, 1)
    assert encoder.encoded == 0
    assert answers(index) == hits


def test_back_again_but_changed(lib: Path, index: Path) -> None:
    """A page that returns with another drawing is a changed page, encoded and found as it is now."""
    page(lib / "1", 1)
    page(lib / "2", 2)
    build(lib, index)
    for path in lib.glob("2.*"):
        path.unlink()
    build(lib, index)
    page(lib / "2", 7)
    assert statuses(build(lib, index)) == (0, 1, 0, 0, 1)
    as_if_built_at_once(lib, index)


def test_a_touched_file(lib: Path, index: Path) -> None:
    """A new date on the same content costs a look, not an encoding, and the next build does not look again."""
    page(lib / "1", 1)
    build(lib, index)
    os.utime(lib / "1.png", (1_000, 1_000))
    encoder = GridEncoder()
    report = build(lib, index, encoder)
    assert (statuses(report), encoder.encoded, report.generation) == ((0, 0, 0, 0, 1), 0, 1)
    seen = []
    build(lib, index, encoder, progress=seen.append)
    assert {p.total for p in seen if p.stage == "encode"} == {0}


def test_a_page_inserted_in_the_middle(lib: Path, index: Path) -> None:
    """The pages after it are numbered anew without being encoded; their ids stay."""
    for name in ("1", "3", "4"):
        page(lib / name, int(name), [f"number {name}", "", "", ""])
    build(lib, index)
    before = by_place(index)
    page(lib / "2", 2, ["number 2", "", "", ""])
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (1, 0, 0, 0, 3)
    assert encoder.encoded == 4
    now = by_place(index)
    assert {p.page_path: p.page_number for p in now.values()} == {"1.png": 1, "2.png": 2, "3.png": 3, "4.png": 4}
    assert all(now[key].id == panel.id for key, panel in before.items())
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="number 4", where={"page": 4})[0].panel.dialogue == "number 4"
    as_if_built_at_once(lib, index)


def test_a_page_removed_from_the_middle(lib: Path, index: Path) -> None:
    """The pages after it move up."""
    for n in (1, 2, 3):
        page(lib / str(n), n)
    build(lib, index)
    for path in lib.glob("2.*"):
        path.unlink()
    assert statuses(build(lib, index)) == (0, 0, 1, 0, 2)
    assert {p.page_path: p.page_number for p in panels(index)} == {"1.png": 1, "3.png": 2}
    as_if_built_at_once(lib, index)


def test_a_removed_book(lib: Path, index: Path) -> None:
    """A book that went is in no listing and no result; put back, it returns without being encoded."""
    page(lib / "A" / "1", 1, ["alpha", "", "", ""])
    page(lib / "B" / "1", 2, ["beta", "", "", ""])
    build(lib, index)
    hits = answers(index, ["beta"])
    (lib / "B").rename(lib.parent / "away")
    assert statuses(build(lib, index)) == (0, 0, 1, 0, 1)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert [b.title for b in opened.books()] == ["A"]
        assert {h.panel.book for h in opened.search(text="beta", k=50)} == {"A"}
    (lib.parent / "away").rename(lib / "B")
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (0, 0, 0, 1, 1)
    assert encoder.encoded == 0
    assert answers(index, ["beta"]) == hits


def test_an_empty_source_touches_nothing(lib: Path, index: Path) -> None:
    """A drive that is not mounted looks like an empty folder: it is reported, and no page counts as missing."""
    page(lib / "1", 1)
    build(lib, index)
    hits = answers(index)
    lib.rename(lib.parent / "unmounted")
    lib.mkdir()
    report = build(lib, index)
    assert report.pages_missing == 0
    assert "no comics found" in report.skipped[0][1]
    lib.rmdir()
    (lib.parent / "unmounted").rename(lib)
    assert statuses(build(lib, index)) == (0, 0, 0, 0, 1)
    assert answers(index) == hits


def test_another_source_leaves_the_first_alone(lib: Path, index: Path) -> None:
    """Building a second source adds to the index; the first one's pages are neither missing nor encoded."""
    page(lib / "1", 1)
    build(lib, index)
    other = lib.parent / "other"
    page(other / "1", 2)
    encoder = GridEncoder()
    report = build(other, index, encoder)
    assert (report.pages_new, report.pages_missing, report.pages, encoder.encoded) == (1, 0, 2, 4)


def test_a_damaged_page_and_its_return(lib: Path, index: Path) -> None:
    """A page that becomes unreadable is missing and reported; the same page restored is not encoded again."""
    page(lib / "1", 1)
    page(lib / "2", 2)
    build(lib, index)
    hits, whole = answers(index), (lib / "2.png").read_bytes()
    put(lib / "2.png", whole[: len(whole) // 2])
    report = build(lib, index)
    assert (report.pages, report.pages_missing, report.pages_unchanged) == (1, 1, 1)
    assert [path for path, _ in report.skipped] == ["2.png"]
    again = build(lib, index)
    assert (again.pages_missing, len(again.skipped)) == (0, 1)
    put(lib / "2.png", whole)
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (0, 0, 0, 1, 1)
    assert encoder.encoded == 0
    assert answers(index) == hits


def test_a_damaged_page_replaced_by_a_good_one(lib: Path, index: Path) -> None:
    """A page that never could be read is new when it can."""
    page(lib / "1", 1)
    put(lib / "2.png", b"GIF89a")
    assert build(lib, index).pages_new == 1
    page(lib / "2", 2)
    assert statuses(build(lib, index)) == (1, 0, 0, 0, 1)
    as_if_built_at_once(lib, index)


def test_a_page_inside_an_archive_changes(lib: Path, index: Path) -> None:
    """Of an archive packed again, only the page that differs is encoded."""
    members = {f"{n}.png": speckled(n * 30) for n in range(1, 5)}
    cbz(lib / "a.cbz", members)
    build(lib, index)
    cbz(lib / "a.cbz", members | {"2.png": speckled(200)})
    encoder = GridEncoder()
    assert statuses(build(lib, index, encoder)) == (0, 1, 0, 0, 3)
    assert encoder.encoded == 1
    as_if_built_at_once(lib, index)


def test_ids_of_unchanged_boxes_stay(lib: Path, index: Path) -> None:
    """Boxes added at the end and removed leave the ids of the others as they were."""
    page(lib / "1", 1, ["a", "b"], [A, B])
    page(lib / "2", 2)
    build(lib, index)
    before = {tuple(p.box.as_list()): p.id for p in panels(index) if p.page_number == 1}
    page(lib / "1", 1, ["a", "b", "c"], [A, B, NEW_BOX])
    build(lib, index)
    now = {tuple(p.box.as_list()): p.id for p in panels(index) if p.page_number == 1}
    assert {box: now[box] for box in before} == before
    assert now[NEW_BOX] not in {p.id for p in panels(index) if p.page_number == 2} | set(before.values())
    page(lib / "1", 1, ["b"], [B])
    build(lib, index)
    assert [(p.id, p.number, p.dialogue) for p in panels(index) if p.page_number == 1] == [(before[B], 1, "b")]
    as_if_built_at_once(lib, index)


@pytest.mark.parametrize("boxes", [[NEW_BOX, A, B], [A, NEW_BOX, B], [NEW_BOX, A]])
def test_a_box_put_before_kept_ones_on_the_newest_page(lib: Path, index: Path, boxes: list[tuple[int, ...]]) -> None:
    """A new box may come before the kept ones, also on the page that has the highest ids."""
    page(lib / "1", 1, ["a", "b"], [A, B])
    build(lib, index)
    before = {tuple(p.box.as_list()): p.id for p in panels(index)}
    page(lib / "1", 1, ["x"] * len(boxes), boxes)
    build(lib, index)
    now = {tuple(p.box.as_list()): p.id for p in panels(index)}
    assert set(now) == set(boxes)
    assert all(now[box] == number for box, number in before.items() if box in now)


def test_boxes_change_places(lib: Path, index: Path) -> None:
    """Boxes in another order keep their ids and get new numbers."""
    page(lib / "1", 1, ["a", "b"], [A, B])
    build(lib, index)
    before = {tuple(p.box.as_list()): p.id for p in panels(index)}
    page(lib / "1", 1, ["b", "a"], [B, A])
    build(lib, index)
    assert [(p.number, p.id, p.dialogue) for p in panels(index)] == [(1, before[B], "b"), (2, before[A], "a")]
    as_if_built_at_once(lib, index)


def test_ids_are_not_used_again(lib: Path, index: Path) -> None:
    """A panel whose box is new never gets the id of one that went: identity is (source, page, box)."""
    page(lib / "1", 1, ["a", "b"], [A, B])
    build(lib, index)
    old = {tuple(p.box.as_list()): p.id for p in panels(index)}
    page(lib / "1", 1, ["a", "c"], [A, NEW_BOX])
    build(lib, index)
    now = {tuple(p.box.as_list()): p.id for p in panels(index)}
    assert now[A] == old[A]
    assert now[NEW_BOX] != old[B]


def test_twins_are_both_found(lib: Path, index: Path) -> None:
    """Identical panels on two pages, and identical pages in two books, are panels of their own with score 1."""
    for name in ("A/1", "A/2", "B/1"):
        page(lib / name, 1, ["same", "", "", ""])
    report = build(lib, index)
    assert (report.panels, report.encoded) == (12, 12)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        first = by_place(index)["A/1.png", 2]
        hits = opened.search(panel=first.id, k=4)
        assert {h.panel.page_path for h in hits[:3]} == {"A/1.png", "A/2.png", "B/1.png"}
        assert [h.score for h in hits[:3]] == pytest.approx([1, 1, 1], abs=1e-6)
        assert hits[3].score < 0.999
        assert len({h.panel.page_path for h in opened.search(text="same", k=3)}) == 3


def test_one_twin_goes(lib: Path, index: Path) -> None:
    """Removing one of two identical pages leaves the other."""
    page(lib / "1", 1)
    page(lib / "2", 1)
    build(lib, index)
    for path in lib.glob("1.*"):
        path.unlink()
    build(lib, index)
    assert Counter(p.page_path for p in panels(index)) == {"2.png": 4}
    as_if_built_at_once(lib, index)


def test_how_panels_are_found_changes(lib: Path, index: Path) -> None:
    """Another way of finding panels looks at unannotated pages again; going back to it does so once more."""
    put(lib / "1.png", drawn(5, 4, (400, 600)))
    build(lib, index)
    assert statuses(build(lib, index, page_is_panel=True)) == (0, 1, 0, 0, 0)
    assert [p.box.as_list() for p in panels(index)] == [[0, 0, 400, 600]]
    assert statuses(build(lib, index)) == (0, 1, 0, 0, 0)
    assert len(panels(index)) == 4


def test_many_random_changes(lib: Path, index: Path) -> None:
    """Whatever happens to a library between builds, the index is that of a clean build."""
    dice = random.Random(5)
    for n in range(6):
        put(lib / f"{n % 2}" / f"{n}.png", speckled(40 * n))
    for round_ in range(12):
        build(lib, index, page_is_panel=True)
        for _ in range(dice.randrange(1, 4)):
            path = lib / str(dice.randrange(3)) / f"{dice.randrange(8)}.png"
            if path.exists() and dice.random() < 0.5 and len(list(lib.rglob("*.png"))) > 2:
                path.unlink()
            else:
                put(path, speckled(dice.randrange(256)))
                os.utime(path, (round_ + 1, round_ + 1))
    build(lib, index, page_is_panel=True)
    clean = index.with_name("clean.index")
    build(lib, clean, page_is_panel=True)
    assert [row for row in content(index) if not row[9]] == content(clean)
    assert answers(index) == answers(clean)


def test_replaced_vectors_are_not_searched(lib: Path, index: Path) -> None:
    """After a change, no catalog row and no generation names the vectors of what was there before."""
    page(lib / "1", 1)
    build(lib, index)
    with Catalog.open(catalog_url(index)) as catalog:
        before = set(catalog.panels.vector_rows()[1].tolist())
    page(lib / "1", 2)
    build(lib, index)
    with Catalog.open(catalog_url(index)) as catalog, PanelIndex.open(index) as opened:
        now = set(catalog.panels.vector_rows()[1].tolist())
        assert not before & now
        assert {int(r) for v in opened.generation.views.values() for r in v.rows} == now
