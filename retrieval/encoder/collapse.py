"""Does an encoder still tell panels apart? The published check, for training and for an index.

Source: `test_stage3_collapse.py` of comic-panel-encoder-v1. It looks at the first panels of some pages.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PAGES, PANELS = 50, 8
"""Looked at, as published: this many pages, the first panels of each."""

COLLAPSED, WEAK = 0.95, 0.30
"""A mean cosine within pages above the first, a share of pictures matched below the second."""


def verdict(within: float | None, matched: float | None) -> str:
    """collapsed, weak alignment or healthy; unknown where no page has two panels, so that nothing could be compared."""
    if within is None or matched is None:
        return "unknown"
    if within > COLLAPSED:
        return "collapsed"
    return "weak alignment" if matched < WEAK else "healthy"


def pair_cosine(unit: Floats) -> float:
    """Mean cosine, -1 to 1, over unordered pairs of at least two unit rows (P, D)."""
    rows, columns = np.triu_indices(len(unit), 1)
    return float((unit @ unit.T)[rows, columns].mean())


def matched_share(pictures: Floats, texts: Floats) -> float:
    """How often, 0 to 1, row i of `texts` is the nearest to row i of `pictures`; unit rows (P, D), P >= 1."""
    return float(np.mean((pictures @ texts.T).argmax(axis=1) == np.arange(len(pictures))))
