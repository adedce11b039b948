"""Run all checks: lint, format, types, import contracts, wording, tests. Arguments go to pytest.

Test files run in parallel, one a core, at most four, since each may hold torch and a browser. Each has one arithmetic
thread: more would only compete with the other files.

Temporary files lie in memory where there is room: builds wait for the disk hundreds of times, which takes as long as
all their computing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"

CHECKS = (
    ["-m", "ruff", "check", "."],
    ["-m", "ruff", "format", "--check", "."],
    ["-m", "mypy"],
    ["-c", _LINT_IMPORTS],
    ["tools/words.py"],
    ["-m", "pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"],
)
"""Arguments of Python for each check, in order; the last one also gets the arguments of this program."""

MEMORY_FOLDER = Path("/dev/shm")
"""Folder of Linux whose files are in memory."""

MEMORY_BYTES = 8 * 2**30
"""Free bytes below which the tests write to the disk: they hold up to 2 GiB at once, and use as much themselves."""


def environment() -> dict[str, str]:
    """Return the environment of the checks; what is set already stays."""
    defaults = {"OMP_NUM_THREADS": "1"}
    if MEMORY_FOLDER.is_dir() and min(shutil.disk_usage(MEMORY_FOLDER).free, _free_memory()) >= MEMORY_BYTES:
        defaults["TMPDIR"] = str(MEMORY_FOLDER)
    return defaults | os.environ


def _free_memory() -> int:
    """Return the bytes of memory that programs can still have; 0 if the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 0


def main() -> None:
    """Run the checks; stop at the first that fails, with its exit status."""
    for check in CHECKS:
        arguments = check + (sys.argv[1:] if check is CHECKS[-1] else [])
        print("$ python " + " ".join(arguments), flush=True)
        done = subprocess.run([sys.executable, *arguments], check=False, env=environment())
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
