"""Bounds for reading the bytes of books, and the resolution of pages that are rendered."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from retrieval.books.problems import ReadProblem, megabytes
from retrieval.images.decode import MAX_BYTES, MAX_PIXELS
from retrieval.values import whole_number

_BOUNDS = ("max_members", "max_bytes", "max_ratio", "max_pixels")

BOMB_FLOOR = 32 * 2**20
"""Bytes that a page may unpack to at any ratio: a blank bitmap shrinks a thousandfold and is harmless."""

_ARCHIVE_FLOOR = 32
"""Bytes that a whole archive may unpack to at any ratio, in multiples of `BOMB_FLOOR`: 1 GiB."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds and settings for reading a book. Raises `UsageError` for a value that is not a whole number from 1 on.

    max_members: files in one archive. max_bytes: size of one page as a file. max_pixels: width times height of a page.
    max_ratio: unpacked size divided by packed size, for one page and for a whole archive.
    dpi: resolution of rendered PDF pages; a page that is a single scan keeps the scan's own resolution.
    within: a folder, links resolved; nothing outside it is read. None: links may lead anywhere.
    """

    max_members: int = 20_000
    max_bytes: int = MAX_BYTES
    max_ratio: int = 200
    max_pixels: int = MAX_PIXELS
    dpi: int = 150
    within: str | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name != "within":
                object.__setattr__(self, item.name, whole_number(item.name, getattr(self, item.name), 1))

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Return the limits in the options of a build; missing options keep their defaults."""
        names = (item.name for item in fields(cls))
        return cls(**{name: options[name] for name in names if options.get(name) is not None})

    def widened(self) -> Self:
        """Return the limits for reading indexed pages: each bound is at least its default.

        An earlier build may have accepted a page that the bounds of the last build refuse.
        """
        bounds = {name: max(getattr(self, name), getattr(DEFAULT_LIMITS, name)) for name in _BOUNDS}
        return replace(self, **bounds)

    def check_place(self, path: Path) -> None:
        """Raise `SourceError` if a path, its links resolved, is outside the folder that may be read."""
        if self.within is not None and not is_inside(path, Path(self.within)):
            raise _OUTSIDE.error(path)

    def check_member(self, unpacked: int, packed: int) -> ReadProblem | None:
        """Return why a page must not be unpacked, judged from its sizes in bytes; None if it may be."""
        if unpacked > self.max_bytes:
            return ReadProblem(f"{unpacked / 2**20:.0f} MiB unpacked; the limit is {megabytes(self.max_bytes)}")
        if unpacked > max(BOMB_FLOOR, self.max_ratio * packed):
            return ReadProblem(f"unpacks to more than {self.max_ratio} times its size, like a decompression bomb")
        return None

    def max_unpacked(self, packed: int) -> int:
        """Return how many bytes a whole archive of `packed` bytes may unpack to."""
        return max(_ARCHIVE_FLOOR * BOMB_FLOOR, self.max_ratio * packed)

    def check_archive(self, unpacked: int, packed: int) -> ReadProblem | None:
        """Return why an archive must not be read, judged from its sizes in bytes; None if it may be.

        This check is needed besides `check_member` because the members of an archive may share their packed bytes.
        """
        if unpacked <= self.max_unpacked(packed):
            return None
        sizes = f"{packed / 2**20:.3g} MiB unpack to {unpacked / 2**30:.3g} GiB"
        return ReadProblem(f"holds a decompression bomb: {sizes}")

    def check_count(self, members: int) -> ReadProblem | None:
        """Return why an archive of this many members is not read; None if it is."""
        if members <= self.max_members:
            return None
        return ReadProblem(f"has {members} members; the limit is {self.max_members} members")


_OUTSIDE = ReadProblem("leads out of the folder that may be read; not read", "copy it into that folder")


def is_inside(path: Path, folder: Path) -> bool:
    """Return True if a path, its links resolved, is a folder without links or something below it."""
    return Path(os.path.realpath(path)).is_relative_to(folder)


DEFAULT_LIMITS = ReadLimits()
