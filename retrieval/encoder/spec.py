"""Sizes of an encoder's inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass

from retrieval.records import View

DIMENSION = 512
"""Numbers per vector: the embedding size of the published encoder."""

IMAGE_SIZE = 224
"""Side in pixels of the square input image: the size that the published backbones were trained with."""

FEATURES = 7
"""Numbers of a panel's geometry, see `inputs.composition`."""

MODALITIES = 3
"""Image, text and composition, in this order."""

ABSENT = -10000.0
"""Added to the logit of an absent modality. Finite, as in the published model: with all three absent the gate stays
the unmasked one (slightly quantised)."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Sizes and views of one encoder.

    dimension: numbers per vector.
    image_size: side of the square input image in pixels.
    views: the views that it encodes a panel for.
    regions: further image vectors per panel, one for each region of the image; 0 if it has none.
    """

    dimension: int = DIMENSION
    image_size: int = IMAGE_SIZE
    views: tuple[View, ...] = tuple(View)
    regions: int = 0
