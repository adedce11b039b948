"""One case: a mutated book, read in a process of its own with a time limit, and compared with the intact book."""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mutations.books import Files
from mutations.mutate import mutate
from mutations.reading import Reading, read_folder

SECONDS = 60
"""Time limit for reading one book; the longest reading of an intact one takes about a second."""

_MEMORY = 8 * 2**30


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of a book into a folder."""
    for name, data in files.items():
        (folder / name).write_bytes(data)


def read_intact(files: Mapping[str, bytes]) -> Reading:
    """Return the reading of the book as it was made."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(files, Path(folder))
        return read_folder(Path(folder))


def mutated(files: Files, seed: int, case: int) -> tuple[Files, str, str]:
    """Return the files of a case, the name of the changed file and that of its mutation."""
    dice = random.Random(f"{seed}:{case}")
    name = dice.choice(sorted(files))
    mutation, data = mutate(files[name], dice)
    return {**files, name: data}, name, mutation


def judge(files: Files, intact: Reading, seed: int, case: int) -> dict[str, Any]:
    """Return the outcome of a case: one of whole, part, refused, other pixels, loss, exception, hang, crash."""
    changed, name, mutation = mutated(files, seed, case)
    with tempfile.TemporaryDirectory() as folder:
        write_files(changed, Path(folder))
        began = time.monotonic()
        result = _read_in_child(Path(folder))
        seconds = round(time.monotonic() - began, 2)
    outcome = result.get("outcome") or _compare(intact, result)
    record = {"case": case, "file": name, "mutation": mutation, "outcome": outcome, "seconds": seconds}
    is_fault = outcome in ("loss", "exception", "hang", "crash", "annotation loss") or result.get("unexpected")
    return {**record, "details": result if is_fault else None, "unexpected": bool(result.get("unexpected"))}


def _compare(intact: Reading, found: Mapping[str, Any]) -> str:
    """Return the outcome of a reading that ended."""
    left = list(found["pixels"])
    for pixels in intact.pixels:
        if pixels in left:
            left.remove(pixels)
    identical = len(found["pixels"]) - len(left)
    missing = len(intact.pixels) - len(found["pixels"])
    if missing > found["named"] and not found["is_book_named"]:
        return "loss"
    if found["annotated"] < min(intact.annotated, len(found["pixels"])) and not found["messages"]:
        return "annotation loss"
    if not found["pixels"]:
        return "refused"
    if missing > 0:
        return "part"
    return "whole" if identical == len(intact.pixels) else "other pixels"


def _read_in_child(folder: Path) -> dict[str, Any]:
    """Read a folder in a forked process; a crash or a hang costs that process only."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(folder, writer)
    os.close(writer)
    text = _read_pipe(reader)
    if text is None:
        os.killpg(child, signal.SIGKILL)
    os.close(reader)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if text is None:
        return {"outcome": "hang"}
    return json.loads(text) if text else {"outcome": "crash", "status": status}


def _child(folder: Path, writer: int) -> None:
    os.setsid()  # programs that it starts end with it
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libraries print warnings
    try:
        result = read_folder(folder).as_dict()
    except BaseException:
        result = {"outcome": "exception", "traceback": traceback.format_exc()}
    with os.fdopen(writer, "w") as pipe:
        json.dump(result, pipe)
    os._exit(0)


def _read_pipe(reader: int) -> str | None:
    """Return the text that the child writes, "" if it ends without; None after the time limit."""
    deadline, text = time.monotonic() + SECONDS, b""
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(reader, 2**16)
        if not chunk:
            return text.decode()
        text += chunk
