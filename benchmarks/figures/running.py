"""One benchmark in a process of its own, whose rows are taken as they come."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .programs import ROOT, Benchmark, Material
from .rows import Row, not_run

_LOOK_SECONDS = 1.0
_END_SECONDS = 10.0
"""Time that a stopped program has to clean up, after each of SIGINT and SIGTERM."""


@dataclass
class Outcome:
    """Rows of one benchmark. failure: why it failed, "" if it did not. finished: False if it was interrupted."""

    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""
    finished: bool = False


class Progress:
    """The progress on standard error: one line that changes on a terminal, else a line at the start and the end."""

    def __init__(self, count: int) -> None:
        self._count, self._began = count, time.monotonic()
        self._changes = sys.stderr.isatty()

    def start(self, place: int, benchmark: Benchmark) -> None:
        """Name the benchmark that begins."""
        self._title = f"[{place}/{self._count}] {benchmark.name}"
        print(f"{self._title}: {benchmark.title}", file=sys.stderr, flush=True)

    def show(self, seconds: float, rows: int) -> None:
        """Show the time spent, on a terminal."""
        if self._changes:
            text = f"\r{self._title}: {clock(seconds)}, {rows} figures; {clock(time.monotonic() - self._began)} in all"
            print(text, end="\033[K", file=sys.stderr, flush=True)

    def end(self, what: str) -> None:
        """Report how a benchmark ended."""
        start = "\r" if self._changes else ""
        end = "\033[K\n" if self._changes else "\n"
        all_seconds = time.monotonic() - self._began
        print(f"{start}{self._title}: {what}; {clock(all_seconds)} in all", end=end, file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Return seconds as text, with minutes and hours if there are some."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def run(
    benchmark: Benchmark,
    material: Material,
    progress: Progress,
    limit: float | None,
    landed: Callable[[Outcome], None],
) -> Outcome:
    """Run a benchmark to its end.

    limit: seconds after which it is stopped and counts as failed. landed: gets the outcome so far with every row.
    Whatever the program prints goes to NAME.log in the work folder. On Ctrl-C it is stopped, and
    `KeyboardInterrupt` is raised; its rows were handed over before.
    """
    outcome, began = Outcome(), time.monotonic()
    obstacle = benchmark.obstacle(material)
    if obstacle:
        outcome.rows = [not_run(benchmark.targets, name, obstacle) for name in benchmark.figures or (benchmark.name,)]
        outcome.finished = True
        return outcome
    log = material.work / f"{benchmark.name}.log"
    with log.open("w", encoding="utf-8") as errors, _started(benchmark, material, errors) as process:
        lines = _lines(process)
        while True:
            outcome.seconds = time.monotonic() - began
            progress.show(outcome.seconds, len(outcome.rows))
            with suppress(queue.Empty):
                line = lines.get(timeout=_LOOK_SECONDS)
                if line is None:
                    break
                row = Row.from_line(line)
                if row is None:
                    print(line, end="", file=errors, flush=True)
                    continue
                outcome.rows.append(row)
                landed(outcome)
            if limit is not None and outcome.seconds > limit:
                outcome.failure = f"stopped after {clock(outcome.seconds)}"
                break
        if not outcome.failure and process.wait():
            outcome.failure = _last_line(log) or f"exit status {process.returncode}"
    outcome.seconds = time.monotonic() - began
    _complete(benchmark, outcome, log)
    return outcome


def _complete(benchmark: Benchmark, outcome: Outcome, log: Path) -> None:
    """Add a row for each figure that should be there and is not; a program without any row has failed."""
    if not outcome.failure and not outcome.rows:
        outcome.failure = "it printed no figures"
    known = {row.name for row in outcome.rows}
    missing = [name for name in benchmark.figures if name not in known]
    if outcome.failure:
        reason = f"{outcome.failure} ({log})"
        names = missing or [f"the rest of {benchmark.name}"]
        outcome.rows += [not_run(benchmark.targets, name, reason, failed=True) for name in names]
    else:
        outcome.rows += [not_run(benchmark.targets, name, "the program did not measure it") for name in missing]
    outcome.finished = True


@contextmanager
def _started(benchmark: Benchmark, material: Material, errors: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Start the program as the leader of a process group, and end the group afterwards."""
    environment = {**os.environ, "PYTHONPATH": _python_path()}
    environment.pop("OMP_NUM_THREADS", None)
    if benchmark.threads is not None:
        environment["OMP_NUM_THREADS"] = str(benchmark.threads)
    process = subprocess.Popen(
        [sys.executable, *benchmark.command(material)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _python_path() -> str:
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def _end(process: subprocess.Popen[str]) -> None:
    """Stop the processes of a group, if some are left: Ctrl-C first, for what they clean up."""
    try:
        for sent in (signal.SIGINT, signal.SIGTERM):
            if process.poll() is not None:
                break
            _signal(process, sent)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
    finally:  # also on a second Ctrl-C; and what the program has left running
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[str], sent: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, sent)


def _lines(process: subprocess.Popen[str]) -> queue.Queue[str | None]:
    """Return the lines of standard output as they come, then None."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _last_line(log: Path) -> str:
    """Return the last line that a failed program printed: the message of its error."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:200]
