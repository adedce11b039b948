"""The figures of one program as rows, each a line of JSON on standard output as soon as it is measured."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, fields
from typing import IO, Any

from .targets import TARGETS

MET, MISSED, NOT_RUN, FAILED = "met", "missed", "not run", "failed"
NOT_JUDGED, NO_TARGET = "not judged", "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    - ours, baseline: measured in one run, in `unit`. ours is None if it was not measured. against: name of the
      baseline.
    - ratio: ours divided by the baseline.
    - target: as text, "" if there is none. met: None if there is none, or if the run was too small for it.
    - reason: why it was not measured or not judged, or a remark. failed: True if the program failed.
    """

    name: str
    ours: float | None = None
    baseline: float | None = None
    ratio: float | None = None
    unit: str = ""
    target: str = ""
    met: bool | None = None
    against: str = ""
    reason: str = ""
    failed: bool = False

    @property
    def status(self) -> str:
        """Return the word for the last column of the table."""
        if self.ours is None:
            return FAILED if self.failed else NOT_RUN
        if self.met is None:
            return NOT_JUDGED if self.target else NO_TARGET
        return MET if self.met else MISSED

    def as_dict(self) -> dict[str, Any]:
        """Return the row ready for JSON."""
        return asdict(self)

    @classmethod
    def from_line(cls, line: str) -> Row | None:
        """Return the row of one line of a program's output, None if it is something else."""
        try:
            return cls.from_dict(json.loads(line))
        except ValueError:
            return None

    @classmethod
    def from_dict(cls, values: Any) -> Row:
        """Return the row of `as_dict`. Raises `ValueError` for other names or types."""
        kinds = {field.name: field.type for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != set(kinds):
            raise ValueError("a row has other fields")
        for name, value in values.items():
            if not isinstance(value, _TYPES[str(kinds[name])]) or ("float" in str(kinds[name]) and value is True):
                raise ValueError(f"{name} of a row is {value!r}")
        return cls(**values)


_TYPES: dict[str, Any] = {
    "str": str,
    "bool": bool,
    "bool | None": (bool, type(None)),
    "float | None": (int, float, type(None)),
}
"""Types of a field in JSON, by its annotation."""


class Figures:
    """Collects the figures of one program.

    as_json: print each as a line of JSON. Whatever else the program and its processes print then goes to standard
        error.
    small: why this run is too small for the targets, "" if it is not.
    """

    def __init__(self, program: str, as_json: bool, small: str = "") -> None:
        self.rows: list[Row] = []
        self._targets, self._small = TARGETS.get(program, {}), small
        self._out: IO[str] | None = None
        if as_json:
            sys.stdout.flush()
            self._out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def add(
        self, name: str, ours: float, unit: str, baseline: float | None = None, against: str = "", reason: str = ""
    ) -> None:
        """Add a measured figure, with the figure of a baseline from the same run."""
        target = self._targets.get(name)
        ratio = ours / baseline if baseline else None
        met = None if target is None or self._small else target.is_met(ours, ratio)
        remark = reason or (self._small if target else "")
        if target is not None and met is None and not remark:
            remark = "no baseline was measured"
        self._write(Row(name, ours, baseline, ratio, unit, str(target or ""), met, against, remark))

    def not_run(self, name: str, reason: str) -> None:
        """Add a figure that was not measured."""
        self._write(not_run(self._targets, name, reason))

    def _write(self, row: Row) -> None:
        self.rows.append(row)
        if self._out is not None:
            print(json.dumps(row.as_dict()), file=self._out, flush=True)


def not_run(targets: Any, name: str, reason: str, *, failed: bool = False) -> Row:
    """Return the row of a figure that was not measured."""
    target = targets.get(name)
    unit = target.unit if target is not None else ""
    return Row(name, unit=unit, target=str(target or ""), reason=reason, failed=failed)
