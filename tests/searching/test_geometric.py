"""Geometric verification: a crop of a drawing finds it among similar panels; searches work without thumbnails."""

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
from retrieval import Filter, PanelIndex
from retrieval.encoder.protocol import QueryVectors
from retrieval.encoder.spec import DIMENSION
from retrieval.evaluation.distortions import distort
from retrieval.images.keypoints import (
    MIN_INLIERS,
    NO_MATCH,
    SIDE,
    AffineMatch,
    Keypoints,
    _match_descriptors,
    count_inliers,
    extract_keypoints,
    match_affine,
    ncc,
    pack_thumbnail_keypoints,
    thumbnail_to_grey,
    to_grey,
    unpack_keypoints,
)
from retrieval.images.thumbnail import encode_thumbnail
from retrieval.records import View
from retrieval.search.candidates import Candidates
from retrieval.search.query import Query, ViewQuery
from retrieval.search.query_vectors import EncodedQuery
from retrieval.search.ranking import geometric
from retrieval.search.ranking.context import RankingContext
from retrieval.search.ranking.geometric import VERIFIED
from retrieval.store.thumbnails import Thumbnails
from tests.conftest import GridEncoder

Pixels = NDArray[np.uint8]


def drawing(seed: int, size: tuple[int, int] = (480, 360)) -> Pixels:
    """Return ink lines on paper, (H, W, 3) uint8; all drawings are equally grey and busy."""
    rng = np.random.default_rng(seed)
    paper = np.full((size[1], size[0], 3), 235, np.uint8)
    for _ in range(60):
        points = rng.integers(0, max(size), (3, 2)).astype(np.int32)
        cv2.polylines(paper, [points], isClosed=False, color=(30, 30, 30), thickness=int(rng.integers(1, 5)))
    return paper


def keypoints_of(image: Pixels) -> Keypoints:
    return extract_keypoints(to_grey(image))


def test_a_crop_matches_its_own_drawing_only() -> None:
    whole = drawing(1)
    crop = keypoints_of(whole[100:320, 160:420])
    assert count_inliers(crop, keypoints_of(whole)) >= 3 * MIN_INLIERS
    assert max(count_inliers(crop, keypoints_of(drawing(seed))) for seed in range(2, 12)) < MIN_INLIERS


@pytest.mark.parametrize("change", ["block", "turned", "small", "yellowed"])
def test_a_changed_drawing_still_matches(change: str) -> None:
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
    assert count_inliers(keypoints_of(altered), keypoints_of(whole)) >= MIN_INLIERS


@pytest.mark.parametrize("kind", ["jpeg", "scan", "photo"])
def test_panels_that_differ_only_in_their_lettering_are_distinguished(kind: str) -> None:
    """They share nearly all keypoints; pixel-wise, a copy correlates best with its original."""
    variants = [drawing(1) for _ in range(4)]
    for variant, words in zip(variants, ("WHO IS THERE?", "NOBODY", "IT IS LATE", "GO BACK TO BED"), strict=True):
        cv2.putText(variant, words, (90, 60), cv2.FONT_HERSHEY_DUPLEX, 1.1, (10, 10, 10), 2)
    greys = [to_grey(variant) for variant in variants]
    for number, variant in enumerate(variants):
        copy = distort(variant, kind, key=number)
        assert copy is not None
        query = to_grey(copy)
        matches = [match_affine(extract_keypoints(query), extract_keypoints(grey)) for grey in greys]
        assert min(match.inliers for match in matches) >= MIN_INLIERS
        correlations = [ncc(query, grey, match) for grey, match in zip(greys, matches, strict=True)]
        assert int(np.argmax(correlations)) == number, correlations
        assert correlations[number] > 0.6


def test_ncc_ignores_brightness_and_is_zero_without_a_drawing() -> None:
    one, other = to_grey(drawing(1)), to_grey(drawing(2))
    itself = AffineMatch(99, np.array([[1, 0, 0], [0, 1, 0]], np.float64))
    assert ncc(one, one, itself) == pytest.approx(1, abs=1e-3)
    assert ncc(one, np.asarray(0.4 * one + 80, np.uint8), itself) == pytest.approx(1, abs=0.02)
    assert ncc(one, 255 - one, itself) == pytest.approx(-1, abs=1e-3)
    assert abs(ncc(one, other, itself)) < 0.3
    assert ncc(np.full_like(one, 200), np.full_like(one, 90), itself) == 0
    assert ncc(one, one, NO_MATCH) == 0
    assert ncc(one, one, AffineMatch(9, np.array([[1, 0, 5000], [0, 1, 0]], np.float64))) == 0  # outside the image


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (300, 2), (400, 400)])
def test_blank_images_have_no_keypoints_and_match_nothing(shape: tuple[int, int]) -> None:
    blank = keypoints_of(np.full((*shape, 3), 255, np.uint8))
    assert blank.points.shape == (0, 2)
    assert blank.descriptors.shape == (0, 32)
    assert count_inliers(blank, keypoints_of(drawing(1))) == 0
    assert count_inliers(keypoints_of(drawing(1)), blank) == 0


def test_inliers_are_the_same_in_every_run() -> None:
    crop, whole = keypoints_of(drawing(1)[60:300, 60:300]), keypoints_of(drawing(1))
    assert len({count_inliers(crop, whole) for _ in range(5)}) == 1


def test_thumbnails_have_the_size_of_keypoint_detection() -> None:
    with Image.open(io.BytesIO(encode_thumbnail(Image.fromarray(drawing(1, (900, 700)))))) as small:
        assert max(small.size) >= SIDE


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Write fifteen drawings that a coarse grid of colours can hardly distinguish."""
    (tmp_path / "comics").mkdir()
    for seed in range(15):
        Image.fromarray(drawing(seed)).save(tmp_path / "comics" / f"{seed:02}.png")
    return tmp_path / "comics"


def built(library: Path, folder: Path, thumbnails: bool = True) -> Path:
    build_index(
        [library], folder, encoder=GridEncoder(), page_is_panel=True, workers=0, thumbnails=thumbnails, ocr=False
    )
    return folder


def ranks(folder: Path, queries: Iterator[tuple[int, Pixels]]) -> list[int]:
    """Return the rank of the right drawing for each query."""
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        results = [(seed, index.search(image=image, k=15)) for seed, image in queries]
        return [next(h.rank for h in hits if h.panel.page_number == seed + 1) for seed, hits in results]


def crops() -> Iterator[tuple[int, Pixels]]:
    return ((seed, drawing(seed)[80:300, 120:400]) for seed in range(15))


def test_crops_find_their_drawing_first_and_scores_stay_cosines(library: Path, tmp_path: Path) -> None:
    with_thumbnails = built(library, tmp_path / "a.index")
    without = built(library, tmp_path / "b.index", thumbnails=False)
    assert ranks(with_thumbnails, crops()) == [1] * 15
    assert np.mean(np.array(ranks(without, crops())) == 1) < 0.5  # else the test shows nothing
    crop = next(crops())[1]
    with (
        PanelIndex.open(with_thumbnails, encoder=GridEncoder()) as one,
        PanelIndex.open(without, encoder=GridEncoder()) as other,
    ):
        scores = {h.panel.page_number: h.score for h in one.search(image=crop, k=15)}
        assert scores == {h.panel.page_number: h.score for h in other.search(image=crop, k=15)}


def test_the_query_image_itself_has_the_highest_ranking_score(library: Path, tmp_path: Path) -> None:
    with PanelIndex.open(built(library, tmp_path / "a.index"), encoder=GridEncoder()) as index:
        whole, crop = drawing(3), drawing(3)[80:300, 120:400]
        first, part = (index.search(image=query, k=2) for query in (whole, crop))
        assert first[0].panel.id == part[0].panel.id
        assert first[0].score == pytest.approx(1, abs=1e-3)
        assert first[0].ranking_score > part[0].ranking_score > part[1].ranking_score
        assert first[1].ranking_score < 1


def test_mirror_images_are_found(library: Path, tmp_path: Path) -> None:
    folder = built(library, tmp_path / "a.index")
    assert ranks(folder, ((seed, image[:, ::-1]) for seed, image in crops())) == [1] * 15


def test_damaged_or_missing_thumbnails_leave_the_order_of_cosines(library: Path, tmp_path: Path) -> None:
    folder = built(library, tmp_path / "a.index")
    with closing(sqlite3.connect(folder / "thumbnails" / "thumbnails.sqlite")) as file, file:
        file.execute("UPDATE thumbnail SET webp = x'00' WHERE row % 3 = 0")
        file.execute("DELETE FROM thumbnail WHERE row % 3 = 1")
    assert sorted(ranks(folder, crops()))[:5] == [1] * 5
    shutil.rmtree(folder / "thumbnails")
    assert len(ranks(folder, crops())) == 15


def strengths(folder: Path) -> list[list[tuple[int, float, float]]]:
    """Return the hits of each crop, plain and mirrored, with score and ranking score."""
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        images = [image for _, crop in crops() for image in (crop, crop[:, ::-1])]
        found = [index.search(image=image, k=15) for image in images]
        return [[(hit.panel.id, hit.score, hit.ranking_score) for hit in hits] for hits in found]


def test_stored_keypoints_change_no_answer(library: Path, tmp_path: Path) -> None:
    """Those that are missing, damaged or of another version are found anew, with the same ids, order and scores."""
    folder = built(library, tmp_path / "a.index")
    expected = strengths(folder)
    store = Thumbnails(folder)
    assert store.keypoint_rows() == store.stored_rows() == set(range(15))
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("UPDATE keypoints SET packed = x'00' WHERE row % 3 = 0")
        file.execute("DELETE FROM keypoints WHERE row % 3 = 1")
    store.put([], [(2, b"\2" + store.get_keypoints([2])[2][1:])])
    assert strengths(folder) == expected
    plain = tmp_path / "plain.index"
    build_index([library], plain, encoder=GridEncoder(), page_is_panel=True, workers=0, keypoints=False, ocr=False)
    assert Thumbnails(plain).keypoint_rows() == set()
    assert strengths(plain) == expected


def test_only_thumbnails_that_match_are_decoded(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With stored keypoints, a search decodes the one thumbnail that shows the drawing."""
    folder, decoded = built(library, tmp_path / "a.index"), list[bytes]()
    monkeypatch.setattr(geometric, "thumbnail_to_grey", lambda webp: decoded.append(webp) or thumbnail_to_grey(webp))
    with PanelIndex.open(folder, encoder=GridEncoder()) as index:
        hits = index.search(image=next(crops())[1], k=15)
        assert decoded == [index.thumbnail(hits[0].panel)]


def test_packed_keypoints_are_those_of_the_thumbnail() -> None:
    webp = encode_thumbnail(Image.fromarray(drawing(1)))
    found, packed = extract_keypoints(thumbnail_to_grey(webp)), pack_thumbnail_keypoints(webp)
    again = unpack_keypoints(packed)
    assert again is not None
    assert len(packed) == 1 + 40 * len(found.points) > 4_000
    assert np.array_equal(again.points, found.points)
    assert np.array_equal(again.descriptors, found.descriptors)
    blank = unpack_keypoints(pack_thumbnail_keypoints(encode_thumbnail(Image.new("RGB", (40, 40)))))
    assert blank is not None
    assert blank.descriptors.shape == (0, 32)
    for other in (b"", packed[:-1], b"\0" + packed[1:]):
        assert unpack_keypoints(other) is None


def test_descriptors_match_as_with_opencv() -> None:
    """The same pairs as OpenCV's matcher gives, with equally near and identical descriptors among them."""
    rng = np.random.default_rng(5)
    target = rng.integers(0, 256, (300, 32), np.uint8)
    target[::7] = target[1]
    query = np.concatenate([target[:200] ^ (rng.random((200, 32)) < 0.1), rng.integers(0, 256, (50, 32), np.uint8)])
    nearest = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(query, target, k=2)
    expected = [[a.queryIdx, a.trainIdx] for a, b in nearest if a.distance < 0.8 * b.distance]
    assert 100 < len(expected) < 200
    assert _match_descriptors(query, target).tolist() == expected


def test_result_pages_join(library: Path, tmp_path: Path) -> None:
    crop = next(crops())[1]
    with PanelIndex.open(built(library, tmp_path / "a.index"), encoder=GridEncoder()) as index:
        whole = [h.panel.id for h in index.search(image=crop, k=15)]
        joined = [h.panel.id for start in range(0, 15, 4) for h in index.search(image=crop, k=4, offset=start)]
    assert joined == whole


def test_candidates_that_are_not_verified_keep_their_order(library: Path, tmp_path: Path) -> None:
    """The drawing itself comes first; candidates after the first `VERIFIED` are as they were."""
    with PanelIndex.open(built(library, tmp_path / "a.index"), encoder=GridEncoder()) as index:
        whole = np.array([h.panel.id for h in index.search(image=next(crops())[1], k=15)], np.int64)
        ids = np.concatenate([whole, np.arange(1000, 1000 + VERIFIED)])
        rows = np.concatenate([index.generation.views[View.PICTURE].rows_of(whole[[n]])[1] for n in range(15)])
        scores = np.full(len(ids), 0.5, np.float32)
        candidates = Candidates(ids, np.concatenate([rows, ids[15:]]), scores, scores, complete=True)
        ordered = geometric.apply(candidates, context_of(index, drawing(index.panel(int(whole[0])).page_number - 1)))
    assert ordered.ids[0] == whole[0]
    assert sorted(ordered.ids[:VERIFIED]) == sorted(ids[:VERIFIED])
    assert ordered.ids[VERIFIED:].tolist() == ids[VERIFIED:].tolist()


def context_of(index: PanelIndex, image: Pixels) -> RankingContext:
    """Return the context of a search for an image whose vector does not matter."""
    vectors = QueryVectors(np.zeros((1, DIMENSION), np.float32), grey_image=to_grey(image))
    part = ViewQuery(Query(image=image), View.PICTURE)
    return index._searcher._context(part, EncodedQuery(vectors), Filter())
