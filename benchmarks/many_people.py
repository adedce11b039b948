"""Let many people search a large served library at once, by words or by image, and measure their answers.

    python benchmarks/many_people.py FOLDER [--panels 100000] [--regions 13] [--people 16,64] [--seconds 60]

FOLDER gets the synthetic library of `page_speed.py`, kept for the next run. `panelseek serve` serves it with `small`.
Each person has an address of its own and asks its next question, through the endpoint, as soon as it has an answer: all
by three words, then all by image. The images are pieces of the sample comics, 1200 pixels wide. The time of the first
answer of each kind, from a new server, is measured before. CPU is that of the server for each answer: on a machine with
nothing else to do, N cores give at most N divided by it a second. The last lines are a table for docs/measured.md.
"""

from __future__ import annotations

import argparse
import base64
import io
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from web_app.api_client import ApiClient
from web_app.library import WORDS, make_library, piece
from web_app.server import served

_WIDTH = 1200
_IMAGES = 60
"""Query images, drawn once and used in turn."""

Arguments = dict[str, Any]


@dataclass
class Answers:
    """The seconds of each answer of all people, and the other replies."""

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


def by_words(number: int) -> Arguments:
    """Return a question by three words, another one for each number."""
    chosen = np.random.default_rng(number).integers(0, len(WORDS), 3)
    return {"text": " ".join(WORDS[word] for word in chosen)}


def by_image() -> Callable[[int], Arguments]:
    """Return a function like `by_words` for questions by image."""
    images = []
    for seed in range(_IMAGES):
        image, out = piece(1_000 + seed), io.BytesIO()
        image.resize((_WIDTH, round(_WIDTH * image.height / image.width))).save(out, "JPEG", quality=70)
        images.append(base64.b64encode(out.getvalue()).decode())
    return lambda number: {"image": images[number % len(images)]}


def ask_at_once(ask: ApiClient, question: Callable[[int], Arguments], people: int, seconds: float) -> Answers:
    """Let so many people ask for so long; answers that come later count as well."""
    answers, end = Answers(), time.monotonic() + seconds

    def person(number: int) -> None:
        asked = 0
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                ask(question(1 + number + asked * people), number)
            except Exception as error:  # whatever a person meets is counted
                with answers.lock:
                    answers.errors[f"{type(error).__name__}: {str(error)[:160]}"] += 1
            else:
                with answers.lock:
                    answers.seconds.append(time.monotonic() - began)
            asked += 1

    threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def row(kind: str, people: int, answers: Answers, wall: float, cpu: float) -> str:
    """Return a row of the table."""
    ordered = sorted(answers.seconds) or [float("nan")]
    median, late = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
    cells = [f"{len(answers.seconds) / wall:.1f}", f"{median:.2f}", f"{late:.2f}", f"{late / median:.1f}"]
    cells += [str(answers.errors.total()), f"{1000 * cpu / max(1, len(answers.seconds)):.0f}"]
    return f"| {kind} | {people} | {len(answers.seconds):,} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--panels", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=13)
    parser.add_argument("--people", default="16,64", help="how many at once, one number or several")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    if not (given.folder / "catalog.sqlite").exists():
        make_library(given.folder, given.panels, given.regions)
    kinds = {"three words": by_words, "an image": by_image()}
    rows, errors = [], Counter[str]()
    with served(given.folder) as (url, process):
        ask = ApiClient(url)
        for kind, question in kinds.items():
            began = time.monotonic()
            ask(question(0))
            print(f"first answer by {kind}: {time.monotonic() - began:.2f} s", flush=True)
        for kind, question in kinds.items():
            for people in map(int, given.people.split(",")):
                began, before = time.monotonic(), cpu_seconds(process)
                answers = ask_at_once(ask, question, people, given.seconds)
                rows.append(row(kind, people, answers, time.monotonic() - began, cpu_seconds(process) - before))
                errors.update(answers.errors)
                print(rows[-1], flush=True)
    for text, count in errors.most_common():
        print(f"{count:6} {text}")
    print("\n| question | people | answers | a second | median, s | 99 of 100 within, s | ratio | errors | CPU ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
