"""Details: a piece of a drawing finds it among panels that look alike, and nothing is lost where none are known."""

from __future__ import annotations

import io
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.evaluation.distortions import distort
from retrieval.images.keypoints import (
    ENOUGH,
    NOWHERE,
    SIDE,
    Details,
    Place,
    agreement,
    details_of,
    grey_of,
    in_place,
    place_in,
)
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.search.ranking.geometric import LOOKED_AT, CloserLook
from retrieval.search.ranking.text_match import WordMatch
from retrieval.search.searcher import Ranked
from tests.conftest import GridEncoder

Pixels = NDArray[np.uint8]


def drawing(seed: int, size: tuple[int, int] = (480, 360)) -> Pixels:
    """Ink lines and blots on paper, (H, W, 3) uint8; all drawings are equally grey and busy."""
    rng = np.random.default_rng(seed)
    paper = np.full((size[1], size[0], 3), 235, np.uint8)
    for _ in range(60):
        points = rng.integers(0, max(size), (3, 2)).astype(np.int32)
        cv2.polylines(paper, [points], isClosed=False, color=(30, 30, 30), thickness=int(rng.integers(1, 5)))
    return paper


def seen(picture: Pixels) -> Details:
    return details_of(grey_of(picture))


def test_a_piece_lies_in_place_in_its_own_drawing_only() -> None:
    whole = drawing(1)
    piece = seen(whole[100:320, 160:420])
    assert in_place(piece, seen(whole)) >= 3 * ENOUGH
    assert max(in_place(piece, seen(drawing(seed))) for seed in range(2, 12)) < ENOUGH


@pytest.mark.parametrize("change", ["block", "turned", "small", "yellowed"])
def test_a_changed_drawing_is_still_known(change: str) -> None:
    whole = drawing(1)
    altered = whole.copy()
    if change == "block":
        altered[50:250, 100:300] = (200, 40, 40)
    elif change == "turned":
        turn = cv2.getRotationMatrix2D((240, 180), 12, 0.9)
        altered = np.asarray(cv2.warpAffine(whole, turn, (480, 360), borderValue=(90, 60, 40)), np.uint8)
    elif change == "small":
        altered = np.asarray(cv2.resize(whole, (160, 120), interpolation=cv2.INTER_AREA), np.uint8)
    else:
        altered = np.clip(whole * np.array([0.95, 0.85, 0.65]) + 10, 0, 255).astype(np.uint8)
    assert in_place(seen(altered), seen(whole)) >= ENOUGH


@pytest.mark.parametrize("kind", ["jpeg", "scan", "photo"])
def test_panels_that_differ_in_their_words_only_are_told_apart(kind: str) -> None:
    """They share nearly all details; spot by spot a copy agrees best with the one it was made of."""
    twins = [drawing(1) for _ in range(4)]
    for twin, words in zip(twins, ("WHO IS THERE?", "NOBODY", "IT IS LATE", "GO BACK TO BED"), strict=True):
        cv2.putText(twin, words, (90, 60), cv2.FONT_HERSHEY_DUPLEX, 1.1, (10, 10, 10), 2)
    greys = [grey_of(twin) for twin in twins]
    for number, twin in enumerate(twins):
        copy = distort(twin, kind, key=number)
        assert copy is not None
        asked = grey_of(copy)
        places = [place_in(details_of(asked), details_of(grey)) for grey in greys]
        assert min(place.count for place in places) >= ENOUGH
        agreed = [agreement(asked, grey, place) for grey, place in zip(greys, places, strict=True)]
        assert int(np.argmax(agreed)) == number, agreed
        assert agreed[number] > 0.6


def test_agreement_does_not_mind_light_and_is_nothing_where_nothing_is() -> None:
    one, other = grey_of(drawing(1)), grey_of(drawing(2))
    itself = Place(99, np.array([[1, 0, 0], [0, 1, 0]], np.float64))
    assert agreement(one, one, itself) == pytest.approx(1, abs=1e-3)
    assert agreement(one, np.asarray(0.4 * one + 80, np.uint8), itself) == pytest.approx(1, abs=0.02)
    assert agreement(one, 255 - one, itself) == pytest.approx(-1, abs=1e-3)
    assert abs(agreement(one, other, itself)) < 0.3
    assert agreement(np.full_like(one, 200), np.full_like(one, 90), itself) == 0
    assert agreement(one, one, NOWHERE) == 0
    assert agreement(one, one, Place(9, np.array([[1, 0, 5000], [0, 1, 0]], np.float64))) == 0  # lies beside it


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (300, 2), (400, 400)])
def test_pictures_without_details_have_none_and_share_none(shape: tuple[int, int]) -> None:
    blank = seen(np.full((*shape, 3), 255, np.uint8))
    assert blank.points.shape == (0, 2)
    assert blank.codes.shape == (0, 32)
    assert in_place(blank, seen(drawing(1))) == 0
    assert in_place(seen(drawing(1)), blank) == 0


def test_counts_are_the_same_in_every_run() -> None:
    piece, whole = seen(drawing(1)[60:300, 60:300]), seen(drawing(1))
    assert len({in_place(piece, whole) for _ in range(5)}) == 1


def test_thumbnails_are_as_large_as_details_are_looked_for() -> None:
    with Image.open(io.BytesIO(encode_thumbnail(Image.fromarray(drawing(1, (900, 700)))))) as small:
        assert max(small.size) >= SIDE


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Fifteen drawings that a coarse grid of colours can hardly tell apart."""
    (tmp_path / "comics").mkdir()
    for seed in range(15):
        Image.fromarray(drawing(seed)).save(tmp_path / "comics" / f"{seed:02}.png")
    return tmp_path / "comics"


def built(library: Path, folder: Path, thumbnails: bool = True) -> Path:
    build_index([library], folder, encoder=GridEncoder(), whole_pages=True, workers=0, thumbnails=thumbnails, ocr=False)
    return folder


def ranks(folder: Path, pieces: Iterator[tuple[int, Pixels]]) -> list[int]:
    """At which rank each piece finds its drawing."""
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        found = [(seed, index.search(image=piece, k=15)) for seed, piece in pieces]
        return [next(h.rank for h in hits if h.panel.page == seed + 1) for seed, hits in found]


def pieces() -> Iterator[tuple[int, Pixels]]:
    return ((seed, drawing(seed)[80:300, 120:400]) for seed in range(15))


def test_pieces_come_first_by_their_details_and_scores_stay_cosines(library: Path, tmp_path: Path) -> None:
    with_pictures = built(library, tmp_path / "a.index")
    without = built(library, tmp_path / "b.index", thumbnails=False)
    assert ranks(with_pictures, pieces()) == [1] * 15
    assert np.mean(np.array(ranks(without, pieces())) == 1) < 0.5  # else there is nothing to look closer for
    piece = next(pieces())[1]
    with (
        PanelIndex.open(with_pictures, encoder=GridEncoder()) as one,
        PanelIndex.open(without, encoder=GridEncoder()) as other,
    ):
        scores = {h.panel.page: h.score for h in one.search(image=piece, k=15)}
        assert scores == {h.panel.page: h.score for h in other.search(image=piece, k=15)}


def test_the_picture_itself_is_as_strong_a_hit_as_there_is(library: Path, tmp_path: Path) -> None:
    with PanelIndex.open(built(library, tmp_path / "a.index"), encoder=GridEncoder()) as index:
        whole, piece = drawing(3), drawing(3)[80:300, 120:400]
        first, part = (index.search(image=asked, k=2) for asked in (whole, piece))
        assert first[0].panel.id == part[0].panel.id
        assert first[0].score == pytest.approx(1, abs=1e-3)
        assert first[0].strength > part[0].strength > part[1].strength
        assert first[1].strength < 1


def test_mirrored_pictures_are_known_too(library: Path, tmp_path: Path) -> None:
    folder = built(library, tmp_path / "a.index")
    assert ranks(folder, ((seed, piece[:, ::-1]) for seed, piece in pieces())) == [1] * 15


def test_a_damaged_or_missing_small_picture_costs_nothing_but_its_help(library: Path, tmp_path: Path) -> None:
    folder = built(library, tmp_path / "a.index")
    with closing(sqlite3.connect(folder / "thumbnails" / "thumbnails.sqlite")) as file, file:
        file.execute("UPDATE thumbnail SET webp = x'00' WHERE row % 3 = 0")
        file.execute("DELETE FROM thumbnail WHERE row % 3 = 1")
    assert sorted(ranks(folder, pieces()))[:5] == [1] * 5
    shutil.rmtree(folder / "thumbnails")
    assert len(ranks(folder, pieces())) == 15


def test_pages_of_results_join_and_the_rest_follows_as_it_came(library: Path, tmp_path: Path) -> None:
    folder = built(library, tmp_path / "a.index")
    piece = next(pieces())[1]
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        whole = [h.panel.id for h in index.search(image=piece, k=15)]
        joined = [h.panel.id for start in range(0, 15, 4) for h in index.search(image=piece, k=4, offset=start)]
        assert joined == whole
        view, thumbnails = index.generation.views[next(iter(index.generation.views))], index._thumbnails
        asked = grey_of(drawing(index.panel(whole[0]).page - 1))
        many = [Ranked(place, 0.5, WordMatch(0.0, ()), 0.5) for place in [*whole, *range(1000, 1000 + LOOKED_AT)]]
        ordered = [item.id for item in CloserLook(asked, view, thumbnails).ordered(iter(many))]
        assert ordered[0] == whole[0]
        assert ordered[LOOKED_AT:] == [item.id for item in many[LOOKED_AT:]]
