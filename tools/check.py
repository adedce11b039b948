"""Everything that must hold before a change is kept: lint, format, types, tests. Arguments go to pytest.

Test files run side by side, as many as there are cores (four at most: each may hold torch and a browser).
"""

from __future__ import annotations

import subprocess
import sys

CHECKS = (
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"],
)


def main() -> None:
    for check in CHECKS:
        arguments = check + (sys.argv[1:] if check[0] == "pytest" else [])
        print("$ " + " ".join(arguments), flush=True)
        done = subprocess.run([sys.executable, "-m", *arguments], check=False)
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
