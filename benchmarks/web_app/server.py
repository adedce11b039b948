"""The web app in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import psutil

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[tuple[str, psutil.Process]]:
    """Serve an index in a process of its own; yield its address and the process. options: of `panelseek serve`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ui.cli", "serve", "--index", str(folder), "--port", str(port), *options]
    with tempfile.TemporaryDirectory() as temporary:
        process = subprocess.Popen(command, cwd=ROOT, env={**_environment(), **environment, "TMPDIR": temporary})
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait_for_server(url)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            _wait_for_end(process)


def _wait_for_end(process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"the server did not stop within {seconds:.0f} s of SIGTERM and was killed", file=sys.stderr)
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1"}


def _wait_for_server(url: str) -> None:
    direct = build_opener(ProxyHandler({}))
    for _ in range(3000):
        try:
            direct.open(url).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")
