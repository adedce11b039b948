"""The targets of Panelseek's speed, by program and figure: on 2 quiet CPU cores, unless the name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A limit of a figure. unit: of the figure. least: True for "at least". of_ratio: the ratio is limited instead."""

    limit: float
    unit: str
    least: bool = False
    of_ratio: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {self.limit:g} {'x' if self.of_ratio else self.unit}".strip()

    def is_met(self, ours: float, ratio: float | None) -> bool | None:
        """Return True if the limit is kept; None if it is on a ratio, and there is none."""
        value = ratio if self.of_ratio else ours
        if value is None:
            return None
        return value >= self.limit if self.least else value <= self.limit


def _at_least(limit: float, unit: str) -> Target:
    return Target(limit, unit, least=True)


def _ratio(limit: float, unit: str, *, least: bool = True) -> Target:
    return Target(limit, unit, least, of_ratio=True)


_FILTERS = (
    *("no filter", "one book", "one series", "a decade", "a label", "a pattern", "1,500 books", "panels with dialogue"),
    *("first pages", "several lists", "aspect of free bounds"),
)
"""Filters of `words_and_filters.py`."""

TARGETS: dict[str, dict[str, Target]] = {
    "words_and_filters": {
        **{f"words, {name}": Target(100, "ms") for name in _FILTERS},
        **{f"facets, {name}": Target(300, "ms") for name in _FILTERS},
    },
    "encoder_precisions": {"v1, int8": _ratio(2.2, "panels/s")},
    "build_pipeline": {
        "v1, bfloat16, from files on the CPU": _ratio(0.95, "panels/s"),
        "v1, bfloat16, from files on a GPU": _ratio(0.9, "panels/s"),
    },
    "encoder_speed": {"small, panels with their words": _at_least(400, "panels/s")},
    "ocr_engines": {
        "OCR of a page on one core": Target(0.42, "s"),
        "OCR, recall of words": _at_least(0.924, ""),
        "OCR, precision of words": _at_least(0.961, ""),
    },
    "whole_builds": {
        "pages until the end of a build": _ratio(2.2, "pages/s"),
        "pages until all pictures are searchable": _ratio(8, "pages/s"),
        "first panel searchable": Target(60, "s"),
        "publishing, share of a build": Target(0.05, ""),
    },
    "command_line": {
        "search WORDS": Target(1.0, "s"),
        "search WORDS, memory": Target(400, "MB"),
        "search --image": Target(1.5, "s"),
        "info": Target(0.5, "s"),
    },
    "large_library": {
        "recall@10 of the index part, 1 vector": _at_least(0.98, ""),
        "index part, 1 vector": _ratio(1.1, "ms", least=False),
        "index part, 1 vector, 99 of 100 within": Target(25, "ms"),
        "recall@10 of the index part, 14 vectors": _at_least(0.98, ""),
        "index part, 14 vectors": _ratio(1.1, "ms", least=False),
        "index part, 14 vectors, 99 of 100 within": Target(60, "ms"),
        "words, no filter": Target(100, "ms"),
        "words, one book": Target(100, "ms"),
        "words, a tenth of the books": Target(100, "ms"),
        "words, panels with dialogue": Target(100, "ms"),
        "words, first pages": Target(100, "ms"),
        "facets, no filter": Target(300, "ms"),
        "facets, one book": Target(300, "ms"),
        "facets, a tenth of the books": Target(300, "ms"),
        "facets, panels with dialogue": Target(300, "ms"),
        "facets, first pages": Target(300, "ms"),
        "opening": Target(1, "s"),
        "memory of a panel and view": Target(110, "bytes"),
        "one more book of 100 pages": Target(20, "s"),
    },
    "served_library": {
        "picture query": Target(200, "ms"),
        "16 clients, answers to words": _at_least(12, "answers/s"),
        "16 clients, words, 99 of 100 within": _ratio(4, "s", least=False),
        "16 clients, answers to pictures": _at_least(5, "answers/s"),
        "16 clients, pictures, 99 of 100 within": _ratio(4, "s", least=False),
        "64 clients, errors": Target(0, ""),
    },
}
"""Program without its extension -> name of a figure -> target."""
