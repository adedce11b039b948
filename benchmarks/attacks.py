"""Attack a server of one's own, and count what gets through: `python benchmarks/attacks.py INDEX [--out FILE]`.

Starts `panelseek serve` with and without a password, below a path, with a folder to build from, with few memory, and
with variables that must have no effect. Prints a table: attack, what is expected, what was found. Ends with status 1 if
anything got through. The index is copied; a small one will do.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.web_app.attacks import files, foreign, inputs, load, surroundings
from benchmarks.web_app.attacks.target import Attack, Target
from benchmarks.web_app.server import served

PASSWORD = "ann:secret"
SMALL_MEMORY = 0.75


class Report:
    """The table of all attacks, printed as they end."""

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self.tried = 0
        self.through: list[str] = []

    def add(self, server: str, attack: Attack, target: Target) -> None:
        """Run an attack and add its line."""
        found, held = attack.result(target)
        self.tried += 1
        outcome = "held   " if held else "THROUGH"
        line = " | ".join([outcome, server, f"{attack.group}: {attack.name}", attack.expected, found])
        if not held:
            self.through.append(line)
        self.write(line)

    def write(self, line: str) -> None:
        """Print a line, also to the file."""
        shown = line.encode("unicode_escape").decode()
        print(shown, flush=True)
        if self._out is not None:
            with self._out.open("a") as file:
                file.write(shown + "\n")


def main() -> None:
    """Run every attack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=list(ROUNDS), action="append", help="run these rounds only")
    options = parser.parse_args()
    report = Report(options.out)
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "my.index"
        shutil.copytree(options.index, index)
        for name in options.only or ROUNDS:
            ROUNDS[name](index, report)
    report.write(f"{report.tried} attacks, {len(report.through)} got through")
    for line in report.through:
        report.write(line)
    sys.exit(1 if report.through else 0)


def _run(report: Report, name: str, index: Path, attacks: Iterable[Attack], *options: str, **variables: str) -> None:
    with served(index, *options, **variables) as (url, process):
        target = Target(url, index, process.pid)
        if "--auth" in options and "without" not in name:
            target.log_in(*PASSWORD.split(":"))
        if not name.startswith("without"):
            load.warm_up(target)
        for attack in attacks:
            report.add(name, attack, target)


def _requests() -> list[Attack]:
    return [*foreign.attacks(), *files.attacks(), *inputs.attacks()]


def _plain(index: Path, report: Report) -> None:
    _run(report, "plain", index, _requests())


def _password(index: Path, report: Report) -> None:
    _run(report, "with a password", index, foreign.attacks(), "--auth", PASSWORD)
    _run(report, "without the password", index, load.password_attacks(), "--auth", PASSWORD)


def _below_a_path(index: Path, report: Report) -> None:
    _run(report, "--root-path /comics", index, foreign.attacks(), "--root-path", "/comics")
    address = "https://comics.example/comics"
    _run(report, "--root-path https://...", index, foreign.attacks(), "--root-path", address)


def _memory(index: Path, report: Report) -> None:
    _run(report, "--memory 1.5", index, load.attacks(1.5))
    _run(report, f"--memory {SMALL_MEMORY}", index, load.attacks(SMALL_MEMORY), "--memory", str(SMALL_MEMORY))


def _builds(index: Path, report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, outside = Path(folder) / "root", Path(folder) / "outside"
        surroundings.lay_links(root, outside)
        attacks = [*foreign.attacks(), *surroundings.build_attacks(root, outside)]
        _run(report, "--allow-build", index, attacks, "--allow-build", str(root))


def _environment(index: Path, report: Report) -> None:
    for name, variables in surroundings.VARIABLES.items():
        _run(report, name, index, surroundings.attacks(), **variables)


ROUNDS: dict[str, Callable[[Path, Report], None]] = {
    "plain": _plain,
    "password": _password,
    "path": _below_a_path,
    "builds": _builds,
    "environment": _environment,
    "memory": _memory,
}

if __name__ == "__main__":
    main()
