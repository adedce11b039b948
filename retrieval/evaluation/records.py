"""What is measured, how, and what came out: frozen, and ready for JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import UsageError

PARTS = ("copies", "dialogue", "neighbours")
COPY_KINDS = ("crop60", "crop30", "jpeg", "scan", "photo", "mirror", "recolour", "block", "lettering")
DIALOGUE_KINDS = ("five words", "half remembered", "ocr noise", "rephrased")
DEFAULT, EXACT = "index", "exact"
"""Who answers: the index as it is searched by default, and the same with every panel scored."""
MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Settings:
    """How an index is measured; raises `UsageError` when made of values that mean nothing.

    sample: panels that ask, for each kind, spread evenly over books; None for all. seed: of everything drawn at
    random. only: one of `PARTS`, None for all. kinds: of `COPY_KINDS` and `DIALOGUE_KINDS`, none for all.
    query_books: patterns; only panels of these books ask, all are searched. annotated: only panels whose box somebody
    drew ask, because the panel finder also finds what is no panel. peers: also measure simpler methods.
    untrained: an untrained network as peer even where the encoder is as large as the published one.
    rephrased: a JSON list of {"book", "page", "panel", "line", "rephrased"}.
    """

    sample: int | None = 300
    seed: int = 0
    only: str | None = None
    kinds: tuple[str, ...] = ()
    query_books: tuple[str, ...] = ()
    annotated: bool = False
    peers: bool = True
    untrained: bool = False
    rephrased: Path | None = None

    def __post_init__(self) -> None:
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"sample must be at least 1 panel; found {self.sample}")
        if self.only is not None and self.only not in PARTS:
            raise UsageError(f"nothing called {self.only!r} is measured: choose {', '.join(PARTS)}")
        known = (*COPY_KINDS, *DIALOGUE_KINDS)
        unknown = [kind for kind in self.kinds if kind not in known]
        if unknown:
            raise UsageError(f"no kind is called {', '.join(map(repr, unknown))}: choose from {', '.join(known)}")

    def measures(self, part: str) -> bool:
        """Whether a part is asked for; named kinds leave the other parts out."""
        if self.only is not None:
            return part == self.only
        return not self.kinds or bool(self.chosen(part))

    def chosen(self, part: str) -> tuple[str, ...]:
        """The kinds of one part, in the order of the table."""
        kinds = {"copies": COPY_KINDS, "dialogue": DIALOGUE_KINDS}.get(part, ())
        return tuple(kind for kind in kinds if not self.kinds or kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Found:
    """How well the right panel was found by one searcher for one kind of question; see `figures`."""

    kind: str
    by: str
    queries: int
    r1: float
    r10: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Detection:
    """Telling copies from strangers by the score of the first hit; see `figures.detection`."""

    by: str
    queries: int
    absent: int
    micro_ap: float
    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Near:
    """Of the first 10 hits for an indexed panel (itself left out), the share from its own page and book, 0 to 1."""

    by: str
    queries: int
    same_page: float
    same_book: float


@dataclass(frozen=True, slots=True)
class Collapse:
    """Whether a view's vectors have fallen together; see `neighbours.collapse`. Cosines are -1 to 1."""

    view: str
    pages: int
    within_page: float
    between_pages: float
    first_panels: float
    picture_to_text: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured, with what it was measured on and how."""

    index: str
    encoder: str
    panels: int
    panels_with_dialogue: int
    settings: Settings
    copies: tuple[Found, ...]
    detection: tuple[Detection, ...]
    dialogue: tuple[Found, ...]
    neighbours: tuple[Near, ...]
    collapse: Collapse | None
    notes: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        plain = asdict(self)
        rephrased = self.settings.rephrased
        plain["settings"]["rephrased"] = None if rephrased is None else str(rephrased)
        return plain


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` panels or questions of one stage after `seconds` of it."""

    stage: str
    done: int
    total: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None until something is done."""
        return (self.total - self.done) / self.per_second if self.per_second else None


Watcher = Callable[[Progress], None]
