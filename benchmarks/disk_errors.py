"""Make each write, sync, rename and open of a command fail in turn, and run the same command again.

    OMP_NUM_THREADS=1 python benchmarks/disk_errors.py [--calls 40] [--only COMMAND] [--error NAME] [--markdown]

Needs Linux and a C compiler. The calls of a command on files of the index and on temporary files are counted; then it
runs once for each of --calls of them (0: for all), and that call fails. A full disk, a used-up quota, a disk that is
suddenly read-only and a used-up limit of open files last from that call on; an input/output error happens once. Each
time the command must end with a sentence, a path and a hint, or do without; the same command must end right
afterwards; no page may be taken for damaged, and no thumbnail of an unchanged page may be gone. With --tmpfs (root
only) a build also runs on small disks that are really full.
"""

from __future__ import annotations

import argparse
import errno
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.durability.rounds import problems
from benchmarks.durability.scenarios import SCENARIOS, sentence
from benchmarks.durability.shim import CREATE, NAME, OPEN, SYNC, WRITE, compile_shim, environment
from retrieval.errors import PanelseekError
from tests.conftest import GridEncoder

ERRORS = {
    "ENOSPC": (CREATE | WRITE, errno.ENOSPC, True),
    "EDQUOT": (CREATE | WRITE, errno.EDQUOT, True),
    "EIO": (CREATE | WRITE | SYNC | NAME, errno.EIO, False),
    "EROFS": (CREATE | WRITE | NAME, errno.EROFS, True),
    "EMFILE": (OPEN, errno.EMFILE, True),
}
"""Kinds of calls that fail, the error number, and whether all later ones fail too."""

_ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run all commands with all errors and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=40, help="calls of each command and error; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="commands; may be repeated")
    parser.add_argument("--error", choices=ERRORS, action="append", help="errors; may be repeated")
    parser.add_argument("--tmpfs", action="store_true", help="also fill small disks (root only)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    rows = [("command", "error", "calls", "made to fail", "ended with a sentence", "did without", "wrong")]
    with tempfile.TemporaryDirectory(prefix="disk-errors-") as folder:
        library = compile_shim(Path(folder))
        if library is None:
            raise SystemExit("disk_errors.py needs Linux and a C compiler")
        for name in options.only or SCENARIOS:
            for error in options.error or ERRORS:
                count, results = fail_calls(name, error, Path(folder), library, options.calls, options.seed)
                rows.append((name, error, str(count), *_summary(results)))
        if options.tmpfs:
            rows.append(("first build", "a disk of its own, full", "", *_summary(fill_disks(Path(folder)))))
    for place, row in enumerate(rows):
        print("| " + " | ".join(row) + " |" if options.markdown else "".join(f"{cell:<26}" for cell in row))
        if options.markdown and not place:
            print("|" + "---|" * len(row))


def _summary(results: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the counts of some results; print what is wrong."""
    for result in results:
        if result["problems"]:
            print(json.dumps(result), file=sys.stderr, flush=True)
    wrong = sum(bool(r["problems"]) for r in results)
    ended = sum(bool(r["text"]) for r in results)
    return str(len(results)), str(ended), str(len(results) - ended), str(wrong)


def fail_calls(
    name: str, error: str, folder: Path, library: Path, count: int, seed: int
) -> tuple[int, list[dict[str, Any]]]:
    """Make some calls of a command fail; return the number of its calls, and the results."""
    scenario = SCENARIOS[name]
    place = scenario.place(folder / "round")
    for leftover in (place.folder, Path(f"{place.folder}.kept")):
        shutil.rmtree(leftover, ignore_errors=True)
    place.folder.mkdir()
    scenario.prepare(place)
    clean = scenario.clean(place)
    (total,) = _run(name, place.folder, library, clean, ERRORS[error], [0])
    every = range(1, total["calls"] + 1)
    chosen = sorted(random.Random(seed).sample(every, min(count, len(every)))) if count else list(every)
    return total["calls"], _run(name, place.folder, library, clean, ERRORS[error], chosen)


def _run(
    name: str, folder: Path, library: Path, clean: Path, error: tuple[int, int, bool], calls: list[int]
) -> list[dict[str, Any]]:
    kinds, number, lasting = error
    shutil.rmtree(f"{folder}.kept", ignore_errors=True)
    arguments = ["errors", name, folder, clean, kinds, number, int(lasting), *calls]
    command = [sys.executable, "-m", "benchmarks.durability.traced", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=_ROOT, env=environment(library, folder), stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def fill_disks(folder: Path) -> list[dict[str, Any]]:
    """Build on mounted disks of several sizes, which are full at some point, then with room; return the results."""
    results = []
    scenario = SCENARIOS["first build"]
    for kibibytes in range(40, 520, 40):
        place = scenario.place(folder / "small disk")
        shutil.rmtree(place.folder, ignore_errors=True)
        place.index.mkdir(parents=True)
        scenario.prepare(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", place.index], check=True)
        found, text = [], ""
        try:
            try:
                place.build(encoder=GridEncoder())
            except PanelseekError as error:
                text = str(error)
                found.append(sentence(error))
            subprocess.run(["mount", "-o", "remount,size=64m", place.index], check=True)
            place.build(encoder=GridEncoder())
            found += problems(place, scenario.clean(place))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
        finally:
            subprocess.run(["umount", place.index], check=True)
        results.append({"kibibytes": kibibytes, "text": text, "problems": [f for f in found if f]})
    return results


if __name__ == "__main__":
    main()
