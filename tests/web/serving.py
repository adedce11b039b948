"""Run `serve` in a process of its own, with the tests' encoder.

Gradio leaves event loops and warnings behind, which must not fail the tests.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 180
"""Seconds that a server may take to start; a busy machine needs most of a minute."""


@dataclass(frozen=True)
class Running:
    """A server at `url`, with its output in `log` and its temporary files in `folder`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    folder: Path


@contextmanager
def served(index: Path, folder: Path, build_roots: Sequence[Path] = (), **environment: str) -> Iterator[Running]:
    """Serve an index until the block ends. Visitors may build below `build_roots`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.serving", str(index), str(port), *map(str, build_roots)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(folder), **environment},
            stdout=out,
            stderr=out,
        )
    try:
        _wait(process, lambda: "Ctrl-C stops it" in log.read_text(), log)
        yield Running(f"http://127.0.0.1:{port}/", process, log, folder)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def behind_a_proxy(url: str, path: str) -> Iterator[str]:
    """Yield the address at which a reverse proxy shows the server at `url` below `path`."""
    port = _free_port()
    command = [sys.executable, "-m", "tests.web.proxy", str(port), path, url.rstrip("/")]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait(process, lambda: _accepts(port))
        yield f"http://127.0.0.1:{port}{path}/"
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path | None = None) -> None:
    """Return once `ready` holds. Fail if the process ends before, or after `START_TIMEOUT`."""
    end = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < end:
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text() if log else ''}")


def main() -> None:
    from retrieval import PanelIndex
    from tests.web.library import SlowGridEncoder
    from ui.web import server
    from ui.web.search import filters, handlers

    opened = PanelIndex.open
    PanelIndex.open = lambda path, **_: opened(path, encoder=SlowGridEncoder())  # type: ignore[method-assign]
    handlers.BATCH = 12  # so that the tiny library has further results
    filters.SEARCHABLE_FROM = 3  # and a list of values long enough to search
    auth = tuple(os.environ["PANELSEEK_AUTH"].split(":")) if "PANELSEEK_AUTH" in os.environ else None
    server.serve(
        sys.argv[1],
        host=os.environ.get("PANELSEEK_HOST", "127.0.0.1"),
        port=int(sys.argv[2]),
        auth=auth,
        root_path=os.environ.get("PANELSEEK_ROOT_PATH"),
        build_roots=sys.argv[3:],
    )


if __name__ == "__main__":
    main()
