"""Compare the speed of this checkout with that of another one, question by question, in one run.

    python benchmarks/compare_checkouts.py OTHER [--comics DIR] [--rounds 5] [--limit 1.05] [--clock wall|cpu]

Each checkout runs in a process of its own. Both build an index of the same comics and answer the same questions in
turn; who goes first changes every time. Of each question the fastest answer counts, because other programs slow single
ones. The ratio of a kind is the median of its questions' ratios; that of builds is the median over the rounds. With
`--clock cpu` the processor time is compared, which a busy machine changes less. Exits with 1 if this checkout takes
more than `--limit` times as long in one kind, and more than `--ignore` milliseconds longer: two processes of the same
checkout differ by up to 0.2 ms in calls of 2 ms. Only names that both checkouts have are used; renamed ones are tried
in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve().parents[1]
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
SUBSET_PAGES = 12
"""Pages of the small library that is built in every round: a few seconds a build."""

TEXTS = ["the lighthouse is dark again", "puddles", "wake up, it is late", "tne ligthouse is drak", "who are you?",
         "the cold season nips at my long ears", "I do not know what you are talking about"]  # fmt: skip
FILTERS: list[dict[str, Any]] = [
    {"has_dialogue": True},
    {"book": "%e%"},
    {"page": [1, 4]},
    {"aspect": "wide", "has_dialogue": False},
]
NEGATIVE_NAMES = ("negative_text", "without")
THUMBNAIL_NAMES = ("thumbnails", "small_pictures")
"""Names of one thing in different versions, the newest first."""

SECONDS_A_ROUND, MOST_TIMES = 0.1, 20
"""A round asks each question so often that it takes these seconds; at least once, at most so many times."""

Reply = dict[str, Any]


# ------------------------------------------------------------------------ one checkout


class Worker:
    """Answers commands with the checkout that PYTHONPATH names."""

    def __init__(self) -> None:
        from index_builder import build_index
        from retrieval import PanelIndex, load_encoder

        self._build_index, self._open = build_index, PanelIndex.open
        self._encoder = load_encoder("small", device="cpu")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        self._negative = ""
        self._index: Any = None
        self._panels: list[Any] = []
        self._pictures: dict[str, Image.Image] = {}

    def build(self, sources: Sequence[str], index: str) -> Reply:
        """Build an index in a folder."""

        def call() -> Any:
            return self._build_index(sources, index, encoder=self._encoder, ocr=False, workers=0)

        return timed(call, lambda report: [report.pages, report.panels])

    def use(self, index: str) -> Reply:
        """Open the index that is searched; return how many panels it has and the dialogues of some."""
        self._index = self._open(index, encoder=self._encoder)
        self._panels = self._index.browse(k=100_000)
        said = [panel.dialogue for panel in self._panels if len(panel.dialogue.split()) > 5]
        return {"panels": len(self._panels), "said": said[:: max(1, len(said) // 12)][:12]}

    def open(self, index: str) -> Reply:
        """Open an index and close it."""
        return timed(lambda: self._open(index).close(), lambda _: None)

    def browse(self, **question: Any) -> Reply:
        """List panels without a query."""
        return timed(lambda: self._index.browse(**question), lambda panels: [panel.id for panel in panels])

    def thumbnails(self, first: int, count: int) -> Reply:
        """Read thumbnails of panels that follow each other."""
        panels = self._panels[first : first + count]
        read = next((getattr(self._index, name) for name in THUMBNAIL_NAMES if hasattr(self._index, name)), None)
        if read is None:
            return timed(lambda: [self._index.thumbnail(panel) for panel in panels], len)
        return timed(lambda: read(panels), len)

    def search(self, **question: Any) -> Reply:
        """Search with text, a picture file, a panel given by its place in browsing order, or negative text."""
        if "image" in question:
            question["image"] = self._picture(question["image"])
        if "panel" in question:
            question["panel"] = self._panels[question["panel"]].id
        if "negative" in question:
            negative = question.pop("negative")
            self._negative = self._negative or self._name_of_negative(question)
            question[self._negative] = negative
        return timed(lambda: self._index.search(**question), lambda hits: [hit.panel.id for hit in hits])

    def _picture(self, path: str) -> Image.Image:
        if path not in self._pictures:
            with Image.open(path) as picture:
                self._pictures[path] = picture.convert("RGB")
        return self._pictures[path]

    def _name_of_negative(self, question: Mapping[str, Any]) -> str:
        for name in NEGATIVE_NAMES[:-1]:
            try:
                self._index.search(**question, **{name: "nothing"})
            except TypeError:
                continue
            return name
        return NEGATIVE_NAMES[-1]


def timed(call: Callable[[], Any], answer: Callable[[Any], Any]) -> Reply:
    """Return wall and processor seconds of a call, and what it answered."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "answer": answer(found)}


def serve() -> None:
    """Answer JSON lines from standard input; whatever libraries print goes to standard error."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr
    import retrieval

    worker = Worker()
    print(json.dumps({"from": str(Path(str(retrieval.__file__)).resolve().parents[1])}), file=out, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        reply = getattr(worker, command.pop("do"))(**command)
        print(json.dumps(reply), file=out, flush=True)


# ------------------------------------------------------------------------ both of them


class Checkout:
    """A worker process that uses one checkout."""

    def __init__(self, name: str, root: Path, scratch: Path) -> None:
        self.name, self.index = name, scratch / f"{name}.index"
        environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=scratch,
        )
        used = Path(self._reply()["from"])
        if used != root:
            raise SystemExit(f"the worker for {root} imports {used}: is that checkout complete?")

    def ask(self, do: str, **command: Any) -> Reply:
        """Send a command and wait for its reply."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self._process.stdin.flush()
        return self._reply()

    def _reply(self) -> Reply:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the worker for {self.name} stopped; its message stands above")
        reply: Reply = json.loads(line)
        return reply

    def close(self) -> None:
        """End the worker, which only reads and has written its last reply."""
        self._process.kill()
        self._process.communicate()


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


@contextmanager
def started(roots: Mapping[str, Path], scratch: Path) -> Iterator[list[Checkout]]:
    """Start a worker for each checkout; end them afterwards."""
    running: list[Checkout] = []
    try:
        for name, root in roots.items():
            running.append(Checkout(name, root, scratch))
        yield running
    finally:
        for each in running:
            each.close()


def in_turn(pair: Sequence[Checkout], number: int) -> list[tuple[int, Checkout]]:
    """Return both checkouts with their places, the other one first in every second round."""
    placed = list(enumerate(pair))
    return placed[::-1] if number % 2 else placed


def compare_builds(pair: Sequence[Checkout], subset: Path, scratch: Path, rounds: int, clock: str) -> Question:
    """Build the small library in every round; the first build of each checkout does not count."""
    build = Question("build", {})
    for number in range(rounds + 1):
        answers = {}
        for place, checkout in in_turn(pair, number):
            folder = scratch / f"{checkout.name}-{number}.index"
            reply = checkout.ask("build", sources=[str(subset)], index=str(folder))
            shutil.rmtree(folder)
            answers[place] = reply["answer"]
            if number:
                build.seconds[place].append(reply[clock])
        build.same = build.same and answers[0] == answers[1]
        say(f"build {number}/{rounds}")
    return build


def compare_questions(pair: Sequence[Checkout], questions: Sequence[Question], rounds: int, clock: str) -> None:
    """Ask every question in every round; a round before the first warms both up and compares the answers."""
    for number in range(rounds + 1):
        for question in questions:
            for again in range(question.times if number else 1):
                ask_both(pair, question, number + again, clock)
            if not number:
                question.forget_times()
        say(f"round {number}/{rounds}")


def ask_both(pair: Sequence[Checkout], question: Question, number: int, clock: str) -> None:
    """Ask both checkouts one question; remember the times, and whether the answers are the same."""
    answers = {}
    for place, checkout in in_turn(pair, number):
        command = dict(question.command)
        if command["do"] == "open":
            command["index"] = str(checkout.index)
        reply = checkout.ask(**command)
        answers[place] = reply["answer"]
        question.seconds[place].append(reply[clock])
    question.same = question.same and answers[0] == answers[1]


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


# ----------------------------------------------------------------------------- comics


def page_files(comics: Path) -> list[Path]:
    """Return all pages of the comics that are files of their own, in order."""
    return sorted(path for path in comics.rglob("*") if path.suffix.lower() in PICTURES)


def write_subset(pages: Sequence[Path], folder: Path) -> Path:
    """Copy some pages and their annotations into two books."""
    for number, page in enumerate(pages[:: max(1, len(pages) // SUBSET_PAGES)][:SUBSET_PAGES]):
        book = folder / f"book {number % 2 + 1}"
        book.mkdir(parents=True, exist_ok=True)
        for path in (page, page.with_suffix(".json")):
            if path.exists():
                shutil.copyfile(path, book / f"{number:02}{path.suffix}")
    return folder


def write_query_pictures(pages: Sequence[Path], folder: Path) -> list[str]:
    """Cut query pictures from pages: half of each page in one direction, a quarter in both."""
    folder.mkdir()
    found = []
    for number, page in enumerate(pages[:: max(1, len(pages) // 6)][:6]):
        with Image.open(page) as picture:
            w, h = picture.size
            box = (0, 0, w, h // 2) if number % 2 else (w // 4, h // 4, 3 * w // 4, 3 * h // 4)
            path = folder / f"{number}.png"
            picture.convert("RGB").crop(box).save(path)
            found.append(str(path))
    return found


# ----------------------------------------------------------------------------- results


def summary(questions: Sequence[Question], limit: float, ignore: float) -> list[dict[str, Any]]:
    """Return kind, median milliseconds of both, their ratio and whether that is too much, a row for each kind."""
    rows = []
    for kind in dict.fromkeys(question.kind for question in questions):
        some = [question for question in questions if question.kind == kind]
        if kind == "build":
            here, there = (median(seconds) for seconds in some[0].seconds)
            ratio = median(a / b for a, b in zip(*some[0].seconds, strict=True))
        else:
            fastest = [(min(question.seconds[0]), min(question.seconds[1])) for question in some]
            here, there = (median(pair[place] for pair in fastest) for place in (0, 1))
            ratio = median(a / b for a, b in fastest)
        differ = sum(not question.same for question in some)
        rows.append(
            {
                "kind": kind,
                "questions": len(some),
                "here_ms": round(1000 * here, 3),
                "there_ms": round(1000 * there, 3),
                "ratio": round(ratio, 3),
                "slower": ratio > limit and 1000 * (here - there) > ignore,
                "answers_differ": differ,
            }
        )
    return rows


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"{'kind':20}{'questions':>10}{'here ms':>12}{'there ms':>12}{'ratio':>8}{'differ':>8}")
    for row in rows:
        mark = "  slower" if row["slower"] else ""
        print(
            f"{row['kind']:20}{row['questions']:>10}{row['here_ms']:>12.2f}{row['there_ms']:>12.2f}"
            f"{row['ratio']:>8.3f}{row['answers_differ']:>8}{mark}"
        )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def compare(other: Path, comics: Path, rounds: int, clock: str) -> list[Question]:
    """Run both checkouts; return the questions with their times."""
    pages = page_files(comics)
    if not pages:
        raise SystemExit(f"{comics} has no pages that are files of their own")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        subset, pictures = write_subset(pages, scratch / "subset"), write_query_pictures(pages, scratch / "queries")
        with started({"here": HERE, "there": other}, scratch) as pair:
            build = compare_builds(pair, subset, scratch, rounds, clock)
            for checkout in pair:
                say(f"{checkout.name}: building the index that is searched")
                checkout.ask("build", sources=[str(comics)], index=str(checkout.index))
            about = [checkout.ask("use", index=str(checkout.index)) for checkout in pair]
            questions = make_questions(pictures, min(each["panels"] for each in about), about[0]["said"])
            compare_questions(pair, questions, rounds, clock)
    return [build, *questions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="root of the other checkout")
    parser.add_argument("--comics", type=Path, default=HERE / "sample_data" / "comics", help="comics to build")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked (default 5)")
    parser.add_argument("--limit", type=float, default=1.05, help="highest ratio that is accepted (default 1.05)")
    parser.add_argument("--ignore", type=float, default=0.3, help="milliseconds that do not count (default 0.3)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="which time is compared")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        serve()
        return
    if chosen.other is None:
        parser.error("name the root of the other checkout")
    questions = compare(chosen.other.resolve(), chosen.comics.resolve(), chosen.rounds, chosen.clock)
    rows = summary(questions, chosen.limit, chosen.ignore)
    if chosen.json:
        print(json.dumps({"clock": chosen.clock, "limit": chosen.limit, "kinds": rows}, indent=1))
    else:
        print_table(rows)
    raise SystemExit(any(row["slower"] for row in rows))


if __name__ == "__main__":
    main()
