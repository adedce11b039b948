"""Kill commands at random moments with kill -9, and compare what the next command makes of it.

    OMP_NUM_THREADS=1 python benchmarks/kills.py [--kills 300] [--out kills.jsonl] [--markdown]

Each round has a library and an index of its own. A command runs in a process that is killed; the index is read as it
was left; the next command runs to its end; the result is compared with an index that nothing disturbed. Rounds that
end before they are killed do not count. Results are lines of JSON in --out; with an --out that exists, its rounds are
kept and the rest is run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.durability.rounds import (
    ACTIONS,
    IN_FLIGHT,
    Place,
    change,
    draw,
    finish,
    problems,
    reading_problem,
)
from tests.conftest import GridEncoder


def run_action(name: str, folder: Path, pictures: bool) -> None:
    """Run one action; the body of a process that is killed."""
    ACTIONS[name].run(Place(folder, pictures))


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if _has(options.out) else []
    processes: Any = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["benchmarks.durability.rounds", "retrieval.search.searcher", "faiss"])
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        rounds = Rounds(Path(folder), processes, options.seed)
        while sum(r["killed"] for r in done) < options.kills:
            done.append(rounds.run(done[-1]["round"] + 1 if done else 0))
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(done[-1]) + "\n")
            if done[-1]["problems"]:
                print(done[-1], file=sys.stderr, flush=True)
    print_table(done, options.markdown)


class Rounds:
    """Rounds in one folder, with a library, an index and typical durations made once."""

    def __init__(self, folder: Path, processes: Any, seed: int) -> None:
        self._folder = folder
        self._processes = processes
        self._seed = seed
        self._seconds: dict[str, float] = {}
        for pictures in (False, True):
            base = Place(folder / f"base {pictures}", pictures)
            draw(base)
            base.build()

    def run(self, number: int) -> dict[str, Any]:
        """Run one round and return its result."""
        name = list(ACTIONS)[number % len(ACTIONS)]
        if "IVF-PQ" in name and number // len(ACTIONS) % 4:  # they take longest
            name = name.removesuffix(", IVF-PQ")
        dice = random.Random(f"{self._seed} {number}")
        if name not in self._seconds:
            self._seconds[name] = self._measure(name, dice)
        place = self._prepare(name, dice)
        wait, began = dice.uniform(0, self._seconds[name]), time.monotonic()
        process = self._start(name, place)
        process.join(wait)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        else:  # it was measured while the machine was busier
            self._seconds[name] = time.monotonic() - began
        process.join()
        result = {"round": number, "action": name, "after": round(wait, 3), "killed": process.exitcode == -9}
        found = [problem for problem in [reading_problem(place)] if problem]
        first = place.encoded()
        try:
            finish(name, place)
            found += problems(place, self._clean(place), words=number % 3 == 0)
        except Exception as error:
            found.append(f"the next command failed: {type(error).__name__}: {error}")
        lines = place.log.read_text().splitlines() if place.log.exists() else []
        twice = sum(count - 1 for count in Counter(lines).values())
        if twice > IN_FLIGHT:
            found.append(f"{twice} panels encoded twice")
        return result | {"encoded": first, "twice": twice, "problems": found}

    def _measure(self, name: str, dice: random.Random) -> float:
        """Return the seconds that an action takes undisturbed."""
        place = self._prepare(name, dice)
        began = time.monotonic()
        process = self._start(name, place)
        process.join()
        assert process.exitcode == 0, name
        return time.monotonic() - began

    def _prepare(self, name: str, dice: random.Random) -> Place:
        """Return a fresh place for an action."""
        action = ACTIONS[name]
        shutil.rmtree(self._folder / "round", ignore_errors=True)
        shutil.copytree(self._folder / f"base {action.pictures}", self._folder / "round")
        place = Place(self._folder / "round", action.pictures)
        place.log.unlink(missing_ok=True)
        shutil.rmtree(place.index)
        if action.built:
            self._build_base(place)
        if action.changed:
            change(place, dice)
        place.log.unlink(missing_ok=True)
        return place

    def _build_base(self, place: Place) -> None:
        """Give a place an index of its own sources: paths in an index are absolute."""
        kept = self._folder / f"index {place.pictures}"
        if not kept.exists():
            place.build()
            shutil.copytree(place.index, kept)
        else:
            shutil.copytree(kept, place.index)

    def _start(self, name: str, place: Place) -> Any:
        process = self._processes.Process(target=run_action, args=(name, place.folder, place.pictures))
        process.start()
        return process

    def _clean(self, place: Place) -> Path:
        """Build an index of what the library is now, undisturbed."""
        clean = place.folder / "clean.index"
        place.build(encoder=GridEncoder(), index=clean)
        return clean


def print_table(done: list[dict[str, Any]], markdown: bool) -> None:
    """Print kills, what was lost or wrong, and panels encoded twice, by action."""
    rows = [("command", "kills", "lost", "wrong or failed", f"most panels encoded twice (in flight: {IN_FLIGHT})")]
    for name in [*ACTIONS, "all"]:
        killed = [r for r in done if r["killed"] and name in (r["action"], "all")]
        lost = sum(any(p.startswith("lost") for p in r["problems"]) for r in killed)
        wrong = sum(any(not p.startswith("lost") for p in r["problems"]) for r in killed)
        rows.append((name, *map(str, (len(killed), lost, wrong, max((r["twice"] for r in killed), default=0)))))
    for place, row in enumerate(rows):
        print("| " + " | ".join(row) + " |" if markdown else "".join(f"{cell:<30}" for cell in row))
        if markdown and not place:
            print("|" + "---|" * len(row))


def _has(path: Path | None) -> bool:
    return path is not None and path.exists()


if __name__ == "__main__":
    main()
