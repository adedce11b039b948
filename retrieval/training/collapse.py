"""Does the encoder still tell panels apart? The published check for collapse."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

PAGES, PANELS = 50, 8
"""Looked at, as published."""

COLLAPSED, WEAK = 0.95, 0.30
"""A mean cosine within pages above the first, a share of pictures matched below the second."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """Figures over a few pages; None where no page allows one.

    within     mean cosine of a page's panels, over its pairs, then over pages with two or more
    between    mean cosine between the first panel of each page and that of the first page
    matched    share of panels whose picture is nearest to their own words among their page's, over pages
    verdict    collapsed, weak alignment, healthy, or unknown
    """

    within: float | None
    between: float | None
    matched: float | None
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class CollapseWatch:
    """Collects pages until it has seen enough."""

    def __init__(self) -> None:
        self._pages: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def full(self) -> bool:
        return len(self._pages) >= PAGES

    def add(self, fused: Tensor, vision: Tensor, text: Tensor) -> None:
        """One page's panels in order: three views, (P, dim) each, P >= 1; the first eight count."""
        if not self.full:
            first, second, third = (
                normalize(view[:PANELS].detach().float().cpu(), dim=1) for view in (fused, vision, text)
            )
            self._pages.append((first, second, third))

    def figures(self) -> Collapse:
        within = [_pairs(fused) for fused, _, _ in self._pages if len(fused) > 1]
        firsts = [fused[0] for fused, _, _ in self._pages]
        between = [float(first @ firsts[0]) for first in firsts[1:]]
        matched = [_own_words(vision, text) for _, vision, text in self._pages]
        inside, across, own = (fmean(values) if values else None for values in (within, between, matched))
        return Collapse(inside, across, own, verdict(inside, own))


def verdict(within: float | None, matched: float | None) -> str:
    """The published rule; unknown where no page has two panels, so that nothing could be compared."""
    if within is None or matched is None:
        return "unknown"
    if within > COLLAPSED:
        return "collapsed"
    return "weak alignment" if matched < WEAK else "healthy"


def _pairs(unit: Tensor) -> float:
    """Mean cosine over unordered pairs of rows of length 1."""
    rows, columns = torch.triu_indices(len(unit), len(unit), offset=1)
    return float((unit @ unit.T)[rows, columns].mean())


def _own_words(vision: Tensor, text: Tensor) -> float:
    """How often row i of `text` is the nearest to row i of `vision`."""
    nearest = (vision @ text.T).argmax(dim=1)
    return float((nearest == torch.arange(len(vision))).float().mean())
