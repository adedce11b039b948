"""Pixels, tokens, geometry and presence, beyond the golden numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from retrieval.encoder.inputs import (
    MEAN,
    STD,
    composition,
    composition_2d,
    is_known_word,
    modality_mask,
    normalize,
    pad,
    resize,
    token_ids,
    tokenize,
    unreadable,
)
from retrieval.errors import UsageError
from retrieval.images.crops import crop_box_2d, crop_box_xywh
from retrieval.records import Box


def test_alpha_is_dropped_not_composited() -> None:
    image = Image.new("RGBA", (50, 80), (200, 100, 50, 0))
    assert (resize(image) == (200, 100, 50)).all()


def test_a_palette_with_transparency_is_quiet() -> None:
    """Colours are the palette's, and Pillow's warning about it does not reach the user."""
    image = Image.new("P", (30, 30), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.info["transparency"] = b"\x00\x80"
    assert (resize(image) == (10, 20, 30)).all()


def test_pixels_are_normalised_per_channel() -> None:
    """Black is -mean / std; a read-only image, as from a mapped file, works as well."""
    picture = np.zeros((1, 224, 224, 3), np.uint8)
    picture.flags.writeable = False
    found = normalize(picture)
    assert found.shape == (1, 3, 224, 224)
    assert found.dtype == np.float32
    assert found.flags.writeable
    np.testing.assert_allclose(found[0, :, 0, 0], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], rtol=1e-6)


def test_normalising_gives_the_same_bits_as_torch() -> None:
    """All 256 levels in each channel, and the channels-last layout in memory."""
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    pictures[0, :, :, :].reshape(-1, 3)[:256] = np.arange(256, dtype=np.uint8)[:, None]
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
    expected = torch.tensor(pictures).permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(std)
    found = torch.from_numpy(normalize(pictures))
    assert torch.equal(found, expected)
    assert found.stride() == expected.stride()


def test_tokens_are_minilms() -> None:
    assert token_ids(["", "Hello, WORLD"]) == [[101, 102], [101, 7592, 1010, 2088, 102]]


def test_long_text_is_cut_at_128_with_both_marks() -> None:
    ids, mask = tokenize(["hello " * 400, ""])
    assert ids.shape == (2, 128)
    assert (ids[0, 0], ids[0, -1]) == (101, 102)
    assert mask.sum(axis=1).tolist() == [128, 2]


def test_padding_is_zero() -> None:
    ids, mask = pad([[101, 5, 102], [101, 102]])
    assert ids.tolist() == [[101, 5, 102], [101, 102, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]


def test_geometry_of_v1() -> None:
    """Pixel aspect, share of the page, three reserved zeros, centre; the box is not clamped."""
    found = composition(Box(-100, 300, 400, 200), 1000, 2000, number=7)
    np.testing.assert_allclose(found, [2.0, 0.04, 0, 0, 0, 0.1, 0.2], rtol=1e-6)


def test_geometry_of_vlm_from_pixels() -> None:
    """The same box on a 0..1000 page: page-relative aspect, and the panel's number."""
    box = Box(-100, 300, 400, 200)
    found = composition(box, 1000, 2000, number=7, profile="vlm")
    np.testing.assert_allclose(found, [4.0, 0.04, 0.4, 0, 0, 0.1, 0.2], rtol=1e-6)
    np.testing.assert_allclose(found, composition_2d([150, -100, 250, 300], 7), rtol=1e-6)


def test_a_flat_box_has_aspect_one() -> None:
    assert composition(Box(0, 0, 10, 0), 100, 100)[0] == 1.0
    assert composition_2d([5, 0, 5, 10], 1)[0] == 1.0


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown input profile 'v2'; expected one of v1, vlm"):
        composition(Box(0, 0, 1, 1), 10, 10, profile="v2")


def test_crops_outside_the_page_are_nothing() -> None:
    assert crop_box_xywh(Box(120, 0, 50, 50), 100, 100) is None
    assert crop_box_xywh(Box(10.1, 0, 0.2, 50), 100, 100) is None
    assert crop_box_2d([0, 1000, 500, 1200], 100, 100) is None
    assert crop_box_2d([0, 0, 1000, 1000], 640, 480) == (0, 0, 640, 480)


def test_text_is_present_unless_it_is_blank() -> None:
    assert modality_mask("a").tolist() == [1, 1, 1]
    assert modality_mask(" \n\t").tolist() == [1, 0, 1]


def test_texts_without_a_known_word() -> None:
    """Unknown words with punctuation or alone are unreadable; a known word, punctuation or nothing is readable."""
    assert unreadable(["\U0001f984", "\U0001f984!", "สวัสดี", "\u200b", "x" * 120]).all()
    assert not unreadable(["", "  ", "...", "rain \U0001f984", "♥", "月"]).any()
    assert unreadable([]).shape == (0,)


def test_known_words() -> None:
    """Whole words of the vocabulary: neither pieces, nor single letters, nor signs."""
    assert all(map(is_known_word, ("king", "looking", "winner")))
    assert not any(map(is_known_word, ("##ing", "a", "!", "chanse", "[UNK]", "")))
