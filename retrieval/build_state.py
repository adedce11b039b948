"""How far a build of an index is: a small file that the build writes now and then, for readers of the index.

    building.json    the stage and its progress; deleted when the build ends

The file of a build that was stopped stays, so that readers can tell.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.files import replace_file
from retrieval.progress import Progress

FILE = "building.json"
LOCK = "writer.lock"
"""The writer lock: the system releases it when the process that writes the index dies."""

_FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class BuildState:
    """The progress of a build that is running, or of one that was stopped."""

    progress: Progress
    running: bool


def read_build_state(folder: Path) -> BuildState | None:
    """Return how far the build of an index is; None if the last one ended, or the file is not readable."""
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        progress = Progress(**stored)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    if not _is_valid(progress):
        return None
    try:
        return BuildState(progress, _is_locked(folder / LOCK))
    except OSError:  # the build ended meanwhile
        return None


def write_build_state(folder: Path, progress: Progress) -> None:
    """Store how far a build is. A disk that refuses does not stop the build."""
    with suppress(OSError):
        replace_file(folder / FILE, lambda partial: partial.write_text(json.dumps(asdict(progress))))


def remove_build_state(folder: Path) -> None:
    """Record that no build is under way."""
    with suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)


def _is_valid(progress: Progress) -> bool:
    counts = progress.done, progress.total
    if not all(type(count) is int and count >= 0 for count in counts):
        return False
    texts = progress.stage, progress.unit, progress.detail
    rate = progress.rate
    return all(isinstance(text, str) for text in texts) and isinstance(rate, int | float) and math.isfinite(rate)


def _is_locked(path: Path) -> bool:
    """Return True if a process holds the writer lock; where that is unknown, if the state is fresh."""
    if not path.exists():
        return False
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:  # the index cannot be written from here
        return time.time() - path.with_name(FILE).stat().st_mtime < _FRESH_SECONDS
    lock.release()
    return False
