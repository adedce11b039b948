"""Files of a training, replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from retrieval.errors import TrainingError

PARTIAL = ".partial"
"""Suffix of a file that is being written."""


def write_text(path: Path, text: str) -> None:
    """Write a text file; see `replace_file`."""
    replace_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file next to `path`, which replaces `path` once it is on the disk.

    Raises `TrainingError` if it cannot be written.
    """
    partial = path.with_name(f"{path.name}{PARTIAL}")
    try:
        write(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise TrainingError(
            f"cannot be written ({error.strerror or error})", path=path, hint="check that the disk is not full"
        ) from error
