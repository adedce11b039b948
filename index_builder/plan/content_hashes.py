"""The contents an index knows, in a file that workers search without holding it: 8 bytes a page, sorted.

Eight bytes of a SHA-256 can lie, once in many billions of pages: who is told that a content is known asks the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_hashes(digests: Iterable[str], path: Path) -> None:
    """Write the file for these page digests (hexadecimal SHA-256)."""
    np.save(path, np.sort(np.fromiter(map(_prefix, digests), np.uint64)))


def is_known_hash(digest: str, path: str | None) -> bool:
    """Whether a digest is most likely among those of the file; no file knows nothing."""
    known = _load(path) if path else ()
    if not len(known):
        return False
    number = np.uint64(_prefix(digest))
    place = int(np.searchsorted(known, number))
    return place < len(known) and bool(known[place] == number)


def _prefix(digest: str) -> int:
    return int(digest[:16], 16)


@lru_cache(maxsize=1)
def _load(path: str) -> NDArray[np.uint64]:
    numbers: NDArray[np.uint64] = np.load(path, mmap_mode="r")
    return numbers
