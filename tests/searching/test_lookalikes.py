"""Look-alikes: the same drawing in several books, rejected pairs, and groups of pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.errors import IndexDamaged
from retrieval.images.keypoints import NO_KEYPOINTS, Keypoints, extract_keypoints, to_grey
from retrieval.overview.lookalike_groups import Group, LookalikePairs, group_pairs, with_panels
from retrieval.overview.lookalikes import MIN_OVERLAP, load_lookalikes, make_lookalikes, overlap
from retrieval.overview.rejected_pairs import FILE, RejectedPairs
from tests.conftest import GridEncoder, unit
from tests.searching.synthetic import Row, clustered, write_index
from ui.cli.main import main


@pytest.fixture(scope="module")
def reprints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an index: book B repeats two pages of book A, one smaller, one mirrored; book C repeats none."""
    comics = tmp_path_factory.mktemp("reprints") / "comics"
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
    build_index([comics], folder, encoder=MirrorEncoder(), workers=0, ocr=False, page_is_panel=True)
    return folder


def drawing(seed: int) -> Image.Image:
    """Return a page with soft spots of colour and ink lines over them, different for each seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(100, 256, (6, 5, 3), np.uint8)
    page = np.asarray(Image.fromarray(small).resize((400, 600), Image.Resampling.BICUBIC)).copy()
    for _ in range(60):
        points = rng.integers(0, 600, (3, 2)).astype(np.int32)
        cv2.polylines(page, [points], isClosed=False, color=(30, 30, 30), thickness=int(rng.integers(1, 5)))
    return Image.fromarray(page)


class MirrorEncoder(GridEncoder):
    """An encoder for which an image and its mirror image are the same, as they nearly are for `small`."""

    @staticmethod
    def picture(picture: Any) -> Any:
        flipped = np.ascontiguousarray(picture[:, ::-1])
        return unit(GridEncoder.picture(picture) + GridEncoder.picture(flipped))


def places_of(index: PanelIndex, group: Group) -> set[tuple[str, int, bool]]:
    """Return (book, page, mirrored) of the panels of a group."""
    return {(each.panel.book, each.panel.page_number, each.mirrored) for each in with_panels(index, group)}


def test_reprints_and_mirror_images_are_found(reprints: Path) -> None:
    """There are two groups of two books each and no other; the mirrored panel is marked."""
    with PanelIndex.open(reprints, encoder=MirrorEncoder()) as index:
        assert load_lookalikes(index) is None
        groups = make_lookalikes(index)
        assert load_lookalikes(index) == groups
        assert [places_of(index, group) for group in groups] == [
            {("A", 2, False), ("B", 1, False)},
            {("A", 3, False), ("B", 2, True)},
        ]
        assert all(overlap > 2 * MIN_OVERLAP for group in groups for overlap, _ in group.values())


def test_rejected_pairs_stay_excluded(reprints: Path) -> None:
    """A rejected pair is excluded from stored and new groups, also after a rebuild, until it is restored."""
    with PanelIndex.open(reprints, encoder=MirrorEncoder()) as index:
        first = make_lookalikes(index)[0]
        one, other = first
        RejectedPairs(reprints).add(other, first)
        assert len(load_lookalikes(index) or []) == 1
        (reprints.parent / "comics" / "C" / "2.png").unlink()
        build_index(
            [reprints.parent / "comics"], reprints, encoder=MirrorEncoder(), workers=0, ocr=False, page_is_panel=True
        )
        assert index.refresh()
        assert load_lookalikes(index) is None
        assert len(make_lookalikes(index)) == 1
        RejectedPairs(reprints).remove(one, [other])
        assert len(load_lookalikes(index) or []) == 2


def test_a_damaged_file_of_rejected_pairs(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is a text file and not a database, although it is as long as one")
    message = r"rejected_pairs\.sqlite: the list of rejected pairs is damaged .*\nrestore it from a copy"
    with pytest.raises(IndexDamaged, match=message):
        RejectedPairs(tmp_path).pairs()


def test_groups_of_connected_pairs() -> None:
    """Chains are one group, mirrored twice is not mirrored, and a panel rejected with one of a group is left out."""
    ids = np.array([[1, 2], [2, 3], [5, 6], [1, 9]], np.int64)
    pairs = LookalikePairs(
        ids, np.ones(4, np.float32), np.array([0.9, 0.8, 1, 0.7], np.float32), np.array([1, 1, 0, 0], bool)
    )
    groups = [{k: (round(v[0], 3), v[1]) for k, v in group.items()} for group in group_pairs(pairs, set())]
    assert groups == [
        {1: (0.9, False), 2: (0.9, True), 9: (0.7, False), 3: (0.8, False)},
        {5: (1.0, False), 6: (1.0, False)},
    ]
    assert [set(group) for group in group_pairs(pairs, {(1, 3), (5, 6)})] == [{1, 2, 9}]
    assert group_pairs(LookalikePairs(ids[:0], pairs.scores[:0], pairs.overlap[:0], pairs.mirrored[:0]), set()) == []


def keypoints_of(image: Image.Image) -> Keypoints:
    return extract_keypoints(to_grey(np.asarray(image)))


def test_overlap_distinguishes_drawings() -> None:
    """A smaller, darker or cropped drawing overlaps; a blank image overlaps with none, nor with itself."""
    one, other = drawing(1), drawing(2)
    assert overlap(keypoints_of(one), keypoints_of(one)) > 0.5  # ambiguous keypoints are not counted
    assert (
        overlap(keypoints_of(one), keypoints_of(one.resize((200, 300)).point(lambda value: value // 2 + 20)))
        > 2 * MIN_OVERLAP
    )
    assert overlap(keypoints_of(one), keypoints_of(one.crop((60, 90, 360, 540)))) > MIN_OVERLAP
    assert overlap(keypoints_of(one), keypoints_of(other)) == 0
    blank = keypoints_of(Image.new("RGB", (60, 40), "white"))
    assert overlap(blank, blank) == overlap(blank, keypoints_of(one)) == overlap(NO_KEYPOINTS, NO_KEYPOINTS) == 0


def test_the_commands(reprints: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`map` makes the map once and reports it; `lookalikes --json` has the place of every panel."""
    main(["map", "--index", str(reprints), "--json", "--quiet"])
    assert json.loads(capsys.readouterr().out)["made"] is True
    main(["map", "--index", str(reprints)])
    assert "already up to date" in capsys.readouterr().out
    main(["lookalikes", "--index", str(reprints), "--json"])
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [[(each["book"], each["page"], each["mirrored"]) for each in group] for group in groups] == [
        [("A", 2, False), ("B", 1, False)],
        [("A", 3, False), ("B", 2, True)],
    ]
    main(["lookalikes", "--index", str(reprints)])
    assert "B, page 2, panel 1, mirrored" in capsys.readouterr().out


def test_one_book_has_no_lookalikes(tmp_path: Path) -> None:
    """Equal panels within one book are not look-alikes."""
    picture = clustered(20, 1)
    picture[3] = picture[4]
    folder = write_index(tmp_path / "i", [Row("B", n + 1, 1) for n in range(20)], picture)
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        assert make_lookalikes(index) == []
