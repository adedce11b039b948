"""Fit the weights by which hits get their relevance, and measure how well they hold for series that were left out.

    python benchmarks/relevance.py my.index [other.index ...] [--sample 100] [--rephrased FILE ...]

The questions are those of `panelseek evaluate --only relevance`. Each series is left out in turn: the weights are
fitted to the others and tried on it. The weights that are printed at the end, fitted to all, belong in
`retrieval/search/relevance.py`. Each --rephrased belongs to the index at the same place.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from retrieval import PanelIndex
from retrieval.evaluation.pictures import Unreadable
from retrieval.evaluation.queries import query_panels
from retrieval.evaluation.records import Settings
from retrieval.evaluation.relevance import BINS, HITS, ask, questions_about, series_of_books
from retrieval.progress import StageProgress, no_progress
from retrieval.search import relevance, searcher
from ui.output.progress import progress_display

_LIMITS = (0.1, 0.15, 0.2, 0.3)
"""Relevance from which a first hit is taken for close, in the table."""

_STRENGTH = 10.0
"""Inverse of the regularisation."""


@dataclass(frozen=True)
class Sample:
    """One hit of a question: its evidence, the question's kind, type and series, its place from 0, if it is right."""

    evidence: tuple[float, float, float]
    kind: str
    query_type: str
    series: str
    place: int
    in_library: bool
    right: bool


def main() -> None:
    """Ask, fit, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--rephrased", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    samples: list[Sample] = []
    for place, folder in enumerate(options.index):
        rephrased = options.rephrased[place] if place < len(options.rephrased) else None
        samples += collect(folder, Settings(sample=options.sample, rephrased=rephrased))
    for kind in dict.fromkeys(sample.kind for sample in samples):
        report(kind, [sample for sample in samples if sample.kind == kind])


def collect(folder: Path, settings: Settings) -> Iterator[Sample]:
    """Yield the first hits of every question about an index."""
    recorded: list[dict[int, tuple[float, float, float]]] = []
    inner = searcher.relevances

    def record(ranked: Any, backgrounds: Any) -> list[float]:
        best = {view: max((r.ranking_score for r in ranked if r.part.view is view), default=0) for view in backgrounds}
        recorded.append(
            {r.panel.id: relevance.evidence(r, best[r.part.view], backgrounds[r.part.view]) for r in ranked}
        )
        return inner(ranked, backgrounds)

    searcher.relevances = record  # type: ignore[attr-defined]
    with PanelIndex.open(folder) as index, progress_display(False) as progress:
        panels = query_panels(index, settings.sample, settings.seed)
        series = series_of_books(index)
        questions = list(questions_about(index, panels, settings, series, Unreadable()))
        shown = StageProgress(progress, "relevance", "queries", len(questions))
        known = index.catalog.panels.get(panel for question in questions for panel in question.right)
        for number, question in enumerate(questions, 1):
            own = series[known[min(question.right)].book_id]
            kind = "words" if question.query.text else "picture"
            recorded.clear()
            for answer, evidence in zip(list(ask(index, [question], no_progress)), list(recorded), strict=True):
                for place, (hit, right) in enumerate(zip(answer.hits[:HITS], answer.right[:HITS], strict=True)):
                    found = (evidence[hit.panel.id], kind, question.query_type, own, place, answer.in_library, right)
                    yield Sample(*found)
            shown(number)
    searcher.relevances = inner  # type: ignore[attr-defined]


def report(kind: str, samples: list[Sample]) -> None:
    """Print how the weights hold for series left out, and the weights fitted to all."""
    values = np.array([sample.evidence for sample in samples])
    right = np.array([sample.right for sample in samples])
    series = np.array([sample.series for sample in samples])
    estimated = np.zeros(len(samples))
    for name in dict.fromkeys(series.tolist()):
        fitted = _fit(values[series != name], right[series != name])
        estimated[series == name] = fitted.predict_proba(values[series == name])[:, 1]
    print(f"\n{kind}: {len(samples):,} hits of {len(set(series.tolist()))} series, each left out in turn")
    for low, high in pairwise(BINS):
        inside = (estimated >= low) & ((estimated < high) | (high == BINS[-1]))
        if inside.any():
            print(f"  {low:.2f} to {high:.2f}: {inside.sum():6,} hits, {right[inside].mean():.3f} right")
    _report_types(samples, estimated, right)
    fitted = _fit(values, right)
    standing, lead, behind = fitted.coef_[0]
    print(f"  bias={fitted.intercept_[0]:.2f}, standing={standing:.2f}, lead={lead:.2f}, behind={behind:.2f}")


def _report_types(samples: list[Sample], estimated: NDArray[Any], right: NDArray[Any]) -> None:
    """Print the shares of wrong denials and acceptances of each query type, at several limits."""
    first = np.array([sample.place == 0 for sample in samples])
    inside = np.array([sample.in_library for sample in samples])
    types = np.array([sample.query_type for sample in samples])
    for limit in _LIMITS:
        for name in dict.fromkeys(types.tolist()):
            own = first & (types == name)
            denied = (estimated[own & right] < limit).mean() if (own & right).any() else 0.0
            accepted = (estimated[own & ~inside] >= limit).mean() if (own & ~inside).any() else 0.0
            print(f"  at {limit}, {name}: wrong denials {denied:.3f}, wrong acceptances {accepted:.3f}")


def _fit(values: NDArray[Any], right: NDArray[Any]) -> LogisticRegression:
    return LogisticRegression(C=_STRENGTH, max_iter=2000).fit(values, right)


if __name__ == "__main__":
    main()
