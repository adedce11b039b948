"""Principal components of vectors, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.progress import StageProgress
from retrieval.store.generation import ViewIndex
from retrieval.store.vectors import VectorStore

_FIT_SAMPLE = 20_000
"""Vectors that the axes are fitted on: 41 MB."""

_SEED = 3


def principal_components(
    view: ViewIndex, vectors: VectorStore, count: int, report: StageProgress | None = None
) -> NDArray[np.float32]:
    """Return (P, count) principal components of a view's vectors, the widest first.

    Fitted on a sample of at most 20,000 vectors, read in blocks. report: called with the number of panels read.
    """
    rows = np.asarray(view.rows)
    chosen = np.random.default_rng(_SEED).choice(len(rows), min(_FIT_SAMPLE, len(rows)), replace=False)
    mean, axes = _fit(vectors.read(view.view, rows[np.sort(chosen)]), count)
    reduced = np.empty((len(rows), count), np.float32)
    for start, block in vectors.blocks(view.view, rows):
        reduced[start : start + len(block)] = (block - mean) @ axes
        if report is not None:
            report(start + len(block))
    return reduced


def _fit(vectors: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (512,) mean and (512, count) axes; the largest part of each axis is positive."""
    mean = vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1], np.float32)
    _, eigenvectors = np.linalg.eigh((vectors - mean).T @ (vectors - mean))
    axes = eigenvectors[:, ::-1][:, :count].astype(np.float32)
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])
    return mean, axes
