"""The protocol of an encoder runtime: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.inputs import normalize
from retrieval.encoder.spec import EncoderSpec

Floats = NDArray[np.float32]


class Fusion(NamedTuple):
    """Fused vectors of P panels, not normalised, and the gate weights behind them.

    fused: (P, D) float32.
    gate: (P, 3) float32, weights of image, text and composition; rows sum to 1.
    """

    fused: Floats
    gate: Floats


class EncoderRuntime(Protocol):
    """Executes the branches of one loaded network.

    D is `spec.dimension`, S is `spec.image_size`, R is `spec.regions`. Vectors are float32 and not normalised,
    except those of `unit`. Images are what `normalized` returns, or (P, 3, S, S) float32 as `inputs.normalize` makes
    them, in any memory layout.
    A runtime need not be thread-safe: `PanelEncoder` calls it from one thread at a time.
    """

    @property
    def spec(self) -> EncoderSpec:
        """Return the sizes of the network."""
        ...

    @property
    def device(self) -> Any:
        """Return the device that the network runs on; `str()` gives its name."""
        ...

    @property
    def precision(self) -> str:
        """Return the number type of the network: float32, bfloat16 or int8; inputs and outputs are float32."""
        ...

    @property
    def constant_gate(self) -> bool:
        """Return True if the gate depends only on which branches are present, not on their content."""
        ...

    def normalized(self, pixels: NDArray[np.uint8]) -> Any:
        """Return (P, S, S, 3) uint8 as images that the other methods take."""
        return normalize(pixels)

    def image(self, images: Floats) -> Floats:
        """Return the image vectors, (P, D)."""
        ...

    def image_regions(self, images: Floats) -> Floats:
        """Return the vectors of each image and of its regions, (P, 1 + R, D); the whole image comes first."""
        ...

    def query_regions(self, images: Floats) -> list[Floats]:
        """Return the vectors of query images, read at each size that a region of a panel may have.

        One array per size, the full size first: (P, 1 + W, D) for the whole image and W windows of it. W differs
        between sizes. Without regions there is one size, and W is 0.
        """
        ...

    def text(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Floats:
        """Return the text vectors, (P, D), of token ids and their mask, (P, L) each; see `inputs.pad`."""
        ...

    def fuse(self, image: Floats, text: Floats, geometry: Floats, mask: Floats) -> Fusion:
        """Return the fused vectors of P panels.

        image, text: (P, D) as `image` and `text` return them.
        geometry: (P, 7), see `inputs.composition`.
        mask: (P, 3), 1 where image, text and composition are present.
        """
        ...

    def unit(self, vectors: Floats) -> Floats:
        """Return `vectors`, (..., D), scaled to length 1; rows of zeros stay zero.

        The runtime does this, too: the last bit of a sum depends on its order.
        """
        ...
