"""Inputs, embeddings, and the protocol of an encoder that building and searching rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.spec import EncoderSpec
from retrieval.progress import ProgressCallback, no_progress
from retrieval.records import Box, View


@dataclass(frozen=True, slots=True)
class PanelInput:
    """One panel as input of the encoder.

    image: (224, 224, 3) uint8 RGB 0-255, made by `retrieval.encoder.inputs.resize`; empty (0, 0, 3) for
        `TextEncoder.encode_texts`, which does not look at it.
    text: its dialogue, "" if there is none.
    box: its box in page pixels, unclamped.
    number: its number on the page, from 1.
    """

    image: NDArray[np.uint8]
    text: str
    box: Box
    page_width: int
    page_height: int
    number: int = 1


@dataclass(frozen=True, slots=True)
class QueryInput:
    """One query as input of the encoder: an image (as in `PanelInput`), text, or both."""

    image: NDArray[np.uint8] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """A query as vectors.

    vectors: (V, 512) float32 unit rows. A panel may match any of them. V is 1, or one for each size that the query
        image is read at: as a whole panel, and as each size of region.
    query_regions: for each of them (W, 512) unit rows of W regions of the query image; () if there are none. They
        measure how much of the query a panel shows. W may differ, and be 0.
    grey_image: the query image for geometric verification, as `retrieval.images.keypoints.to_grey` gives it; None
        without verification.
    """

    vectors: NDArray[np.float32]
    query_regions: tuple[NDArray[np.float32], ...] = ()
    grey_image: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class PanelEmbeddings:
    """The three views of P panels from one pass.

    picture, dialogue, fused: (P, 512) float32 unit rows. A row is all zeros if its branch gives zeros; a dialogue row
        also if the encoder cannot read the text.
    gate: (P, 3) float32, weights of image, text and composition in `fused`; rows sum to 1.
    regions: (P, R, 512) float32 unit rows, further `picture` vectors of each panel, one for each of its R regions.
        None from an encoder without regions. R is its `spec.regions`.
    picture_norms: (P,) float32, lengths of the image vectors before they were scaled to 1; the fusion needs them. None
        from an encoder that cannot fuse stored vectors.
    """

    picture: NDArray[np.float32]
    dialogue: NDArray[np.float32]
    fused: NDArray[np.float32]
    gate: NDArray[np.float32]
    regions: NDArray[np.float32] | None = None
    picture_norms: NDArray[np.float32] | None = None

    def view(self, view: View) -> NDArray[np.float32]:
        """Return the rows of one view."""
        return {View.PICTURE: self.picture, View.DIALOGUE: self.dialogue, View.FUSED: self.fused}[view]

    def take(self, chosen: NDArray[np.bool_]) -> PanelEmbeddings:
        """Return the views of some of the panels."""
        regions = None if self.regions is None else self.regions[chosen]
        norms = None if self.picture_norms is None else self.picture_norms[chosen]
        return PanelEmbeddings(
            self.picture[chosen], self.dialogue[chosen], self.fused[chosen], self.gate[chosen], regions, norms
        )

    def finite(self) -> NDArray[np.bool_]:
        """Return (P,) True for panels without a number that is infinite or not a number."""
        every = [self.picture, self.dialogue, self.fused, self.gate]
        every += [] if self.regions is None else [self.regions.reshape(len(self.picture), -1)]
        # in float16 as they are stored: larger numbers become infinite
        finite = [np.isfinite(rows.astype(np.float16)).all(axis=1) for rows in every]
        return np.asarray(np.logical_and.reduce(finite), np.bool_)


class Encoder(Protocol):
    """The interface of an encoder for building and searching.

    An encoder whose gate weights are fixed also has `constant_gate`, which is True; see `has_constant_gate`.
    """

    name: str
    fingerprint: str
    settings: dict[str, Any]
    provisional: bool

    @property
    def spec(self) -> EncoderSpec:
        """Return the sizes of the encoder."""
        ...

    def encode(
        self, panels: Sequence[PanelInput], *, batch_size: int = 32, progress: ProgressCallback = no_progress
    ) -> PanelEmbeddings:
        """Return all three views of `panels`; call `progress` (stage "encode", unit "panels") after each batch."""
        ...

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> NDArray[np.float32]:
        """Return (Q, 512) float32 unit rows, comparable with the stored vectors of `view`."""
        ...


class RegionEncoder(Encoder, Protocol):
    """An encoder with region vectors: its `spec.regions` is above 0."""

    def encode_query_regions(self, queries: Sequence[QueryInput]) -> list[QueryVectors]:
        """Return the vectors of each query image, read as a whole panel and as each size of region."""
        ...


class TextEncoder(Encoder, Protocol):
    """An encoder that can give a panel another text without encoding its image again."""

    def encode_texts(self, panels: Sequence[PanelInput], image_vectors: NDArray[np.float32]) -> PanelEmbeddings:
        """Return the views of P panels with known image vectors, (P, 512) float32 that are not scaled to 1."""
        ...


def can_encode_texts(encoder: Encoder) -> TypeGuard[TextEncoder]:
    """Return True for an encoder that encodes texts without images."""
    return callable(getattr(encoder, "encode_texts", None))


def has_constant_gate(encoder: Encoder) -> bool:
    """Return True if the gate weights of `encoder` are fixed and say nothing about a single panel."""
    return bool(getattr(encoder, "constant_gate", False))


def region_basis(encoder: Encoder) -> NDArray[np.float32] | None:
    """Return the (K, 512) float32 orthonormal rows on which region vectors are stored; None without them.

    They are principal directions of region vectors of many panels: K numbers say nearly what 512 do. An index without
    them stores region vectors as float16. Encoders may lack the attribute.
    """
    found: NDArray[np.float32] | None = getattr(encoder, "region_basis", None)
    return found


def on_cpu(encoder: Encoder) -> bool:
    """Return False if the network runs on a GPU, so that the CPU is free meanwhile. Encoders may lack `device`."""
    return str(getattr(encoder, "device", "cpu")) == "cpu"


def can_read(encoder: Encoder, text: str) -> bool:
    """Return False if the encoder knows no word of a text, which then has no vector. Encoders may lack the check."""
    unreadable = getattr(encoder, "unreadable", None)
    return unreadable is None or not unreadable([text])[0]
