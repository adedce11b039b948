"""Pages that are files: those of a folder, or a single picture."""

from __future__ import annotations

from pathlib import Path

from retrieval.books.container import WAY_OUT
from retrieval.errors import SourceError


def read_file(folder: Path, name: str, max_bytes: int) -> bytes:
    """The bytes of a file of a folder, without following a link out of it."""
    path = folder / name
    if not path.is_file():
        raise SourceError(f"{folder} has no page {name!r}: {WAY_OUT}")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{path} is a link that leaves its folder; it is not followed: copy the page there")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise SourceError(f"{path} is larger than the limit of {max_bytes / 2**20:.4g} MiB")
    return data
