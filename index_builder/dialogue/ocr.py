"""A page's picture -> the words of its panels: read once, remembered, put together."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.dialogue.ocr_cache import ReadingCache
from index_builder.dialogue.ocr_engine import engine_name, load_engine
from index_builder.dialogue.words import READS, Words, panel_words
from retrieval.records import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index_builder.dialogue.lines import Line


@dataclass(frozen=True, slots=True)
class OcrSettings:
    """How pages are read. cache: the folder that remembers it; language: as `checked_language` gives it; threads: of
    the engine in each process.
    """

    cache: Path
    language: str
    threads: int

    @property
    def name(self) -> str:
        """Everything that the words of a page depend on: engine and version, how lines are put together, language."""
        return f"{engine_name()}; {READS}; {self.language}"


@dataclass(frozen=True, slots=True)
class PageWords:
    """words: of each panel; seconds: that the engine took, 0 where the page was remembered."""

    words: list[Words]
    seconds: float


def read_words(
    page: NDArray[np.uint8], content: bytes, panels: Sequence[Box], how: OcrSettings, *, right_to_left: bool = False
) -> PageWords:
    """The words of the panels of a page (H, W, 3) uint8 RGB; content: SHA-256 of its bytes.

    Raises `OcrError` where the engine cannot be loaded, or fails on this page.
    """
    lines, seconds = _lines(page, content, how)
    size = (page.shape[1], page.shape[0])
    return PageWords(panel_words(lines, panels, size, language=how.language, right_to_left=right_to_left), seconds)


def threads_for(workers: int) -> int:
    """Threads of an engine where so many processes (0: this one) read side by side."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))


def _lines(page: NDArray[np.uint8], content: bytes, how: OcrSettings) -> tuple[Sequence[Line], float]:
    engine, cache = engine_name(), ReadingCache(how.cache)
    known = cache.get(content, engine)
    if known is not None:
        return known, 0.0
    started = time.perf_counter()
    lines = load_engine(how.threads).read(page)
    seconds = time.perf_counter() - started
    cache.put(content, engine, lines, seconds)
    return lines, seconds
