"""Damage every file of an index in many ways, and see whether searching, verifying and repairing tell the truth.

    python benchmarks/damaged_index.py WORK [--damages 1000] [--seed 1]

Builds a small index of sample comics in the folder WORK with `small`, without OCR. Each damage is done to a copy:

(a) fixed questions are answered rightly, or with an error sentence, or `verify` names the damage;
(b) after `verify --repair` and `build`, `verify` finds nothing and the answers are those of the intact index, or the
    commands named the rest.

Prints a table for docs/measured.md. WORK/damages.jsonl has a line for each damage; a stopped run continues there.
A damage that takes more than five minutes counts as a hang.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SECONDS_PER_DAMAGE = 300


def work_through(work: Path, damages: int, seed: int) -> None:
    """Examine the damages that have no line yet, in this process."""
    from benchmarks.damage.examine import examine, make_intact  # here: the process that starts this one stays light
    from retrieval.encoder import load_encoder

    logging.disable(logging.WARNING)
    encoder = load_encoder("small")
    make_intact(work, encoder)
    right = json.loads((work / "answers.json").read_text())
    for number in range(len(lines(work)), damages):
        signal.alarm(SECONDS_PER_DAMAGE)  # its default action ends the process, in compiled code, too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            add_line(work, examine(work, number, seed, encoder, right))


def lines(work: Path) -> list[dict[str, Any]]:
    path = work / "damages.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def add_line(work: Path, seen: dict[str, Any]) -> None:
    with (work / "damages.jsonl").open("a") as file:
        file.write(json.dumps(seen) + "\n")


def table(found: list[dict[str, Any]]) -> str:
    """Return the counts by kind as a Markdown table."""
    columns: dict[str, Callable[[dict[str, Any]], bool]] = {
        "damages": lambda s: True,
        "right": lambda s: s.get("asked") == "right",
        "a sentence": lambda s: s.get("asked") == "sentence",
        "wrong, verify names it": lambda s: s.get("asked") == "wrong" and s.get("verified") != "sound",
        "wrong, unseen": lambda s: s.get("asked") == "wrong" and s.get("verified") == "sound",
        "mended": lambda s: s.get("after") == "mended",
        "named as lost": lambda s: s.get("after") in ("sentence", "still named"),
        "repaired, still wrong": lambda s: s.get("after") == "wrong",
        "tracebacks": lambda s: "traceback" in (s.get("asked"), s.get("verified"), s.get("after"), s.get("crash")),
        "hangs": lambda s: s.get("crash") == "hang",
    }
    rows = ["| damage | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for kind in [*sorted({s["kind"] for s in found}), "all"]:
        own = [s for s in found if kind in (s["kind"], "all")]
        counts = Counter({name: sum(map(test, own)) for name, test in columns.items()})
        rows.append(f"| {kind} | " + " | ".join(f"{counts[name]:,}" for name in columns) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--damages", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.worker:
        work_through(args.work.resolve(), args.damages, args.seed)
        return
    while (done := len(lines(args.work))) < args.damages:
        code = subprocess.run([sys.executable, *sys.argv, "--worker"]).returncode
        if code and len(lines(args.work)) == done and not (args.work / "answers.json").exists():
            raise SystemExit("the intact index cannot be built")
        if code:
            what = "hang" if code == -signal.SIGALRM else "traceback"
            add_line(args.work, {"n": len(lines(args.work)), "kind": "process ended", "crash": what, "code": code})
    print(table(lines(args.work)))


if __name__ == "__main__":
    main()
