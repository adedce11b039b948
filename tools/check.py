"""Everything that must hold before a change is kept: lint, format, types, tests. Arguments go to pytest.

Test files run side by side, as many as there are cores (four at most: each may hold torch and a browser), each with one
thread for its arithmetic: more would only wait for the other files'.
"""

from __future__ import annotations

import os
import subprocess
import sys

CHECKS = (
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"],
)

ENVIRONMENT = {"OMP_NUM_THREADS": "1", **os.environ}


def main() -> None:
    for check in CHECKS:
        arguments = check + (sys.argv[1:] if check[0] == "pytest" else [])
        print("$ " + " ".join(arguments), flush=True)
        done = subprocess.run([sys.executable, "-m", *arguments], check=False, env=ENVIRONMENT)
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
