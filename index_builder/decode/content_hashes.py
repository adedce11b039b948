"""Hashes of the page contents that an index has, in a file that workers search: 8 bytes a page, sorted.

Eight bytes of a SHA-256 collide once in many billions of pages, so a match is confirmed in the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.files import write_array


def write_hashes(digests: Iterable[str], path: Path) -> None:
    """Write the file for these page digests (hexadecimal SHA-256)."""
    write_array(path, np.sort(np.fromiter(map(_prefix, digests), np.uint64)))


def is_known_hash(digest: str, path: str | None) -> bool:
    """Return True if a digest is most likely in the file; False without a file."""
    hashes = _load(path) if path else ()
    if not len(hashes):
        return False
    prefix = np.uint64(_prefix(digest))
    place = int(np.searchsorted(hashes, prefix))
    return place < len(hashes) and bool(hashes[place] == prefix)


def _prefix(digest: str) -> int:
    try:
        return int(digest[:16], 16)
    except ValueError:
        return 0  # a damaged row of the catalog, which `verify` names


@lru_cache(maxsize=1)
def _load(path: str) -> NDArray[np.uint64]:
    hashes: NDArray[np.uint64] = np.load(path, mmap_mode="r")
    return hashes
