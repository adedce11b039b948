"""Seen as a whole: the map of all panels, and look-alikes across books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.errors import IndexDamaged
from retrieval.images.keypoints import NO_DETAILS
from retrieval.overview.lookalikes import MIN_OVERLAP, LookalikePairs, RejectedPairs, group_pairs, overlap
from retrieval.overview.panel_map import FILE, _neighbours, make_map
from retrieval.records import View
from tests.conftest import GridEncoder, unit
from tests.searching.synthetic import Row, clustered, library, write_index
from ui.cli.main import main


@pytest.fixture(scope="module")
def islands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelIndex]:
    """240 panels around six centres that lie far apart."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(6, 512))
    picture = unit((centres[np.arange(240) % 6] + 0.3 * rng.normal(size=(240, 512))).astype(np.float32))
    folder = write_index(tmp_path_factory.mktemp("map") / "i", library(240, 1), picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as opened:
        yield opened


def test_similar_panels_lie_near_each_other(islands: PanelIndex) -> None:
    """On the map each panel's nearest ten come from its own island; everything lies in the unit square."""
    told: list[tuple[str, int, int]] = []
    assert islands.panel_map() is None
    found = islands.panel_map(lambda *moment: told.append(moment))
    assert found is not None
    assert found.ids.tolist() == list(range(1, 241))
    assert 0 <= found.points.min() < 0.02
    assert 0.98 < found.points.max() <= 1
    apart = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    near = np.argsort(apart, axis=1)[:, 1:11]
    assert (near % 6 == np.arange(240)[:, None] % 6).mean() > 0.99
    assert told[-1][0] == "grouping"
    assert ("laying out", 600, 600) in told


def test_the_map_is_made_once(islands: PanelIndex) -> None:
    """It lies beside the generation; damaged it is as if there were none. Groups are numbered from the largest."""
    islands.panel_map(lambda *_: None)
    found = islands.panel_map(lambda *_: pytest.fail("made twice"))
    assert found is not None
    sizes = np.bincount(found.groups)
    assert len(sizes) == 12
    assert sizes.tolist() == sorted(sizes, reverse=True)
    (islands.folder / "generations" / "1" / FILE).write_bytes(b"PK no map")
    assert islands.panel_map() is None


def test_making_a_map_can_be_stopped(islands: PanelIndex) -> None:
    """Whoever is told may raise, in the middle of the layout as well."""

    def stop(stage: str, done: int, _: int) -> None:
        if stage == "laying out" and done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_map(islands.generation.views[View.PICTURE], islands.vector_store, stop)


@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_small_maps(tmp_path: Path, count: int) -> None:
    """Also one panel, and twins, have a place."""
    picture = clustered(count, 2)
    picture[count // 2 :] = picture[count // 2]
    with PanelIndex.open(write_index(tmp_path / "i", library(count, 1), picture), encoder=GridEncoder()) as index:
        found = index.panel_map(lambda *_: None)
    assert found is not None
    assert found.points.shape == (count, 2)
    assert np.isfinite(found.points).all()
    assert ((found.points >= 0) & (found.points <= 1)).all()


def test_neighbours_leave_the_panel_itself_out() -> None:
    """Against plain NumPy, twins included."""
    rows = clustered(60, 3)[:, :50].copy()
    rows[7] = rows[8]
    places, distances = _neighbours(rows, 9)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :9], atol=2e-3)
    assert (places != np.arange(60)[:, None]).all()


# ----------------------------------------------------------------- look-alikes


@pytest.fixture(scope="module")
def reprints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Book A; book B repeats two of its pages, one of them mirrored, scanned smaller; book C has nothing of them."""
    comics = tmp_path_factory.mktemp("alike") / "comics"
    pages: dict[str, dict[str, Any]] = {
        "A": {"1": drawing(1), "2": drawing(2), "3": drawing(3)},
        "B": {"1": drawing(2).resize((360, 540)), "2": ImageOps.mirror(drawing(3)), "3": drawing(50)},
        "C": {"1": drawing(60), "2": drawing(61)},
    }
    for book, drawn in pages.items():
        (comics / book).mkdir(parents=True)
        for number, page in drawn.items():
            page.save(comics / book / f"{number}.png")
    folder = comics.parent / "my.index"
    build_index([comics], folder, encoder=BothWays(), workers=0, ocr=False, page_is_panel=True)
    return folder


def drawing(seed: int) -> Image.Image:
    """Soft blots of colour with ink lines over them, different in each."""
    rng = np.random.default_rng(seed)
    small = rng.integers(100, 256, (6, 5, 3), np.uint8)
    page = np.asarray(Image.fromarray(small).resize((400, 600), Image.Resampling.BICUBIC)).copy()
    for _ in range(60):
        points = rng.integers(0, 600, (3, 2)).astype(np.int32)
        cv2.polylines(page, [points], isClosed=False, color=(30, 30, 30), thickness=int(rng.integers(1, 5)))
    return Image.fromarray(page)


class BothWays(GridEncoder):
    """Sees a picture and its mirror image as the same, as `small` nearly does."""

    @staticmethod
    def picture(picture: Any) -> Any:
        flipped = np.ascontiguousarray(picture[:, ::-1])
        return unit(GridEncoder.picture(picture) + GridEncoder.picture(flipped))


def named(index: PanelIndex, group: dict[int, tuple[float, bool]]) -> set[tuple[str, int, bool]]:
    panels = index.catalog.panels.get(group)
    return {(panels[i].book, panels[i].page_number, mirrored) for i, (_, mirrored) in group.items()}


def test_reprints_and_mirrored_ones_are_found(reprints: Path) -> None:
    """Two groups of two books each, and nothing else; the mirrored one is said to be mirrored."""
    with PanelIndex.open(reprints, encoder=BothWays()) as index:
        assert index.lookalikes() is None
        groups = index.lookalikes(lambda *_: None)
        assert groups is not None
        assert [named(index, group) for group in groups] == [
            {("A", 2, False), ("B", 1, False)},
            {("A", 3, False), ("B", 2, True)},
        ]
        assert all(overlap > 2 * MIN_OVERLAP for group in groups for overlap, _ in group.values())


def test_not_the_same_is_remembered(reprints: Path) -> None:
    """Said once it holds for every later look, a rebuild included, until it is taken back."""
    with PanelIndex.open(reprints, encoder=BothWays()) as index:
        first = (index.lookalikes(lambda *_: None) or [])[0]
        one, other = first
        RejectedPairs(reprints).add(other, first)
        assert len(index.lookalikes() or []) == 1
        (reprints.parent / "comics" / "C" / "2.png").unlink()
        build_index(
            [reprints.parent / "comics"], reprints, encoder=BothWays(), workers=0, ocr=False, page_is_panel=True
        )
        assert index.refresh()
        assert len(index.lookalikes(lambda *_: None) or []) == 1
        RejectedPairs(reprints).remove(one, [other])
        assert len(index.lookalikes() or []) == 2


def test_a_damaged_memory_is_said(tmp_path: Path) -> None:
    (tmp_path / "lookalikes.sqlite").write_text("this is no database, it only says so at great length")
    with pytest.raises(IndexDamaged, match=r"lookalikes\.sqlite is damaged"):
        RejectedPairs(tmp_path).pairs()


def test_groups_follow_links_and_what_was_taken_apart() -> None:
    """Chains are one group, mirrored twice is straight, and what is not the same as one of a group stays out."""
    ids = np.array([[1, 2], [2, 3], [5, 6], [1, 9]], np.int64)
    pairs = LookalikePairs(
        ids, np.ones(4, np.float32), np.array([0.9, 0.8, 1, 0.7], np.float32), np.array([1, 1, 0, 0], bool)
    )
    like = [{k: (round(v[0], 3), v[1]) for k, v in group.items()} for group in group_pairs(pairs, set())]
    assert like == [
        {1: (0.9, False), 2: (0.9, True), 9: (0.7, False), 3: (0.8, False)},
        {5: (1.0, False), 6: (1.0, False)},
    ]
    assert [set(group) for group in group_pairs(pairs, {(1, 3), (5, 6)})] == [{1, 2, 9}]
    assert group_pairs(LookalikePairs(ids[:0], pairs.scores[:0], pairs.overlap[:0], pairs.mirrored[:0]), set()) == []


def seen(picture: Image.Image) -> Keypoints:
    return extract_keypoints(to_grey(np.asarray(picture)))


def test_likeness_tells_the_same_drawing_from_another() -> None:
    """Also smaller, darker and in part; an empty picture is like nothing, not even like another empty one."""
    one, other = drawing(1), drawing(2)
    assert overlap(seen(one), seen(one)) > 0.5  # details that are like others of their picture are not counted
    assert overlap(seen(one), seen(one.resize((200, 300)).point(lambda value: value // 2 + 20))) > 2 * MIN_OVERLAP
    assert overlap(seen(one), seen(one.crop((60, 90, 360, 540)))) > MIN_OVERLAP
    assert overlap(seen(one), seen(other)) == 0
    empty = seen(Image.new("RGB", (60, 40), "white"))
    assert overlap(empty, empty) == overlap(empty, seen(one)) == overlap(NO_DETAILS, NO_DETAILS) == 0


def test_the_commands(reprints: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`map` makes it once and says so; `lookalikes --json` has every panel's place."""
    RejectedPairs(reprints).pairs()
    main(["map", "--index", str(reprints), "--json", "--quiet"])
    assert json.loads(capsys.readouterr().out)["made"] is True
    main(["map", "--index", str(reprints)])
    assert "was there already" in capsys.readouterr().out
    main(["lookalikes", "--index", str(reprints), "--json"])
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [[(each["book"], each["page"], each["mirrored"]) for each in group] for group in groups] == [
        [("A", 2, False), ("B", 1, False)],
        [("A", 3, False), ("B", 2, True)],
    ]
    main(["lookalikes", "--index", str(reprints)])
    assert "B, page 2, panel 1, mirrored" in capsys.readouterr().out


def test_one_book_has_no_lookalikes(tmp_path: Path) -> None:
    """Panels that repeat within a book are no reprints."""
    picture = clustered(20, 1)
    picture[3] = picture[4]
    folder = write_index(tmp_path / "i", [Row("B", n + 1, 1) for n in range(20)], picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        assert index.lookalikes(lambda *_: None) == []
