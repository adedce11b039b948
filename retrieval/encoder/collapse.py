"""Collapse check: whether an encoder still separates the panels of a page. For training and for an index.

Source: `test_stage3_collapse.py` of comic-panel-encoder-v1. It samples the first panels of some pages.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE_PAGES = 50
"""Pages to sample, as published."""

PANELS_PER_PAGE = 8
"""First panels of each sampled page, as published."""

COLLAPSED_COSINE = 0.95
"""Mean cosine within pages above which an encoder counts as collapsed, as published."""

WEAK_TOP1 = 0.30
"""Image-to-text top-1 accuracy below which alignment counts as weak, as published."""


def verdict(within: float | None, top1: float | None) -> str:
    """Return "collapsed", "weak alignment", "healthy", or "unknown".

    within: mean cosine of panels within pages. top1: see `top1_accuracy`. Either is None if no page has two panels.
    """
    if within is None or top1 is None:
        return "unknown"
    if within > COLLAPSED_COSINE:
        return "collapsed"
    return "weak alignment" if top1 < WEAK_TOP1 else "healthy"


def mean_pairwise_cosine(unit: Floats) -> float:
    """Return the mean cosine, -1 to 1, over unordered pairs of at least two unit rows (P, D)."""
    rows, columns = np.triu_indices(len(unit), 1)
    return float((unit @ unit.T)[rows, columns].mean())


def top1_accuracy(images: Floats, texts: Floats) -> float:
    """Return the fraction of rows i of `images` whose nearest row of `texts` is row i; unit rows (P, D), P >= 1."""
    return float(np.mean((images @ texts.T).argmax(axis=1) == np.arange(len(images))))
