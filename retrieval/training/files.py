"""Files of a training, replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from retrieval import files
from retrieval.errors import TrainingError


def write_text(path: Path, text: str) -> None:
    """Write a text file; see `replace_file`."""
    replace_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Replace a file once its new content is on disk. Raises `TrainingError` if it cannot be written."""
    try:
        files.replace_file(path, write)
    except OSError as error:
        raise TrainingError(
            f"cannot be written ({error.strerror or error})", path=path, hint="check that the disk is not full"
        ) from error
