"""OCR of one page: its lines from the cache, else from the engine."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.dialogue.lines import OcrResult
from index_builder.dialogue.ocr_cache import OcrCache
from index_builder.dialogue.ocr_engine import engine_name, load_engine
from index_builder.dialogue.panel_text import TEXT_VERSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class OcrSettings:
    """OCR settings of a build.

    cache_folder: folder of the OCR cache. language: as returned by `parse_language`. threads: of the engine in each
    process.
    """

    cache_folder: Path
    language: str
    threads: int

    @property
    def engine_id(self) -> str:
        """Return all that the text of a panel depends on besides the page: engine, text version and language."""
        return f"{engine_name()}; {TEXT_VERSION}; {self.language}"


def recognize_page(page: NDArray[np.uint8], page_sha256: bytes, settings: OcrSettings) -> OcrResult:
    """Return the OCR lines of a page, (H, W, 3) uint8 RGB. Reads the cache and never writes it.

    page_sha256: of the bytes of the page file. Raises `OcrError` if the engine cannot be loaded or fails on this page.
    """
    engine = engine_name()
    cached = OcrCache(settings.cache_folder).get(page_sha256, engine)
    if cached is not None:
        return OcrResult(page_sha256, engine, cached, 0.0, from_cache=True)
    started = time.perf_counter()
    lines = load_engine(settings.threads).recognize(page)
    return OcrResult(page_sha256, engine, tuple(lines), time.perf_counter() - started)


def threads_per_worker(workers: int) -> int:
    """Return the engine threads of each of `workers` processes; 0 workers means this process alone."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))
