"""Values of arguments: NumPy values become Python's; whole numbers, numbers, switches and paths are checked."""

from __future__ import annotations

import math
import operator
import os
from pathlib import Path
from typing import Any

from retrieval.errors import UsageError

MAX_INTEGER = 2**53
"""Largest accepted whole number: JSON readers keep integers exactly up to here."""


def plain(value: Any) -> Any:
    """Return NumPy scalars and arrays, and tensors, as Python values, also inside lists and tuples.

    Other values stay as they are. NumPy is not imported: whatever has `dtype` and `tolist` is converted.
    """
    if type(value) in (list, tuple):
        items = [plain(item) for item in value]
        return value if all(map(operator.is_, items, value)) else type(value)(items)
    if not (hasattr(value, "dtype") and hasattr(value, "tolist")):
        return value
    found = value.tolist()
    # np.longdouble has no Python type of its own
    return float(found) if hasattr(found, "dtype") and getattr(found, "ndim", 1) == 0 else found


def is_number(value: Any) -> bool:
    """Return True for a finite int or float of Python up to 2^53; a bool is not a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER


def whole_number(name: str, value: Any, least: int, *, optional: bool = False) -> Any:
    """Return a whole number from `least` to 2^53 as int. None is accepted if `optional`. Raises `UsageError`."""
    found = plain(value)
    if found is None and optional:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= MAX_INTEGER:
        raise UsageError(f"{name} must be a whole number, {least} or more; found {value!r}")
    return int(found)


def number(name: str, value: Any, expected: str = "a finite number", least: float = -math.inf) -> Any:
    """Return a finite number from `least` on as int or float. Raises `UsageError`; `expected` says what is taken."""
    found = plain(value)
    if not isinstance(found, int | float) or isinstance(found, bool) or not math.isfinite(found) or found < least:
        raise UsageError(f"{name} must be {expected}; found {value!r}")
    return found


def switch(name: str, value: Any, *, optional: bool = False) -> Any:
    """Return a bool. None is accepted if `optional`. Raises `UsageError` for anything but True and False."""
    found = plain(value)
    if isinstance(found, bool) or (found is None and optional):
        return found
    raise UsageError(f"{name} must be True or False; found {value!r}")


def path_argument(name: str, value: Any) -> Path:
    """Return a path with its `~` written out. Raises `UsageError` for anything else, and for one that is empty."""
    if not isinstance(value, str | os.PathLike) or not isinstance(text := os.fspath(value), str):
        raise UsageError(f"{name} must be a path; found {value!r}")
    if not text.strip():
        raise UsageError(f"{name} is empty: {text!r}", hint="give a path; `.` is the current folder")
    if "\0" in text:
        raise UsageError(f"{name} must be a path; found {text!r}, which has a null character")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~name of an unknown user
        raise UsageError(f"{name} has no home folder: {text!r}", hint="write the path in full") from error
