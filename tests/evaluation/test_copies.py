"""Copies are what they are called, visibly, and the same in every run."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from retrieval.evaluation.distortions import BLOCK_SHARE, KINDS, LONGEST, copies_of, copy_of
from retrieval.evaluation.lettering import erase_lettering
from retrieval.evaluation.records import COPY_KINDS
from tests.conftest import draw_page

BALLOON = (40, 20, 360, 120)


@pytest.fixture(scope="module")
def panel() -> NDArray[np.uint8]:
    """A drawn panel, 400 x 300, with two lines of lettering in a white balloon."""
    picture = draw_page(5, panels=1, size=(400, 300))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle(BALLOON, 20, fill="white", outline="black", width=3)
    pen.text((70, 35), "I WAS NEVER HERE\nAND NOR WERE YOU", fill="black", font=ImageFont.load_default(26))
    return np.asarray(picture)


def test_the_kinds_have_the_names_of_the_settings() -> None:
    """What can be asked for is what there is, in the order of the table."""
    assert tuple(KINDS) == COPY_KINDS


@pytest.mark.parametrize("kind", COPY_KINDS)
def test_a_copy_is_the_same_in_every_run(panel: NDArray[np.uint8], kind: str) -> None:
    """Seed, panel and kind decide; another seed or panel gives another copy where anything is drawn at random."""
    copy, again = copy_of(panel, kind, seed=3, key="a"), copy_of(panel, kind, seed=3, key="a")
    assert copy is not None
    np.testing.assert_array_equal(copy, again)
    if kind not in ("mirror", "lettering"):
        for seed, key in ((4, "a"), (3, "b")):
            other = copy_of(panel, kind, seed=seed, key=key)
            assert other is not None
            assert not np.array_equal(copy, other), (seed, key)


@pytest.mark.parametrize("kind", COPY_KINDS)
def test_a_copy_is_a_picture_that_differs(panel: NDArray[np.uint8], kind: str) -> None:
    """uint8 RGB, and changed so that one sees it; the panel itself is left alone."""
    before = panel.copy()
    copy = copy_of(panel, kind)
    assert copy is not None
    assert copy.dtype == np.uint8
    assert copy.ndim == 3
    np.testing.assert_array_equal(panel, before)
    assert copy.shape != panel.shape or np.abs(copy.astype(int) - panel).mean() > 3


@pytest.mark.parametrize(("kind", "share"), [("crop60", 0.6), ("crop30", 0.3)])
def test_a_crop_keeps_its_share(panel: NDArray[np.uint8], kind: str, share: float) -> None:
    """The area is the named share, and the pixels are the panel's own."""
    for seed in range(5):
        copy = copy_of(panel, kind, seed=seed)
        assert copy is not None
        h, w = copy.shape[:2]
        assert h * w == pytest.approx(share * 400 * 300, rel=0.01)
        _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(panel, copy, cv2.TM_SQDIFF))
        np.testing.assert_array_equal(panel[y : y + h, x : x + w], copy)


def test_the_others_do_what_they_are_called(panel: NDArray[np.uint8]) -> None:
    """Mirrored twice is the panel; small; grey and yellow; a fifth hidden."""
    made = dict(copies_of(panel))
    assert set(made) == set(COPY_KINDS)
    np.testing.assert_array_equal(made["mirror"][:, ::-1], panel)
    assert made["jpeg"].shape == (100, 133, 3)
    red, _, blue = made["scan"].reshape(-1, 3).mean(axis=0)
    assert red > blue + 10
    hidden = (made["block"] != panel).any(axis=2).mean()
    assert hidden == pytest.approx(BLOCK_SHARE, rel=0.1)
    assert made["photo"].shape == panel.shape
    assert np.abs(made["recolour"].astype(int) - panel).mean() > 10


def test_lettering_is_erased_and_the_rest_stays(panel: NDArray[np.uint8]) -> None:
    """The inside of the balloon is white afterwards; nothing outside it changed."""
    erased = erase_lettering(panel)
    assert erased is not None
    left, top, right, bottom = BALLOON
    inside = (slice(top + 8, bottom - 8), slice(left + 8, right - 8))
    assert (panel[inside] < 100).any(axis=2).mean() > 0.05
    assert (erased[inside] < 100).any(axis=2).mean() < 0.002
    outside = np.ones(panel.shape[:2], bool)
    outside[top : bottom + 1, left : right + 1] = False
    np.testing.assert_array_equal(erased[outside], panel[outside])


def test_a_panel_without_lettering_has_no_such_copy() -> None:
    """Nothing to erase is told, not passed off as a copy."""
    drawn = np.asarray(draw_page(5, panels=1, size=(400, 300)))
    assert copy_of(drawn, "lettering") is None
    assert "lettering" not in dict(copies_of(drawn))


def test_a_large_panel_is_shrunk_first() -> None:
    """No copy is larger than the bound."""
    large = np.asarray(Image.new("RGB", (2000, 1000), "teal"))
    copy = copy_of(large, "mirror")
    assert copy is not None
    assert copy.shape == (LONGEST // 2, LONGEST, 3)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)])
def test_odd_panels_are_copied(size: tuple[int, int]) -> None:
    """Panels of a pixel or a strip give copies, not errors."""
    odd = np.asarray(Image.new("RGB", size, "red"))
    assert set(dict(copies_of(odd))) == set(COPY_KINDS) - {"lettering"}
