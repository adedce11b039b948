"""Run all checks: lint, format, types, import contracts, wording, tests. Arguments go to pytest.

Test files run in parallel, one a core, at most four, since each may hold torch and a browser. Each has one arithmetic
thread: more would only compete with the other files.
"""

from __future__ import annotations

import os
import subprocess
import sys

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

ENVIRONMENT = {"OMP_NUM_THREADS": "1", **os.environ}


def main() -> None:
    """Run the checks; stop at the first that fails, with its exit status."""
    for check in CHECKS:
        arguments = check + (sys.argv[1:] if check is CHECKS[-1] else [])
        print("$ python " + " ".join(arguments), flush=True)
        done = subprocess.run([sys.executable, *arguments], check=False, env=ENVIRONMENT)
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
