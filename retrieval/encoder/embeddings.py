"""Embeddings of panels, put together and measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrieval.encoder.protocol import PanelEmbeddings
from retrieval.encoder.runtime.base import Floats
from retrieval.encoder.spec import EncoderSpec


def no_panels(spec: EncoderSpec) -> PanelEmbeddings:
    """Return the embeddings of no panel."""
    rows = np.zeros((0, spec.dimension), dtype=np.float32)
    regions = np.zeros((0, spec.regions, spec.dimension), dtype=np.float32) if spec.regions else None
    return PanelEmbeddings(rows, rows, rows, np.zeros((0, 3), dtype=np.float32), regions, np.zeros(0, dtype=np.float32))


def norms(vectors: Floats) -> Floats:
    """Return the (P,) lengths of P vectors."""
    return np.asarray(np.linalg.norm(vectors, axis=1), dtype=np.float32)


def concatenate(batches: Sequence[PanelEmbeddings]) -> PanelEmbeddings:
    """Return the embeddings of all panels of some batches, in order."""
    regions = [batch.regions for batch in batches if batch.regions is not None]
    lengths = [batch.picture_norms for batch in batches if batch.picture_norms is not None]
    return PanelEmbeddings(
        np.concatenate([batch.picture for batch in batches]),
        np.concatenate([batch.dialogue for batch in batches]),
        np.concatenate([batch.fused for batch in batches]),
        np.concatenate([batch.gate for batch in batches]),
        np.concatenate(regions) if regions else None,
        np.concatenate(lengths) if lengths else None,
    )
