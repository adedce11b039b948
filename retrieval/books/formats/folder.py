"""Pages that are files of their own: those of a folder, or a single image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from retrieval.books.limits import DEFAULT_LIMITS, ReadLimits
from retrieval.books.problems import REBUILD, ReadProblem, megabytes
from retrieval.errors import SourceError
from retrieval.names import NameIndex


def spelled_on_disk(folder: Path, name: str) -> str | None:
    """Return the name of the file in a folder that has this name in any spelling; None without one."""
    if (folder / name).is_file():
        return name
    try:
        found = NameIndex(entry.name for entry in os.scandir(folder)).find(name)
    except OSError:  # a folder that can be entered, but not listed
        return None
    return found if found is not None and (folder / found).is_file() else None


def read_file(folder: Path, name: str, max_bytes: int, limits: ReadLimits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of a file in a folder.

    limits: bounds where the folder may be (`within`); its other bounds do not apply.
    Raises SourceError if it is missing, too large, or a link out of the folder.
    """
    path = folder / name
    if not path.is_file():
        raise ReadProblem("this page is missing", REBUILD).error(path)
    with path.open("rb") as file:
        _check_opened(file, path, folder, limits)
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise SourceError(f"larger than the limit of {megabytes(max_bytes)}", path)
    return data


def _check_opened(file: BinaryIO, path: Path, folder: Path, limits: ReadLimits) -> None:
    """Raise SourceError if an open file is not the one inside its folder, also if a link was put there meanwhile."""
    target = path.resolve()
    limits.check_place(target)
    if not target.is_relative_to(folder.resolve()):
        raise SourceError("a link that leaves its folder; it is not followed", path, "copy the page there")
    if not os.path.samestat(os.fstat(file.fileno()), target.stat()):
        raise SourceError("replaced while it was opened; not read", path, "build again")
