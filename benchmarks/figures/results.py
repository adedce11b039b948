"""The file of results: what is finished, so that a later run need not measure it again."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .programs import ROOT
from .rows import Row
from .running import Outcome

FORMAT = 1


class ResultsError(Exception):
    """The file of results cannot be used; the message says why and what to do."""


@dataclass
class Results:
    """Outcomes by name of the benchmark.

    quick: True for the small sizes. about: machine, version and start of the run that each outcome is from.
    """

    path: Path
    quick: bool
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, name: str, outcome: Outcome, about: dict[str, Any]) -> None:
        """Take an outcome, also of a benchmark that still runs, and write the file."""
        self.outcomes[name], self.about[name] = outcome, about
        self.write()

    def drop(self, names: Iterable[str]) -> None:
        """Forget the outcomes of benchmarks that are measured again."""
        for name in names:
            self.outcomes.pop(name, None)
            self.about.pop(name, None)

    def is_finished(self, name: str) -> bool:
        """Return True if a benchmark was measured to its end, without a failure and with at least one figure."""
        outcome = self.outcomes.get(name)
        if outcome is None or not outcome.finished or outcome.failure:
            return False
        return any(row.ours is not None for row in outcome.rows)

    def write(self) -> None:
        """Replace the file in one step."""
        content = {
            "format": FORMAT,
            "quick": self.quick,
            "benchmarks": {name: _as_dict(outcome, self.about[name]) for name, outcome in self.outcomes.items()},
        }
        partial = self.path.with_name(f"{self.path.name}.partial")
        with partial.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)

    @classmethod
    def read(cls, path: Path, quick: bool) -> Results:
        """Return the results of a file, none if it is missing.

        Raises `ResultsError` if it is damaged, of another format, or of runs with other sizes.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(path, quick)
        except (OSError, ValueError) as error:
            raise ResultsError(f"{path} cannot be read ({error}); delete it, or name another with --output") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ResultsError(f"{path} is not of format {FORMAT}; delete it, or name another with --output")
        if content.get("quick") is not quick:
            sizes = "--quick" if content.get("quick") else "full sizes"
            raise ResultsError(f"{path} has results of {sizes}; use the same sizes, or name another with --output")
        found = cls(path, quick)
        try:
            for name, values in content["benchmarks"].items():
                found.about[name] = values["about"]
                rows = [Row.from_dict(row) for row in values["rows"]]
                found.outcomes[name] = Outcome(rows, values["seconds"], values["failure"], values["finished"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ResultsError(f"{path} is damaged ({error}); delete it, or name another with --output") from error
        return found


def _as_dict(outcome: Outcome, about: dict[str, Any]) -> dict[str, Any]:
    rows = [row.as_dict() for row in outcome.rows]
    return {
        "about": about,
        "seconds": round(outcome.seconds, 1),
        "failure": outcome.failure,
        "finished": outcome.finished,
        "rows": rows,
    }


def machine() -> dict[str, Any]:
    """Return the time, the machine, its load and the version of the code."""
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "version": version(),
    }


def version() -> str:
    """Return the commit of this checkout, with "+" if files differ; "" if it has none."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
