"""Record what commands write, rebuild every disk that a power cut may leave of it, and run the next command on each.

    OMP_NUM_THREADS=1 python benchmarks/crash_states.py [--states 200] [--markdown]

Needs Linux and a C compiler. A state is what is on the disk if the power fails right after one recorded call: what was
not synced is lost, kept, or kept in part (sectors of 512 or 4,096 bytes), names of files one by one. Of the different
states of each command, --states are tried, drawn at random with --seed. In each, the index as it is must answer or be
refused with a sentence; the next command must end; content, answers, thumbnails and `verify` must be those of an index
that nothing disturbed; and no panel may be encoded again after its commit had returned.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.durability.disk import Recording, Tree, read_tree, tree_hash, write_tree
from benchmarks.durability.rounds import Place, reading_problem
from benchmarks.durability.scenarios import SCENARIOS, Scenario
from benchmarks.durability.shim import compile_shim, environment

_MIXED = 4
"""Random states for each recorded call, besides the four fixed ones."""


@dataclass
class Result:
    """The states of one command. calls: recorded calls; states: different states; failed: (state, what is wrong)."""

    name: str
    calls: int = 0
    states: int = 0
    tried: int = 0
    failed: list[tuple[str, list[str]]] = field(default_factory=list)


def main() -> None:
    """Try the states of all commands and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--states", type=int, default=200, help="states of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SCENARIOS, action="append")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="crash-states-") as folder:
        library = compile_shim(Path(folder))
        if library is None:
            raise SystemExit("crash_states.py needs Linux and a C compiler")
        for name in options.only or SCENARIOS:
            results.append(try_states(name, Path(folder), library, options.states, options.seed))
            for state, problems in results[-1].failed:
                print(name, state, problems, sep=" | ", file=sys.stderr, flush=True)
    print_table(results, options.markdown)


def try_states(name: str, folder: Path, library: Path, count: int, seed: int, calls: int | None = None) -> Result:
    """Record one command and try some of the states that a power cut may leave of it.

    calls: number of recorded calls, drawn at random, after which the power fails; None for all.
    """
    scenario, dice = SCENARIOS[name], random.Random(seed)
    place = scenario.place(folder / "round")
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir()
    scenario.prepare(place)
    clean = scenario.clean(place)
    recording, needed = record(name, scenario, place, folder, library)
    every = range(recording.length + 1)
    states = different_states(recording, sorted(dice.sample(every, calls)) if calls else every, dice)
    result = Result(name, recording.length, len(states))
    for time, kind, tree in dice.sample(states, min(count, len(states))):
        shutil.rmtree(place.index, ignore_errors=True)
        write_tree(place.folder / "disk", tree)
        if (place.folder / "disk" / place.index.name).exists():
            (place.folder / "disk" / place.index.name).rename(place.index)
        shutil.rmtree(place.folder / "disk")
        marks = [label for at, label in recording.marks if at <= time]
        problems = check(scenario, place, clean, [*marks, f"needed {needed}"], read=bool(result.tried % 2))
        result.tried += 1
        if problems:
            result.failed.append((f"call {time} of {recording.length}, {kind}", problems))
    return result


def record(name: str, scenario: Scenario, place: Place, folder: Path, library: Path) -> tuple[Recording, int]:
    """Run the command in a process that is recorded; return the recording, and how many panels it had to encode."""
    path = folder / "record"
    path.unlink(missing_ok=True)
    before, inodes = read_tree(place.folder)
    command = [sys.executable, "-m", "benchmarks.durability.traced", "record", name, str(place.folder)]
    root = Path(__file__).resolve().parent.parent
    subprocess.run(command, check=True, cwd=root, env=environment(library, place.folder, path))
    recording = Recording(place.folder, place.index.name, before, inodes, path)
    needed = sum(int(label.split()[1]) for _, label in recording.marks if label.startswith("landed"))
    return recording, needed


def different_states(recording: Recording, calls: Sequence[int], dice: random.Random) -> list[tuple[int, str, Tree]]:
    """Return the different states after each of some calls, with the call and the kind of state."""
    seen: set[str] = set()
    found = []
    for time in calls:
        for kind, tree in recording.states(time, dice, _MIXED):
            if (key := f"{tree_hash(tree)} {sum(at <= time for at, _ in recording.marks)}") not in seen:
                seen.add(key)
                found.append((time, kind, tree))
    return found


def check(scenario: Scenario, place: Place, clean: Path, marks: list[str], *, read: bool) -> list[str]:
    """Return the faults of a state, before and after the next command."""
    found = [reading_problem(place)] if read and place.index.exists() else []
    try:
        found += scenario.problems(place, clean, marks)
    except Exception as error:
        found.append(f"the next command failed: {type(error).__name__}: {error}")
    return [problem for problem in found if problem]


def print_table(results: list[Result], markdown: bool) -> None:
    """Print the number of states, by command."""
    rows = [("command", "recorded calls", "different states", "tried", "wrong")]
    rows += [(r.name, *(f"{n:,}" for n in (r.calls, r.states, r.tried, len(r.failed)))) for r in results]
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |" if markdown else "".join(f"{cell:<42}" for cell in row))
        if markdown and not number:
            print("|" + "---|" * len(row))


if __name__ == "__main__":
    main()
