"""The ranges that an int8 network was calibrated with: a file with a checksum, kept with the index and in the cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from retrieval.errors import CheckpointError, system_problem
from retrieval.files import replace_file
from retrieval.user_cache import cache_folder

if TYPE_CHECKING:
    from retrieval.encoder.runtime.graphs.quantized import Int8Settings

log = logging.getLogger("panelseek")

FILE = "int8.safetensors"
"""The ranges in the folder of an index."""

FOLDER = "int8"
"""Of the cache folder: copies of the ranges under their SHA-256."""

_MOST = 16
"""Copies kept, the newest."""

_LARGEST_WEIGHT = "largest_weight"
LARGEST_WEIGHTS = (64, 127)

AGAIN = "restore it from a backup, or build into another --index"


@dataclass(frozen=True)
class Int8Ranges:
    """The ranges of one calibration. content: the file. See `graphs.quantized.Int8Settings` for the fields."""

    content: bytes
    ranges: Mapping[str, NDArray[np.float32]]
    largest_weight: int

    @classmethod
    def of(cls, ranges: Mapping[str, NDArray[np.float32]], largest_weight: int) -> Int8Ranges:
        """Return new ranges."""
        arrays = {name: np.ascontiguousarray(ranges[name], dtype=np.float32) for name in sorted(ranges)}
        return cls(save(arrays | {_LARGEST_WEIGHT: np.array([largest_weight], np.int64)}), arrays, largest_weight)

    def settings(self, *, kernels: bool) -> Int8Settings:
        """Return the settings of the graph. kernels: True if the CPU computes with the whole range of int8."""
        from retrieval.encoder.runtime.graphs.quantized import Int8Settings

        return Int8Settings(self.ranges, self.largest_weight, kernels or self.largest_weight == min(LARGEST_WEIGHTS))

    @cached_property
    def sha256(self) -> str:
        """The hex digest of the file."""
        return hashlib.sha256(self.content).hexdigest()


def read_ranges(path: Path) -> Int8Ranges:
    """Read a file of ranges. Raises `CheckpointError` if it is missing or not what was written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"the ranges of int8 cannot be read ({system_problem(error)})", path, AGAIN) from error
    try:
        arrays = load(content)
        largest = int(arrays.pop(_LARGEST_WEIGHT)[0])
    except (SafetensorError, KeyError, ValueError, IndexError, TypeError) as error:
        raise CheckpointError("the file holds no ranges of int8", path, AGAIN) from error
    if largest not in LARGEST_WEIGHTS or not all(map(_is_range, arrays.values())):
        raise CheckpointError("the ranges of int8 are damaged", path, AGAIN)
    return Int8Ranges(content, arrays, largest)


def _is_range(values: NDArray[np.float32]) -> bool:
    whole = values.dtype == np.float32 and values.ndim == 1 and len(values) >= 2 and np.isfinite(values).all()
    return bool(whole and values[0] <= 0 < values[1] and (values[2:] > 0).all())


def ranges_file(folder: Path, sha256: str) -> Path:
    """Return the file with the ranges of the index in `folder`: its own, else the copy in the cache.

    Raises `CheckpointError` if neither is what was written.
    """
    own = folder / FILE
    copy = _copy(sha256)
    if _is_intact(own, sha256):
        return own
    if _is_intact(copy, sha256):
        log.warning("%s is missing or damaged. Its copy is used; the next build writes it again.", own)
        return copy
    problem = "the file is damaged" if own.exists() else "the file is missing"
    raise CheckpointError(f"{problem}: it has the ranges of int8, without which the index takes no queries", own, AGAIN)


def restore_ranges(folder: Path, sha256: str) -> bool:
    """Write the ranges of the index in `folder` again from the copy in the cache; return True if that was needed.

    Without an intact copy nothing is written; what needs the ranges then raises.
    """
    copy = _copy(sha256)
    if _is_intact(folder / FILE, sha256) or not _is_intact(copy, sha256):
        return False
    write_ranges(folder, read_ranges(copy))
    return True


def has_copy(sha256: str) -> bool:
    """Return True if the cache has a copy of some ranges."""
    return _is_intact(_copy(sha256), sha256)


def is_intact(folder: Path, sha256: str) -> bool:
    """Return True if the index in `folder` has its own ranges."""
    return _is_intact(folder / FILE, sha256)


def write_ranges(folder: Path, ranges: Int8Ranges) -> None:
    """Write the ranges into the folder of an index, unless they are there, and a copy into the cache."""
    if not _is_intact(folder / FILE, ranges.sha256):
        replace_file(folder / FILE, lambda partial: partial.write_bytes(ranges.content))
    copy = _copy(ranges.sha256)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        replace_file(copy, lambda partial: partial.write_bytes(ranges.content))
        for old in sorted(copy.parent.glob("*.safetensors"), key=lambda file: -file.stat().st_mtime)[_MOST:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s: no copy of the ranges of int8 is kept (%s)", copy, system_problem(error))


def _copy(sha256: str) -> Path:
    return cache_folder() / FOLDER / f"{sha256}.safetensors"


def _is_intact(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False
