"""The test's side of `builder.py`: start a build in another process, stop it, hear how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

BUILDER = Path(__file__).with_name("builder.py")


@dataclass
class Nursery:
    """Builds into one index, one after the other."""

    index: Path
    log: Path
    pid: int = 0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(BUILDER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def start(self, *sources: Path, workers: int = 0, per_commit: int = 16) -> None:
        """Returns when the build is about to begin."""
        assert self._process.stdin is not None
        line = [self.index, self.log, workers, per_commit, *sources]
        self._process.stdin.write("\t".join(map(str, line)) + "\n")
        self._process.stdin.flush()
        self.said = []
        self.pid = int(self._line().removeprefix("pid "))

    def stop(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and return how the build ended."""
        with contextlib.suppress(ProcessLookupError):  # it may have come to its end
            os.kill(self.pid, how)
        return self.wait()

    def wait(self) -> int:
        """Return the build's exit status, and keep its output."""
        while not (line := self._line()).startswith("exit "):
            self.said.append(line)
        return int(line.removeprefix("exit "))

    def finish(self, *sources: Path, workers: int = 0, per_commit: int = 16) -> None:
        """A build to the end."""
        self.start(*sources, workers=workers, per_commit=per_commit)
        assert self.wait() == 0, self.said

    def encoded(self) -> int:
        """Panels encoded by all builds so far."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the builder ended"
        return line.rstrip("\n")
