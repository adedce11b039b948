"""Let many clients ask a served index while books are added, and check every answer.

    python benchmarks/clients.py FOLDER [--comics FOLDER] [--clients 64] [--seconds 300] [--questions 240] [--json]

FOLDER gets a library, its index, and a copy of the index of each generation that a build publishes. The library begins
with the sample comics; the books of --comics are added one at a time, each with `panelseek build` in a process of its
own, and then again under other names until the time is over. `panelseek serve` answers the clients, each of which asks
its next question as soon as it has an answer. Afterwards every question is asked alone over the copy of the generation
that its answer names. An answer that has other panels, another order, a score that is off by more than 0.0001, or
another `close` is counted as different. `close` may be null, because no answer waits until its threshold is measured.
Errors are counted by their first line. The last lines are a table for docs/measured.md.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures.rows import Figures
from web_app.api_client import ApiClient
from web_app.questions import ARGUMENTS, make_questions
from web_app.server import ROOT, served

import sample_data
from retrieval import PanelIndex
from ui.web.api import handlers

SCORE_TOLERANCE = 1e-4
"""Scores of one question in batches of different sizes differ by less than 1e-5."""

_BOOKS = {".cbz", ".cbr", ".cb7", ".cbt", ".pdf", ".epub"}
_IMAGES = {".png", ".jpg", ".jpeg", ".webp"}
_LOOK_SECONDS = 0.2
Question = tuple[str, dict[str, Any]]
Answers = dict[tuple[int, int], Counter[str]]
"""Answers as JSON text, by the number of the generation and of the question, and how often each was given."""


@dataclass
class Record:
    """Answers and errors of all clients. seconds: of each answer, by kind of question. errors: the other replies."""

    answers: Answers = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--comics", type=Path, help="folder of comics to add; without it the samples are added again")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--questions", type=int, default=240)
    parser.add_argument("--again", action="store_true", help="delete FOLDER first")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    figures = Figures("clients", given.json)
    if given.again:
        shutil.rmtree(given.folder, ignore_errors=True)
    if given.folder.exists():
        raise SystemExit(f"{given.folder} exists; name a new folder")
    builder = Builder(given.folder.absolute(), given.comics)
    builder.build()
    questions = make_questions(builder.index, given.questions)
    record = Record()
    with served(builder.index) as (url, process):
        ask = ApiClient(url)
        for number in (0, len(questions) // 2):  # what is loaded once
            ask(questions[number][1])
        run_clients(ask, questions, record, given.clients, given.seconds, builder)
        memory = process.memory_info().rss // 2**20
    differing = compare(builder.copies, questions, record.answers)
    report(given, builder, record, differing, memory)
    every = sorted(seconds for each in record.seconds.values() for seconds in each)
    median = statistics.median(every)
    figures.add("answers while books are added", len(every) / given.seconds, "answers/s")
    figures.add("95 of 100 answers within", every[int(0.95 * (len(every) - 1))], "s", median, "their median")
    figures.add("errors", record.errors.total(), "")
    figures.add("answers that differ", differing.total(), "", reason=f"of {len(every):,}")
    figures.add("builds that failed", len(builder.failed), "")


class Builder:
    """A library in FOLDER that grows by one book at a time. copies: of the index, by generation."""

    def __init__(self, folder: Path, comics: Path | None) -> None:
        self.library, self.index = folder / "library", folder / "served.index"
        self.copies: dict[int, Path] = {}
        self.failed: list[str] = []
        samples = Path(sample_data.__file__).with_name("comics")
        shutil.copytree(samples, self.library / "samples")
        self._waiting = sorted(_books(comics or samples))
        self._added = 0

    def add_book(self) -> None:
        """Copy the next book into the library and build; from the second round on under another name."""
        rounds, place = divmod(self._added, len(self._waiting))
        book = self._waiting[place]
        target = self.library / f"added {self._added:04}" / (f"{rounds} {book.name}" if rounds else book.name)
        if book.is_dir():
            shutil.copytree(book, target)
        else:
            target.parent.mkdir(parents=True)
            shutil.copy(book, target)
        self._added += 1
        self.build()

    def build(self) -> None:
        """Build in a process of its own, and copy the index of each new generation."""
        command = [sys.executable, "-m", "ui.cli", "build", str(self.library), "--index", str(self.index)]
        options = ["--encoder", "small", "--no-ocr", "--workers", "1", "--quiet"]
        silent, pipe = subprocess.DEVNULL, subprocess.PIPE
        with subprocess.Popen([*command, *options], cwd=ROOT, stdout=silent, stderr=pipe, text=True) as building:
            while building.poll() is None:
                self._copy_generation()
                time.sleep(_LOOK_SECONDS)
            if building.returncode:
                self.failed.append((building.stderr.read() if building.stderr else "").strip())
        self._copy_generation()

    def _copy_generation(self) -> None:
        """Copy what the searched generation needs, unless there is a copy, or the next one came meanwhile."""
        number = _generation(self.index)
        if number is None or number in self.copies:
            return
        partial = self.index.with_name("partial.index")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            for name in ("vectors", f"generations/{number}"):
                shutil.copytree(self.index / name, partial / name)
            for name in ("catalog.sqlite", "thumbnails/thumbnails.sqlite"):
                _copy_database(self.index / name, partial / name)
        except OSError:  # the build has deleted this generation
            return
        if _generation(partial) == number:
            self.copies[number] = partial.rename(self.index.with_name(f"generation {number}.index"))

    def keep_adding(self, stopped: threading.Event) -> None:
        """Add books until the event is set."""
        while not stopped.is_set():
            self.add_book()


def _generation(index: Path) -> int | None:
    """Return the number of the searched generation; None before the first."""
    if not (index / "catalog.sqlite").exists():
        return None
    with closing(sqlite3.connect(index / "catalog.sqlite")) as catalog:
        try:
            row = catalog.execute("SELECT value FROM setting WHERE key = 'generation'").fetchone()
        except sqlite3.OperationalError:  # its tables are not made yet
            return None
    return None if row is None or row[0] in (None, "null") else int(row[0])


def _copy_database(path: Path, target: Path) -> None:
    """Copy a SQLite database that another process may be writing."""
    target.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _books(folder: Path) -> set[Path]:
    """Return the book files below a folder, and the folders that directly hold page images."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path for path in files if path.suffix in _BOOKS} | {
        path.parent for path in files if path.suffix in _IMAGES and path.parent != folder
    }


def run_clients(
    ask: ApiClient, questions: list[Question], record: Record, clients: int, seconds: float, builder: Builder
) -> None:
    """Let the clients ask for so many seconds, while books are added."""
    stopped = threading.Event()

    def client(seed: int) -> None:
        draw = random.Random(seed)
        while not stopped.is_set():
            number = draw.randrange(len(questions))
            kind, arguments = questions[number]
            began = time.perf_counter()
            try:
                answer = ask(arguments, seed)
            except Exception as error:  # whatever a client meets is counted
                with record.lock:
                    record.errors[f"{kind}: {type(error).__name__}: {str(error)[:160]}"] += 1
                continue
            with record.lock:
                record.seconds[kind].append(time.perf_counter() - began)
                record.answers[answer["generation"], number][json.dumps(answer, sort_keys=True)] += 1

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(clients)]
    threads.append(threading.Thread(target=builder.keep_adding, args=(stopped,)))
    for thread in threads:
        thread.start()
    stopped.wait(seconds)
    stopped.set()
    for thread in threads:
        thread.join()


def compare(copies: dict[int, Path], questions: list[Question], answers: Answers) -> Counter[str]:
    """Ask each question alone over the copy of its generation; return how many answers differ, by kind."""
    differing: Counter[str] = Counter()
    encoder = None
    for generation in sorted({number for number, _ in answers}):
        if generation not in copies:
            differing["of a generation without a copy"] += sum(
                sum(given.values()) for (number, _), given in answers.items() if number == generation
            )
            continue
        with PanelIndex.open(copies[generation], encoder=encoder) as index:
            encoder = index.encoder
            for (_, number), given in sorted(item for item in answers.items() if item[0][0] == generation):
                kind, arguments = questions[number]
                alone = json.loads(json.dumps(handlers.search(index, ARGUMENTS | arguments)))
                for text, count in given.items():
                    what = difference(json.loads(text), alone)
                    if what:
                        differing[f"{kind}: {what}"] += count
    return differing


def difference(answer: dict[str, Any], alone: dict[str, Any]) -> str:
    """Return the kind of difference between two answers, "" if they are the same."""
    if [hit["panel_id"] for hit in answer["hits"]] != [hit["panel_id"] for hit in alone["hits"]]:
        same = {hit["panel_id"] for hit in answer["hits"]} == {hit["panel_id"] for hit in alone["hits"]}
        return "another order" if same else "other panels"
    if any(
        abs(hit["score"] - other["score"]) > SCORE_TOLERANCE
        for hit, other in zip(answer["hits"], alone["hits"], strict=True)
    ):
        return "other scores"
    plain = [[{**hit, "score": 0} for hit in each["hits"]] for each in (answer, alone)]
    if plain[0] != plain[1]:
        return "other details"
    return "" if answer["close"] in (None, alone["close"]) else "another `close`"


def report(given: Any, builder: Builder, record: Record, differing: Counter[str], memory: int) -> None:
    """Print what was counted, and a table."""
    every = [seconds for each in record.seconds.values() for seconds in each]
    generations = len({number for number, _ in record.answers})
    print(
        f"{given.clients} clients, {given.seconds:.0f} s, {len(every):,} answers ({len(every) / given.seconds:.1f}/s)"
    )
    print(
        f"{len(builder.copies) - 1} books added, {len(builder.failed)} builds failed, {generations} generations asked"
    )
    print(f"memory of the server at the end: {memory:,} MiB")
    for title, counts in (("errors", record.errors), ("answers that differ", differing)):
        print(f"{title}: {counts.total()}")
        for name, count in counts.most_common():
            print(f"  {count:6} {name}")
    for failure in builder.failed:
        print(f"  build: {failure[:500]}")
    print("\n| question | answers | median, s | 95 of 100 within, s | longest, s | errors | different |")
    print("|---|---|---|---|---|---|---|")
    for kind, seconds in [*sorted(record.seconds.items()), ("all", every)]:
        counted = [sum(n for name, n in each.items() if kind == "all" or name.startswith(f"{kind}: "))
                   for each in (record.errors, differing)]  # fmt: skip
        ordered = sorted(seconds)
        median, late = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
        times = f"{median:.2f} | {late:.2f} | {ordered[-1]:.2f}"
        print(f"| {kind} | {len(ordered):,} | {times} | {counted[0]} | {counted[1]} |")


if __name__ == "__main__":
    main()
