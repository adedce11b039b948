"""Settings and results of an evaluation: frozen, and ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import UsageError
from retrieval.values import whole_number

PARTS = ("distortions", "dialogue", "relevance", "neighbours")
DISTORTIONS = ("crop60", "crop30", "jpeg", "scan", "photo", "mirror", "recolour", "block", "lettering")
DIALOGUE_QUERIES = ("five words", "half remembered", "ocr noise", "rephrased")
DEFAULT, EXACT = "index", "exact"
"""Methods: the index as it is searched by default, and the same with every panel scored."""
MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of an evaluation. Raises `UsageError` when made of values out of range.

    sample: query panels for each part, spread evenly over books; None for all.
    seed: of all random draws.
    only: one of `PARTS`, None for all.
    distortions: of `DISTORTIONS` and `DIALOGUE_QUERIES`, none for all.
    query_books: patterns; only panels of these books are queries, all panels are searched.
    annotated: use only panels with annotated boxes as queries, since the panel detector makes mistakes.
    baselines: also run simpler methods.
    untrained: run an untrained network as a baseline even if the encoder is as large as the published one.
    rephrased: a JSON list of {"book", "page", "panel", "line", "rephrased"}.
    """

    sample: int | None = 300
    seed: int = 0
    only: str | None = None
    distortions: tuple[str, ...] = ()
    query_books: tuple[str, ...] = ()
    annotated: bool = False
    baselines: bool = True
    untrained: bool = False
    rephrased: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sample", whole_number("sample", self.sample, 1, optional=True))
        object.__setattr__(self, "seed", whole_number("seed", self.seed, 0))
        if self.only is not None and self.only not in PARTS:
            raise UsageError(f"there is no part {self.only!r} of an evaluation", hint=f"choose {', '.join(PARTS)}")
        known = (*DISTORTIONS, *DIALOGUE_QUERIES)
        unknown = [name for name in self.distortions if name not in known]
        if unknown:
            raise UsageError(
                f"there is no distortion {', '.join(map(repr, unknown))}", hint=f"choose from {', '.join(known)}"
            )

    def measures(self, part: str) -> bool:
        """Return True if a part is to be measured; named distortions exclude the other parts.

        Relevance runs every query twice more, so it is measured only where it is named.
        """
        if self.only is not None:
            return part == self.only
        return part != "relevance" and (not self.distortions or bool(self.chosen(part)))

    def chosen(self, part: str) -> tuple[str, ...]:
        """Return the query types of one part, in the order of the table."""
        types = {"distortions": DISTORTIONS, "dialogue": DIALOGUE_QUERIES}.get(part, ())
        return tuple(name for name in types if not self.distortions or name in self.distortions)


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Scores of one method for one query type; see `metrics.retrieval_scores`."""

    query_type: str
    method: str
    queries: int
    r1: float
    r10: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Detection:
    """Detection of distorted panels by the score of the first hit; see `metrics.detection`.

    out_of_library: queries whose panel counts as missing from the library.
    """

    method: str
    queries: int
    out_of_library: int
    micro_ap: float
    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class RelevanceScores:
    """How often `Hit.close` of the first hit is wrong for a query type.

    right_first: queries whose first hit is right; wrong_denials: share of them that are not close.
    out_of_library: queries over books without a right panel; wrong_acceptances: share of them that are close.
    """

    query_type: str
    right_first: int
    wrong_denials: float
    out_of_library: int
    wrong_acceptances: float


@dataclass(frozen=True, slots=True)
class RelevanceBin:
    """The hits whose relevance is from `low` to `high`: their number, mean relevance, and the share that is right."""

    low: float
    high: float
    hits: int
    mean: float
    right: float


@dataclass(frozen=True, slots=True)
class NeighbourPurity:
    """Share, 0 to 1, of the first 10 hits for an indexed panel (itself excluded) from its own page and book."""

    method: str
    queries: int
    same_page: float
    same_book: float


@dataclass(frozen=True, slots=True)
class IndexCollapse:
    """Diagnosis of collapse of a view's vectors; see `neighbours.index_collapse`. Cosines are -1 to 1."""

    view: str
    pages: int
    within_page: float
    between_pages: float
    first_panels: float
    picture_to_text: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Report:
    """Results of an evaluation, with the index and the settings."""

    index: str
    encoder: str
    panels: int
    panels_with_dialogue: int
    settings: Settings
    distortions: tuple[RetrievalScores, ...]
    detection: tuple[Detection, ...]
    dialogue: tuple[RetrievalScores, ...]
    relevance: tuple[RelevanceScores, ...]
    relevance_bins: tuple[RelevanceBin, ...]
    neighbours: tuple[NeighbourPurity, ...]
    collapse: IndexCollapse | None
    notes: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        plain = asdict(self)
        rephrased = self.settings.rephrased
        plain["settings"]["rephrased"] = None if rephrased is None else str(rephrased)
        return plain
