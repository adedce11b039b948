"""What an encoder takes and gives: inputs, embeddings, and the protocol that building and searching rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
from retrieval.records import Box, View

DIMENSION = 512
"""Width of every vector (the published encoder's embedding size)."""


PICTURE_SIDE = 224
"""Side in pixels of the square the encoder sees."""


@dataclass(frozen=True, slots=True)
class PanelInput:
    """One panel as the encoder takes it.

    `picture` is (224, 224, 3) uint8 RGB 0-255, made by `retrieval.encoder.inputs.resize`.
    `box` is the panel on its page in page pixels, unclamped; `number` counts from 1.
    """

    image: NDArray[np.uint8]
    text: str
    box: Box
    page_width: int
    page_height: int
    number: int = 1


@dataclass(frozen=True, slots=True)
class QueryInput:
    """What a person asks with: a picture (as in `PanelInput`), words, or both."""

    image: NDArray[np.uint8] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """A question as vectors.

    `asked`: (V, 512) float32 unit rows, each of which may find a panel: one, or the picture as a whole panel and as
    each size of window. `windows`: for each of them (W, 512) unit rows of windows of the question itself, to tell how
    much of it a panel shows; () where there are none. W may differ, and be 0. `grey`: a picture that is to be found
    again by its details, as `retrieval.images.keypoints.to_grey` gives it; None where nobody looks for them.
    """

    vectors: NDArray[np.float32]
    windows: tuple[NDArray[np.float32], ...] = ()
    grey_image: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class PanelEmbeddings:
    """The three views of P panels from one pass.

    `picture`, `dialogue`, `fused`: (P, 512) float32 unit rows (all zeros only where a branch gives zeros).
    `gate`: (P, 3) float32, weights of vision, text and composition in `fused`; rows sum to 1.
    `parts`: (P, R, 512) float32 unit rows, further `picture` vectors of each panel, one for each of R windows of
    it; None from an encoder that has none. R is its `settings["regions"]`, 0 where that is missing.
    """

    picture: NDArray[np.float32]
    dialogue: NDArray[np.float32]
    fused: NDArray[np.float32]
    gate: NDArray[np.float32]
    regions: NDArray[np.float32] | None = None

    def view(self, view: View) -> NDArray[np.float32]:
        return {View.PICTURE: self.picture, View.DIALOGUE: self.dialogue, View.FUSED: self.fused}[view]


class Encoder(Protocol):
    """What building and searching need from an encoder."""

    name: str
    fingerprint: str
    settings: dict[str, Any]
    provisional: bool

    def encode(
        self,
        panels: Sequence[PanelInput],
        *,
        batch_size: int = 32,
        progress: Callable[[int, int], None] | None = None,
    ) -> PanelEmbeddings:
        """All three views of `panels`; `progress(done, total)` after each batch."""
        ...

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> NDArray[np.float32]:
        """(Q, 512) float32 unit rows, comparable with the stored vectors of `view`."""
        ...


class RegionEncoder(Encoder, Protocol):
    """An encoder whose `settings["regions"]` is above 0."""

    def encode_query_regions(self, queries: Sequence[QueryInput]) -> list[QueryVectors]:
        """Each picture as a whole panel, then as each size of window, with windows of its own."""
        ...
