"""The questions that both checkouts get, and the seconds that each takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TEXTS = ["the lighthouse is dark again", "puddles", "wake up, it is late", "tne ligthouse is drak", "who are you?",
         "the cold season nips at my long ears", "I do not know what you are talking about"]  # fmt: skip
FILTERS: list[dict[str, Any]] = [
    {"has_dialogue": True},
    {"book": "%e%"},
    {"page": [1, 4]},
    {"aspect": "wide", "has_dialogue": False},
]

SECONDS_A_ROUND, MOST_TIMES = 0.1, 20
"""A round asks each question so often that it takes these seconds; at least once, at most so many times."""


@dataclass
class Question:
    """A command that both checkouts get, with the seconds of each round for [here, there]."""

    kind: str
    command: dict[str, Any]
    seconds: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    same: bool = True

    times: int = 1

    def forget_times(self) -> None:
        """Drop the times of the first calls, and choose from them how often each round asks."""
        slower = max(max(seconds) for seconds in self.seconds)
        self.times = min(MOST_TIMES, max(1, round(SECONDS_A_ROUND / max(slower, 1e-4))))
        for seconds in self.seconds:
            seconds.clear()


def make_questions(pictures: Sequence[str], panels: int, said: Sequence[str]) -> list[Question]:
    """Return the questions of all kinds."""
    lines = [" ".join(text.split()[1:6]) for text in said]
    words = [*TEXTS, *lines]
    places = [panels * n // 10 for n in range(10)]
    search: list[tuple[str, dict[str, Any]]] = [("words", {"text": text}) for text in words]
    search += [("words, filtered", {"text": t, "where": FILTERS[n % len(FILTERS)]}) for n, t in enumerate(words[:12])]
    search += [("picture", {"image": path}) for path in pictures]
    search += [
        ("picture and words", {"image": path, "text": text}) for path, text in zip(pictures, TEXTS, strict=False)
    ]
    search += [("panel", {"panel": place}) for place in places]
    search += [("negative words", {"text": text, "negative": words[-n]}) for n, text in enumerate(words[:10], 1)]
    found = [Question(kind, {"do": "search", "k": 12, **more}) for kind, more in search]
    found += [Question("browse", {"do": "browse", "k": 48, "where": where}) for where in ({}, *FILTERS)]
    found += [Question("thumbnails", {"do": "thumbnails", "first": place, "count": 60}) for place in places[::3]]
    return [*found, Question("open", {"do": "open"})]
