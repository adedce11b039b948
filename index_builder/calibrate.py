"""Score thresholds of a new generation, measured while the build still has the encoder in memory."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from retrieval.encoder.protocol import Encoder
from retrieval.errors import PanelseekError
from retrieval.index import PanelIndex
from retrieval.overview.calibration import make_threshold
from retrieval.overview.thresholds import Key
from retrieval.progress import ProgressCallback, StageProgress
from retrieval.records import View

log = logging.getLogger("panelseek")

QUERIES: tuple[Key, ...] = (
    (View.DIALOGUE, "words"),
    (View.PICTURE, "panel"),
    (View.FUSED, "both"),
    (View.PICTURE, "picture"),
)
"""Views and query types that are measured. Pictures come last: with their keypoints they take longest."""

LEAST_SECONDS, SHARE = 0.5, 0.02
"""Time to measure: half a second, or this share of a longer build. What is left then is not measured."""


def calibrate(folder: Path, encoder: Encoder, build_seconds: float, progress: ProgressCallback) -> None:
    """Measure the thresholds of the most common queries as far as the time goes; build_seconds: of the build so far.

    The build is done before. So an index or encoder that answers no query is no error here.
    """
    allowed = max(LEAST_SECONDS, SHARE * build_seconds)
    if allowed <= 0:
        return
    end = time.monotonic() + allowed
    report = StageProgress(progress, "index", "thresholds", len(QUERIES))
    try:
        index = PanelIndex.open(folder, encoder=encoder)
    except PanelseekError as error:
        log.debug("no score threshold was measured: %s", error)
        return
    with index:
        for done, query in enumerate(QUERIES):
            report(done, detail="measuring score thresholds")
            if not _is_measured(index, query, end):
                break


def _is_measured(index: PanelIndex, query: Key, end: float) -> bool:
    """Measure one threshold, unless it is stored; return False if that takes longer than until `end`, or fails."""

    def check_time() -> None:
        if time.monotonic() > end:
            raise TimeoutError("the time for it is over")

    try:
        make_threshold(index, *query, pause=check_time)
    except Exception as error:
        log.debug("the score threshold of %s was not measured: %s", query, error)
        return False
    return True
