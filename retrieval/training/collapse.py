"""The check for collapse during training; see `retrieval.encoder.collapse`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from torch import Tensor
from torch.nn.functional import normalize

from retrieval.encoder.collapse import (
    PANELS_PER_PAGE,
    SAMPLE_PAGES,
    Floats,
    mean_pairwise_cosine,
    top1_accuracy,
    verdict,
)


@dataclass(frozen=True, slots=True)
class TrainingCollapse:
    """Figures over a few pages; None if no page allows one.

    within     mean cosine of a page's panels, over its pairs, then over pages with two or more
    between    mean cosine between the first panel of each page and that of the first page
    matched    share of panels whose picture is nearest to their own text among their page's, over pages
    verdict    collapsed, weak alignment, healthy, or unknown
    """

    within: float | None
    between: float | None
    matched: float | None
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


class CollapseCheck:
    """Collector of pages, up to as many as the check looks at."""

    def __init__(self) -> None:
        self._pages: list[tuple[Floats, Floats, Floats]] = []

    @property
    def full(self) -> bool:
        """Return True once there are enough pages."""
        return len(self._pages) >= SAMPLE_PAGES

    def add(self, fused: Tensor, vision: Tensor, text: Tensor) -> None:
        """Add one page's panels in order: three views, (P, dim) each, P >= 1; the first eight count."""
        if not self.full:
            first, second, third = (
                normalize(view[:PANELS_PER_PAGE].detach().float().cpu(), dim=1).numpy()
                for view in (fused, vision, text)
            )
            self._pages.append((first, second, third))

    def figures(self) -> TrainingCollapse:
        """Return the figures over the pages added."""
        within = [mean_pairwise_cosine(fused) for fused, _, _ in self._pages if len(fused) > 1]
        firsts = [fused[0] for fused, _, _ in self._pages]
        between = [float(first @ firsts[0]) for first in firsts[1:]]
        matched = [top1_accuracy(vision, text) for _, vision, text in self._pages]
        inside, across, own = (fmean(values) if values else None for values in (within, between, matched))
        return TrainingCollapse(inside, across, own, verdict(inside, own))
