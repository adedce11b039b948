"""From start to stop: a free port, a private folder for uploads, warming up, waiting for Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from PIL import Image

from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from ui.output.errors import error_sentence
from ui.output.terminal import echo
from ui.web.shell.templating import compile_templates

log = logging.getLogger("panelseek.web")

DEFAULT_PORT = 7860
WARM_UP = "warm-up"
"""Name of the threads of `background_threads`."""

_BACKGROUND_SECONDS = 10.0
_PORTS_TRIED = 100
_POLL_SECONDS = 0.2
_WARM_UP_SIDE = 64


def free_port(host: str, port: int) -> int:
    """Return the port, or the next free one if it is the default. Raises `UsageError` if another port is in use."""
    candidates = range(port, port + _PORTS_TRIED) if port == DEFAULT_PORT else (port,)
    for candidate in candidates:
        if _is_free(host, candidate):
            if candidate != port:
                announce(f"Port {port} is in use; using port {candidate}.")
            return candidate
    raise UsageError(f"port {port} on {host} is in use or not allowed", hint="choose another --port")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@contextmanager
def private_uploads() -> Iterator[None]:
    """Put uploads into a temporary folder that only this user can read."""
    before = os.environ.get("GRADIO_TEMP_DIR")
    with tempfile.TemporaryDirectory(prefix="panelseek-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["GRADIO_TEMP_DIR"]
            else:
                os.environ["GRADIO_TEMP_DIR"] = before


def warm_up(index: PanelIndex) -> None:
    """Compile the templates, load the encoder and search by image and text, so that no visitor waits for it."""
    compile_templates()
    try:
        _ = index.encoder
    except PanelseekError as error:  # every search shows a short form of it
        log.error("the encoder of this index cannot be loaded: %s", error_sentence(error))
        return
    with suppress(Exception):  # a search shows what is wrong; the server may stop meanwhile
        index.search(image=Image.new("RGB", (_WARM_UP_SIDE, _WARM_UP_SIDE), "grey"), k=1)
        index.search(text="warm", k=1)


def background_threads() -> list[threading.Thread]:
    """Return the threads that compute in native libraries, which abort a process that ends meanwhile."""
    return [thread for thread in threading.enumerate() if thread.name == WARM_UP]


def wait_for_background() -> None:
    """Wait for these threads, a few seconds in all."""
    end = time.monotonic() + _BACKGROUND_SECONDS
    for thread in background_threads():
        thread.join(max(0.0, end - time.monotonic()))


def end_process() -> None:
    """End the process at once if a background thread is still at work, else do nothing. Nothing is cleaned up."""
    if background_threads():
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)


@contextmanager
def stop_signals() -> Iterator[Callable[[], None]]:
    """Yield a function that waits until Ctrl-C (SIGINT) or SIGTERM; a signal counts from here on.

    A second signal takes effect at once.
    """
    received: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()  # other threads get no signals
    signals: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM) if is_main else ()
    before = {number: signal.getsignal(number) for number in signals}

    def receive(number: int, _: Any) -> None:
        received.append(number)
        signal.signal(number, before[number])

    def wait() -> None:
        while not received:
            time.sleep(_POLL_SECONDS)  # not an event: this thread could hold its lock when the signal comes
        if received[0] == signal.SIGINT:
            announce("\nStopped.")

    for number in signals:
        signal.signal(number, receive)
    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def announce(text: str) -> None:
    """Print a line for the person who started the server."""
    echo(*text.split("\n"), err=True)
