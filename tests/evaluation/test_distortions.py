"""Distortions are what they are called, visibly, and the same in every run."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from retrieval.evaluation.distortions import BLOCK_SHARE, LONGEST, distort, distortions_of
from retrieval.evaluation.distortions import DISTORTIONS as FUNCTIONS
from retrieval.evaluation.lettering import erase_lettering
from retrieval.evaluation.records import DISTORTIONS
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


def test_the_distortions_have_the_names_of_the_settings() -> None:
    """In the order of the table."""
    assert tuple(FUNCTIONS) == DISTORTIONS


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_a_distortion_is_the_same_in_every_run(panel: NDArray[np.uint8], distortion: str) -> None:
    """Seed, panel and name decide; another seed or panel gives another picture if anything is random."""
    view, again = distort(panel, distortion, seed=3, key="a"), distort(panel, distortion, seed=3, key="a")
    assert view is not None
    np.testing.assert_array_equal(view, again)
    if distortion not in ("mirror", "lettering"):
        for seed, key in ((4, "a"), (3, "b")):
            other = distort(panel, distortion, seed=seed, key=key)
            assert other is not None
            assert not np.array_equal(view, other), (seed, key)


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_a_distortion_is_a_picture_that_differs(panel: NDArray[np.uint8], distortion: str) -> None:
    """uint8 RGB, visibly changed; the panel itself is not."""
    before = panel.copy()
    view = distort(panel, distortion)
    assert view is not None
    assert view.dtype == np.uint8
    assert view.ndim == 3
    np.testing.assert_array_equal(panel, before)
    assert view.shape != panel.shape or np.abs(view.astype(int) - panel).mean() > 3


@pytest.mark.parametrize(("distortion", "share"), [("crop60", 0.6), ("crop30", 0.3)])
def test_a_crop_keeps_its_share(panel: NDArray[np.uint8], distortion: str, share: float) -> None:
    """The area is the named share, and the pixels are the panel's own."""
    for seed in range(5):
        view = distort(panel, distortion, seed=seed)
        assert view is not None
        h, w = view.shape[:2]
        assert h * w == pytest.approx(share * 400 * 300, rel=0.01)
        _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(panel, view, cv2.TM_SQDIFF))
        np.testing.assert_array_equal(panel[y : y + h, x : x + w], view)


def test_the_others_do_what_they_are_called(panel: NDArray[np.uint8]) -> None:
    """Mirrored twice is the panel; small; grey and yellow; a fifth hidden."""
    made = dict(distortions_of(panel))
    assert set(made) == set(DISTORTIONS)
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


def test_a_panel_without_lettering_has_no_such_distortion() -> None:
    """There is nothing to erase."""
    drawn = np.asarray(draw_page(5, panels=1, size=(400, 300)))
    assert distort(drawn, "lettering") is None
    assert "lettering" not in dict(distortions_of(drawn))


def test_a_large_panel_is_shrunk_first() -> None:
    """No distortion is larger than the bound."""
    large = np.asarray(Image.new("RGB", (2000, 1000), "teal"))
    view = distort(large, "mirror")
    assert view is not None
    assert view.shape == (LONGEST // 2, LONGEST, 3)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)])
def test_odd_panels_are_distorted(size: tuple[int, int]) -> None:
    """Panels of a pixel or a strip give pictures, not errors."""
    odd = np.asarray(Image.new("RGB", size, "red"))
    assert set(dict(distortions_of(odd))) == set(DISTORTIONS) - {"lettering"}
