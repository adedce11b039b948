"""Pages that are files of their own: those of a folder, or a single image."""

from __future__ import annotations

from pathlib import Path

from retrieval.books.problems import REBUILD, ReadProblem, megabytes
from retrieval.errors import SourceError


def read_file(folder: Path, name: str, max_bytes: int) -> bytes:
    """Return the bytes of a file in a folder. Raises SourceError if it is missing, too large, or a link out of it."""
    path = folder / name
    if not path.is_file():
        raise ReadProblem("this page is missing", REBUILD).error(path)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SourceError("a link that leaves its folder; it is not followed", path, "copy the page there")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise SourceError(f"larger than the limit of {megabytes(max_bytes)}", path)
    return data
