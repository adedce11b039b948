"""Read mutated books of every format with the code of a build, and count what goes wrong.

    python benchmarks/mutated_files.py [--number 10000] [--seed 1] [--processes 2] [--results FILE] [--books WORD]
    python benchmarks/mutated_files.py --case 17 [--keep FOLDER]

A case is one small book with one mutation: flipped bits, a file cut off, a block spliced in, zeroed, doubled or left
out, or a changed length. Each is read in a process of its own, within a minute. Results go to a file of JSON lines; a
run that was stopped goes on where it was. `--case` shows one case, and writes its files to a folder. The table counts:

- whole: all pages have the pixels of the intact book. other pixels: all pages are read, some differently.
- part, refused: some or all pages are not read, and each is named in the report, or its book is.
- annotation loss: fewer pages are annotated than in the intact book, without a warning.
- loss: a page is neither read nor named. exception: a traceback. hang: longer than a minute. crash: the process died.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mutations.books import Files, make_books
from mutations.judge import judge, mutated, read_intact, write_files
from mutations.reading import Reading, read_folder

OUTCOMES = ("whole", "other pixels", "part", "refused", "annotation loss", "loss", "exception", "hang", "crash")


class Cases:
    """All cases of a seed: the books take turns."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.books = make_books()
        self.names = list(self.books)
        self._intact: dict[str, Reading] = {}

    def book(self, case: int) -> str:
        return self.names[case % len(self.names)]

    def files(self, case: int) -> Files:
        return self.books[self.book(case)]

    def judge(self, case: int) -> dict[str, Any]:
        name = self.book(case)
        if name not in self._intact:
            self._intact[name] = read_intact(self.books[name])
            assert self._intact[name].messages == [], (name, self._intact[name].messages)
        return {"book": name, **judge(self.books[name], self._intact[name], self.seed, case)}


def run(cases: Cases, numbers: Iterable[int], processes: int, results: Path) -> None:
    """Judge the cases that the file of results does not have, and append them."""
    done = {record["case"] for record in read_results(results)}
    left = [number for number in numbers if number not in done]
    context = multiprocessing.get_context("fork")
    with results.open("a") as file, context.Pool(processes) as pool:
        for count, record in enumerate(pool.imap_unordered(cases.judge, left, chunksize=4), 1):
            file.write(json.dumps(record) + "\n")
            file.flush()
            if record["details"]:
                print(f"case {record['case']}: {record['book']}, {record['mutation']}: {record['outcome']}", flush=True)
            if count % 1000 == 0:
                print(f"{count:,} of {len(left):,}", flush=True)


def read_results(path: Path) -> list[dict[str, Any]]:
    """Return the records of earlier runs; a line that was cut off is left out."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")
    if lines[-1]:
        path.write_text("\n".join(lines[:-1]) + "\n")
    return [json.loads(line) for line in lines[:-1]]


def print_table(records: list[dict[str, Any]]) -> None:
    """Print the outcomes by format as a Markdown table."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record["book"], Counter())[record["outcome"]] += 1
    counts["all"] = sum(counts.values(), Counter())
    print(f"| format | files | {' | '.join(OUTCOMES)} |")
    print("|---" * (len(OUTCOMES) + 2) + "|")
    for name, outcomes in counts.items():
        print(f"| {name} | {outcomes.total()} | {' | '.join(str(outcomes[outcome]) for outcome in OUTCOMES)} |")
    unexpected = sum(record["unexpected"] for record in records)
    print(f"\nFiles with an exception that is reported as damage and is none of those known of decoders: {unexpected}")


def show(cases: Cases, case: int, keep: Path) -> None:
    """Write the files of one case and print how they are read."""
    files, name, mutation = mutated(cases.files(case), cases.seed, case)
    keep.mkdir(parents=True, exist_ok=True)
    write_files(files, keep)
    print(f"{cases.book(case)}: {mutation} in {name}; the files are in {keep}", flush=True)
    print(json.dumps(cases.judge(case), indent=1), flush=True)
    print("\n".join(read_folder(keep).messages))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("mutated_files.jsonl"))
    parser.add_argument("--books", default="", help="only formats whose names contain this")
    parser.add_argument("--case", type=int)
    parser.add_argument("--keep", type=Path, default=Path("mutated_case"))
    arguments = parser.parse_args()
    cases = Cases(arguments.seed)
    if arguments.case is not None:
        show(cases, arguments.case, arguments.keep)
        return
    numbers = [n for n in range(arguments.number) if arguments.books in cases.book(n)]
    run(cases, numbers, arguments.processes, arguments.results)
    wanted = set(numbers)
    print_table([record for record in read_results(arguments.results) if record["case"] in wanted])


if __name__ == "__main__":
    main()
