"""Score thresholds as they are stored with a generation: `generations/N/calibration.json`, by view and query type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from retrieval.files import replace_file
from retrieval.records import View
from retrieval.store.checksums import checksum
from retrieval.store.layout import generation_folder

QueryType = Literal["picture", "words", "both", "panel"]

Key = tuple[View, QueryType]

FILE = "calibration.json"

MIN_SAMPLE = 12
"""Impostors below which no threshold is given."""

MAX_GROWTH = 0.1
"""Share of panels that a library may gain or lose since a threshold was measured, until it is measured again."""


@dataclass(frozen=True, slots=True)
class ScoreThreshold:
    """The ranking score above which a hit of one view and query type counts as close.

    value: the threshold; None if the library is too small to calibrate. median: of the impostor scores.
    sample_size: number of impostors. panels: number of panels that were searched when it was measured.
    """

    view: View
    query_type: QueryType
    value: float | None
    median: float | None
    sample_size: int
    panels: int = 0

    def exceeded_by(self, ranking_score: float) -> bool | None:
        """Return True if a ranking score is above the threshold; None without a threshold."""
        return None if self.value is None else ranking_score > self.value


def thresholds_path(index: Path, number: int) -> Path:
    """Return the file with the thresholds of a generation."""
    return generation_folder(index, number) / FILE


def stored_thresholds(path: Path) -> dict[Key, ScoreThreshold]:
    """Return the stored thresholds; none if the file is missing or damaged."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.pop("checksum") != _checksum(stored) or stored["generation"] != int(path.parent.name):
            return {}
        thresholds = [_from_json(value) for value in stored["thresholds"]]
        return {(each.view, each.query_type): each for each in thresholds}
    except (OSError, ValueError, AttributeError, TypeError, KeyError, OverflowError, RecursionError):
        return {}


def _from_json(value: dict[str, Any]) -> ScoreThreshold:
    """Return a stored threshold. Raises `ValueError`, `TypeError` or `KeyError` for one that no search stored."""
    found = ScoreThreshold(View(value["view"]), **{key: item for key, item in value.items() if key != "view"})
    counts = (found.sample_size, found.panels)
    numbers = [number for number in (found.value, found.median) if number is not None]
    if found.query_type not in get_args(QueryType) or any(type(count) is not int for count in counts):
        raise ValueError("not a threshold")
    if (found.value is None) != (found.median is None) or not all(_is_score(number) for number in numbers):
        raise ValueError("not a threshold")
    return found


def _is_score(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def store_threshold(path: Path, threshold: ScoreThreshold) -> None:
    """Store one more threshold; if the index cannot be written, the next process measures again."""
    _write(path, {**stored_thresholds(path), (threshold.view, threshold.query_type): threshold})


def carry_over(index: Path, former: int, generation: int, panels: int) -> None:
    """Store the thresholds of a former generation with a new one of `panels` panels, except where too many changed."""
    found = stored_thresholds(thresholds_path(index, former))
    kept = {key: each for key, each in found.items() if abs(panels - each.panels) < MAX_GROWTH * each.panels}
    if kept:
        _write(thresholds_path(index, generation), kept)


def _write(path: Path, thresholds: Mapping[Key, ScoreThreshold]) -> None:
    content = {"generation": int(path.parent.name), "thresholds": [asdict(each) for each in thresholds.values()]}
    text = json.dumps({**content, "checksum": _checksum(content)}, indent=1)
    with suppress(OSError):
        replace_file(path, lambda temporary: temporary.write_text(text))


def _checksum(content: dict[str, Any]) -> str:
    return checksum(json.dumps(content, sort_keys=True).encode()).hex()
