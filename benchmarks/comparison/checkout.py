"""The two checkouts, each as a worker process that gets commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from comparison.worker import Reply

PROGRAM = Path(__file__).resolve().parents[1] / "compare_checkouts.py"


class Checkout:
    """A worker process that uses one checkout."""

    def __init__(self, name: str, root: Path, scratch: Path) -> None:
        self.name, self.index = name, scratch / f"{name}.index"
        environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--worker"],
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
