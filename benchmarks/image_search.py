"""Measure the parts of a search by image, with the keypoints of thumbnails stored and found during the search.

    python benchmarks/image_search.py INDEX [--queries 60]

The queries are distorted thumbnails of panels drawn at random, of every kind of distortion in turn, 1200 pixels wide.
Both ways take turns in one process, and their answers are compared: ids, order, scores and ranking scores. CPU times
are of the whole process and hold on a busy machine; wall times do not. Missing keypoints are stored by
`panelseek verify --repair`. The last lines are a table for docs/measured.md.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from retrieval import PanelIndex
from retrieval.evaluation.distortions import DISTORTIONS, distort
from retrieval.search import candidates, query_vectors
from retrieval.search.ranking import coverage, geometric
from retrieval.store.ann import ivfpq
from retrieval.store.thumbnails import Thumbnails

WIDTH = 1200
"""Pixels of the query images."""

PARTS: tuple[tuple[Any, str, str], ...] = (
    (query_vectors, "_read_image", "reading the image"),
    (query_vectors.QueryEncoder, "_encode_batch", "encoding at three sizes"),
    (ivfpq.IvfPq, "search", "IVF-PQ candidates"),
    (candidates, "best_scores", "exact scores"),
    (coverage, "apply", "region coverage"),
    (geometric, "apply", "keypoints"),
)
"""Where each function is looked up, its name there, and the name of its part."""

Times = dict[str, list[tuple[float, float]]]
"""Seconds of CPU time and of wall time, by part, a pair for each query."""


class Clock:
    """The times of the way that is being measured."""

    def __init__(self) -> None:
        self.times: dict[str, Times] = {way: defaultdict(list) for way in ("stored", "found")}
        self.way = "stored"
        for owner, name, part in PARTS:
            setattr(owner, name, self._timed(getattr(owner, name), part))

    def _timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def timed(*arguments: Any, **more: Any) -> Any:
            return self.measure(part, lambda: function(*arguments, **more))

        return timed

    def measure(self, part: str, call: Callable[[], Any]) -> Any:
        """Return the result of a call, and keep its times."""
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            return call()
        finally:
            self.times[self.way][part].append((time.process_time() - cpu, time.perf_counter() - wall))

    def drop(self) -> None:
        """Forget what was measured so far."""
        for times in self.times.values():
            times.clear()


def queries(index: PanelIndex, count: int) -> Iterator[Image.Image]:
    """Return distorted thumbnails of panels drawn at random."""
    panels, rng = index.browse(k=1_000_000), np.random.default_rng(1)
    for number, place in enumerate(rng.integers(0, len(panels), count)):
        with Image.open(io.BytesIO(index.thumbnail(panels[place]))) as image:
            whole = np.asarray(image.convert("RGB"))
        kind = list(DISTORTIONS)[number % len(DISTORTIONS)]
        distorted = distort(whole, kind, seed=number)
        copy = Image.fromarray(whole if distorted is None else distorted)
        yield copy.resize((WIDTH, max(1, round(WIDTH * copy.height / copy.width))))


def measure(index: PanelIndex, count: int, clock: Clock) -> int:
    """Search for each query both ways; return how many answers differ."""
    stored = Thumbnails.get_keypoints
    ways = {"stored": stored, "found": lambda *_: {}}
    differing = 0
    for number, image in enumerate(queries(index, count + 2)):
        answers = []
        for way in sorted(ways, reverse=bool(number % 2)):
            clock.way, Thumbnails.get_keypoints = way, ways[way]  # type: ignore[method-assign]
            hits = clock.measure("all", lambda image=image: index.search(image=image, k=40))
            answers.append([(hit.panel.id, hit.score, hit.ranking_score) for hit in hits])
        differing += answers[0] != answers[1]
        if number == 1:
            clock.drop()  # what is loaded once
    Thumbnails.get_keypoints = stored  # type: ignore[method-assign]
    return differing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("--queries", type=int, default=60)
    given = parser.parse_args()
    clock = Clock()
    with PanelIndex.open(given.index) as index:
        panels = index.info()["panels"]
        differing = measure(index, given.queries, clock)
    print(f"{panels:,} panels, {given.queries} queries, {differing} answers differ\n")
    print("| part | CPU ms | wall ms | CPU ms without stored keypoints | wall ms | ratio of CPU |")
    print("|---|---|---|---|---|---|")
    for part in [*(part for *_, part in PARTS), "all"]:
        stored, found = (clock.times[way][part] for way in ("stored", "found"))
        if stored and found:
            cells = [
                1000 * float(np.median([pair[place] for pair in each])) for each in (stored, found) for place in (0, 1)
            ]
            print(f"| {part} | " + " | ".join(f"{cell:.0f}" for cell in cells) + f" | {cells[0] / cells[2]:.2f} |")


if __name__ == "__main__":
    main()
