"""The shim of `shim.c` from Python: compile it, run a process with it, and steer it from inside that process."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")

OPEN, CREATE, WRITE, SYNC, NAME = 1, 2, 4, 8, 16
"""Kinds of calls: opening, making files and folders, writing, syncing, and changing names and lengths."""


def compile_shim(folder: Path) -> Path | None:
    """Compile the shim into a folder; None if there is no C compiler, or not on Linux."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not Path("/proc/self/fd").exists():
        return None
    library = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def environment(library: Path, root: Path, record: Path | None = None) -> Mapping[str, str]:
    """Return the environment of a process whose files below `root` are recorded; temporary files go there too."""
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    found = {**os.environ, "LD_PRELOAD": str(library), "PANELSEEK_ROOT": str(root), "TMPDIR": str(root / "tmp")}
    return found if record is None else {**found, "PANELSEEK_RECORD": str(record)}


def mark(label: str) -> None:
    """Put a mark into the record; do nothing in a process without the shim."""
    library = ctypes.CDLL(None)
    if hasattr(library, "panelseek_mark"):
        library.panelseek_mark(label.encode())


def arm(kinds: int, call: int, error: int, *, lasting: bool) -> None:
    """Make the n-th call of some kinds fail with an error number, and all later ones if `lasting`; 0 kinds: none."""
    ctypes.CDLL(None).panelseek_arm(kinds, ctypes.c_long(call), error, int(lasting))


def calls() -> int:
    """Return the number of calls of the armed kinds so far."""
    library = ctypes.CDLL(None)
    library.panelseek_count.restype = ctypes.c_long
    return int(library.panelseek_count())


def failed() -> str:
    """Return the call that failed first, such as `fsync my.index/catalog.sqlite-wal`; "" if none did."""
    library = ctypes.CDLL(None)
    library.panelseek_failed.restype = ctypes.c_char_p
    return os.fsdecode(library.panelseek_failed() or b"")
