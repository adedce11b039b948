"""Measure picture queries over a large library, and how many answers a second it gives to many clients.

    python benchmarks/served_library.py FOLDER [--panels 100000] [--regions 13] [--seconds 30] [--json]

FOLDER gets a synthetic library, kept for the next run: clustered vectors, dialogues of five words, and thumbnails.
Picture queries run one at a time in this process. Then `panelseek serve` answers: one client, 16 that search for
words, 16 that search for pictures, and 64 that do both. Each client asks its next question as soon as it has an
answer. No question is asked twice.
"""

from __future__ import annotations

import argparse
import base64
import io
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from figures.rows import Figures
from web_app.api_client import ApiClient, Load, load
from web_app.library import WORDS, drawing, make_library
from web_app.server import served

from retrieval import PanelIndex

LEAST_PANELS = 100_000
"""Panels from which the figures are compared with their targets."""

_WARM = 3
Question = Callable[[int], dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--panels", type=int, default=LEAST_PANELS)
    parser.add_argument("--regions", type=int, default=13)
    parser.add_argument("--seconds", type=float, default=30, help="length of each load")
    parser.add_argument("--queries", type=int, default=20, help="picture queries in this process")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    figures = Figures(
        "served_library", given.json, f"{given.panels:,} panels only" if given.panels < LEAST_PANELS else ""
    )
    make_library(given.folder, given.panels, given.regions)
    picture_queries(given.folder, given.queries, figures)
    with served(given.folder) as (url, process):
        measure_loads(ApiClient(url), given.seconds, figures)
        figures.add("memory of the server at the end", process.memory_info().rss / 2**20, "MiB")
    for row in figures.rows:
        print(f"{row.name}: {row.ours:.3g} {row.unit}{f' ({row.against}: {row.baseline:.3g})' if row.baseline else ''}")


def picture_queries(folder: Path, queries: int, figures: Figures) -> None:
    """Time searches for pictures of 1200 x 800 pixels, from the pixels to the panels."""
    pictures = [drawing(5_000 + number).resize((1200, 800)) for number in range(_WARM + queries)]
    seconds = []
    with PanelIndex.open(folder) as index:
        for picture in pictures:
            began = time.perf_counter()
            index.search(image=picture, k=12)
            seconds.append(time.perf_counter() - began)
    median, late = (1000 * float(np.quantile(seconds[_WARM:], q)) for q in (0.5, 0.99))
    figures.add("picture query", median, "ms")
    figures.add("picture query, 99 of 100 within", late, "ms", median, "their median")


def measure_loads(ask: ApiClient, seconds: float, figures: Figures) -> None:
    """Measure one client, 16 and 64."""
    numbers = count(1)
    for kind, question in (("words", words), ("pictures", picture)):
        for number in range(_WARM):  # loads what is loaded once
            ask(question(10**6 + number))
        alone = load(ask, shifted(question, numbers), 1, seconds)
        many = load(ask, shifted(question, numbers), 16, seconds)
        figures.add(
            f"16 clients, answers to {kind}", many.rate, "answers/s", alone.rate, "one client", errors_of(alone, many)
        )
        if many.seconds:
            median, late = np.quantile(many.seconds, [0.5, 0.99])
            name = f"16 clients, {kind}, 99 of 100 within"
            figures.add(name, float(late), "s", float(median), "their median")
    both = load(ask, shifted(lambda number: (words, picture)[number % 2](number), numbers), 64, seconds)
    figures.add("64 clients, errors", both.errors.total(), "", reason=errors_of(both))
    figures.add("64 clients, answers to both", both.rate, "answers/s")


def shifted(question: Question, numbers: Any) -> Question:
    """Return a question whose numbers no other load has."""
    start = 100_000 * next(numbers)
    return lambda number: question(start + number)


def errors_of(*loads: Load) -> str:
    """Return the most frequent errors, "" without any."""
    found = [f"{times} x {name}" for each in loads for name, times in each.errors.most_common(2)]
    return "; ".join(found).replace("\n", " ")


def words(number: int) -> dict[str, Any]:
    """Return a question for three words, a different one for each number."""
    rng = np.random.default_rng(number)
    return {"text": " ".join(WORDS[place] for place in rng.choice(len(WORDS), 3, replace=False))}


def picture(number: int) -> dict[str, Any]:
    """Return a question for a picture of 480 x 320 pixels, a different one for each number."""
    out = io.BytesIO()
    drawing(number).save(out, "JPEG")
    return {"image": base64.b64encode(out.getvalue()).decode()}


if __name__ == "__main__":
    main()
