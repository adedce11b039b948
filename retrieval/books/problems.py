"""Why a book or a page cannot be read: one record, raised as an error or listed in the report of a build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import SourceError

COPY_AGAIN = "copy it here again"
REBUILD = "put the comics back where they were, or build the index again"


@dataclass(frozen=True, slots=True)
class ReadProblem:
    """A reason not to read a book or a page. `text` reads well after "path: "; `hint` is the suggested fix."""

    text: str
    hint: str | None = None

    def error(self, path: str | Path) -> SourceError:
        """Return the error for the book or page at `path`."""
        return SourceError(self.text, path, self.hint)


ENCRYPTED = ReadProblem("encrypted", "remove the password")


def damaged_member(error: BaseException) -> ReadProblem:
    """Describe a page whose bytes in the archive are damaged."""
    return ReadProblem(f"damaged in the archive: {error or type(error).__name__}", COPY_AGAIN)


def damaged_book(name: str, error: object = None) -> ReadProblem:
    """Describe a book file that is cut off or damaged. `name` names its format, such as "ZIP archive"."""
    details = "" if error is None else f" ({error})"
    return ReadProblem(f"cut off or damaged {name}{details}", COPY_AGAIN)


def cannot_be_read(error: OSError) -> ReadProblem:
    """Describe a file that the operating system refuses to read."""
    return ReadProblem(f"cannot be read: {error.strerror or error}")


def megabytes(size: float) -> str:
    """Return a size in bytes as text in MiB, such as "1.5 MiB"."""
    return f"{size / 2**20:.4g} MiB"
