"""Everything that must hold before a change is kept: lint, format, types, tests. Arguments go to pytest."""

from __future__ import annotations

import subprocess
import sys

CHECKS = (
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["pytest"],
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
