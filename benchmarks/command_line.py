"""Measure the time and memory of commands, each in a new process: searches by words and by picture, and `info`.

    python benchmarks/command_line.py [OTHER] [--index DIR] [--rounds 5] [--json]

An index of the sample comics is built first, unless one is given. OTHER is the root of another checkout: it runs the
same commands on the same index, in turn, and the ratio to it is printed. The fastest run of each command counts,
because other programs slow single ones. The first run of each is left out: it reads the files from the disk and
writes Python's bytecode. Memory is the highest of a run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from figures.material import sample_index
from figures.rows import Figures

HERE = Path(__file__).resolve().parents[1]
SAMPLE = HERE / "sample_data"
COMMANDS = {
    "search WORDS": ("search", "I was never here", "--json"),
    "search --image": ("search", "--image", str(SAMPLE / "query.jpg"), "--json"),
    "info": ("info",),
    "--help": ("--help",),
}


class Cost(NamedTuple):
    """Seconds on the clock and of processors, and the highest memory in MB, of one run."""

    wall: float
    cpu: float
    memory: float


def run(checkout: Path, arguments: tuple[str, ...], index: Path) -> Cost:
    """Run one command of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PANELSEEK_INDEX": str(index), "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", *arguments], env=environment, cwd=index.parent, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{checkout}: {' '.join(arguments)} failed")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def measure(checkouts: list[Path], arguments: tuple[str, ...], index: Path, rounds: int) -> list[Cost]:
    """Return the lowest cost of a command in each checkout, over rounds in which they take turns."""
    costs: list[list[Cost]] = [[] for _ in checkouts]
    for _ in range(rounds + 1):
        for checkout, found in zip(checkouts, costs, strict=True):
            found.append(run(checkout, arguments, index))
    return [Cost(*(min(each) for each in zip(*found[1:], strict=True))) for found in costs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="root of the other checkout")
    parser.add_argument("--index", type=Path, help="index to search (default: one of the sample comics)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default 5)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    chosen = parser.parse_args()
    figures = Figures("command_line", chosen.json)
    checkouts = [HERE, *([chosen.other.resolve()] if chosen.other else [])]
    with tempfile.TemporaryDirectory() as folder:
        index = chosen.index.resolve() if chosen.index else sample_index(Path(folder))
        print(f"{'command':<16}{'s':>8}{'CPU s':>8}{'MB':>8}" + ("   ratios to the other" if chosen.other else ""))
        for name, arguments in COMMANDS.items():
            own, *others = measure(checkouts, arguments, index, chosen.rounds)
            ratios = "".join(f"{a / b:>8.2f}" for other in others for a, b in zip(own, other, strict=True))
            print(f"{name:<16}{own.wall:>8.2f}{own.cpu:>8.2f}{own.memory:>8.0f}{ratios}", flush=True)
            walls, memories = ([getattr(cost, what) for cost in others] or [None] for what in ("wall", "memory"))
            figures.add(name, own.wall, "s", walls[0], "the other checkout")
            figures.add(f"{name}, memory", own.memory, "MB", memories[0], "the other checkout")


if __name__ == "__main__":
    main()
