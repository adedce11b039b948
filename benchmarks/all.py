"""Run all benchmarks of speed, and print one table of Panelseek, the baselines, the ratios and the targets.

    python benchmarks/all.py [--only NAME ...] [--quick] [--other CHECKOUT] [--work FOLDER] [--output FILE] [--resume]

Each benchmark runs in a process of its own, one after the other. A figure and its baseline are measured in one run.
A benchmark that fails is named in the table with its reason, and so is one whose material is missing: a GPU, comics,
a browser, another checkout. Ctrl-C or SIGTERM ends the run and prints what is measured.

The rows are written to FILE (default: results.json or quick.json in the work folder) as they come. `--resume` keeps
those of benchmarks that are finished; those of benchmarks that are not chosen always stay in FILE. The work folder also
has the libraries and comics, which later runs use again, and the output of each program.

The targets hold on two CPU cores without other work. Exits with 1 if a target is missed or a benchmark fails, and with
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures.programs import BENCHMARKS, OTHER_PROGRAMS, Benchmark, Material
from benchmarks.figures.results import Results, ResultsError, machine
from benchmarks.figures.running import Outcome, Progress, clock, run
from benchmarks.figures.table import has_failed, rows, table


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that were chosen; return the exit status."""
    given = parse(arguments)
    chosen = [benchmark for benchmark in BENCHMARKS if not given.only or benchmark.name in given.only]
    names = [benchmark.name for benchmark in chosen]
    if given.list:
        list_benchmarks(chosen)
        return 0
    material = Material(given.work.absolute(), given.other and given.other.absolute(), given.quick)
    output = (given.output or material.work / ("quick.json" if given.quick else "results.json")).absolute()
    try:
        for folder in (material.work, output.parent):
            folder.mkdir(parents=True, exist_ok=True)
        results = Results.read(output, given.quick)
        if not given.resume:
            results.drop(names)
        interrupted = run_all(chosen, material, results, given.limit and 60 * given.limit)
    except ResultsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or material.work}: {error.strerror or error}; name another folder", file=sys.stderr)
        return 2
    if given.json:
        print(
            json.dumps({"rows": [{"benchmark": name, **row.as_dict()} for name, row in rows(results, names)]}, indent=1)
        )
    else:
        print(table(results, names))
    return 130 if interrupted else int(has_failed(results, names))


def end_on_signals() -> None:
    """Let SIGINT and SIGTERM raise `KeyboardInterrupt`; a shell has the first one ignored in the background."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [benchmark.name for benchmark in BENCHMARKS]
    work = Path(tempfile.gettempdir()) / "panelseek-benchmarks"
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="run only these; --list has the names")
    parser.add_argument("--quick", action="store_true", help="use small sizes, some too small for their targets")
    parser.add_argument("--other", type=Path, help="root of another checkout, the baseline of builds and commands")
    parser.add_argument("--work", type=Path, default=work, help=f"folder for libraries and comics (default {work})")
    parser.add_argument("--output", type=Path, help="file of the results")
    parser.add_argument("--resume", action="store_true", help="do not repeat what the file of results has finished")
    parser.add_argument("--limit", type=float, metavar="MINUTES", help="stop a benchmark after so many minutes")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and run none")
    return parser.parse_args(arguments)


def list_benchmarks(chosen: list[Benchmark]) -> None:
    """Print the benchmarks, and the programs that measure no speed."""
    for benchmark in chosen:
        minutes = f"{benchmark.minutes:g} min"
        print(f"{benchmark.name:16} {minutes:>8}  {benchmark.title} ({benchmark.program}.py)")
    print("\nThese measure no speed:")
    for program, purpose in OTHER_PROGRAMS.items():
        print(f"{program:26}{purpose}")


def run_all(chosen: list[Benchmark], material: Material, results: Results, limit: float | None) -> bool:
    """Run benchmarks one after the other; return True if Ctrl-C ended them."""
    progress = Progress(len(chosen))
    for place, benchmark in enumerate(chosen, 1):
        progress.start(place, benchmark)
        if results.is_finished(benchmark.name):
            progress.end("finished before")
            continue
        about = machine()

        def landed(outcome: Outcome, name: str = benchmark.name, about: dict[str, object] = about) -> None:
            results.put(name, outcome, about)

        try:
            outcome = run(benchmark, material, progress, limit, landed)
        except KeyboardInterrupt:
            progress.end("interrupted")
            return True
        landed(outcome)
        measured = sum(row.ours is not None for row in outcome.rows)
        what = f"failed: {outcome.failure}" if outcome.failure else f"{measured} figures in {clock(outcome.seconds)}"
        progress.end(what if measured or outcome.failure else f"not run: {outcome.rows[0].reason}")
    return False


if __name__ == "__main__":
    end_on_signals()
    raise SystemExit(main())
