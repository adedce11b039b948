"""How the bytes of books are read: the bounds, and the resolution of pages that have to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from retrieval.errors import UsageError
from retrieval.images.decode import MAX_BYTES, MAX_PIXELS

_BOUNDS = ("max_members", "max_bytes", "max_ratio", "max_pixels")
BOMB_FLOOR = 32 * 2**20
"""Pages below this size may swell as they like: an empty white bitmap shrinks a thousandfold and does no harm."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings for reading a book; raises `UsageError` when one makes no sense.

    max_members: files in one archive. max_bytes: size of one page, as a file. max_ratio: how many times its packed
    size a page, and a whole archive, may have unpacked. max_pixels: width times height of a page.
    dpi: resolution of PDF pages that are drawn; one that is a single scan has the scan's own.
    """

    max_members: int = 20_000
    max_bytes: int = MAX_BYTES
    max_ratio: int = 200
    max_pixels: int = MAX_PIXELS
    dpi: int = 150

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UsageError(f"{item.name} must be a whole number from 1 on; found {value!r}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """From the options of a build; what they do not say is as usual."""
        names = (item.name for item in fields(cls))
        return cls(**{name: options[name] for name in names if options.get(name) is not None})

    def widened(self) -> Self:
        """For asking: what an earlier build took within usual bounds is read, whatever bounds the last one had."""
        bounds = {name: max(getattr(self, name), getattr(USUAL, name)) for name in _BOUNDS}
        return replace(self, **bounds)

    def bomb(self, unpacked: int, packed: int) -> str:
        """Why a page of these sizes in bytes must not be unpacked, "" when it may."""
        if unpacked > self.max_bytes:
            return f"is {unpacked / 2**20:.0f} MiB unpacked; the limit is {self.max_bytes / 2**20:.4g} MiB"
        if unpacked > max(BOMB_FLOOR, self.max_ratio * packed):
            return f"unpacks to more than {self.max_ratio} times its size; it looks like a decompression bomb"
        return ""

    def most(self, packed: int) -> int:
        """Bytes that a whole archive of `packed` bytes may unpack to."""
        return max(32 * BOMB_FLOOR, self.max_ratio * packed)

    def archive_bomb(self, unpacked: int, packed: int) -> str:
        """Why an archive of these sizes must not be read, "" when it may: members may share their bytes."""
        if unpacked <= self.most(packed):
            return ""
        return f"holds a decompression bomb: {packed / 2**20:.3g} MiB unpack to {unpacked / 2**30:.3g} GiB"

    def too_many(self, members: int) -> str:
        """Why an archive of so many members is not read, "" when it is."""
        return "" if members <= self.max_members else f"has {members} members; the limit is {self.max_members} members"


USUAL = Reading()
