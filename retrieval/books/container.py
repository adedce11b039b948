"""An open book file: its entries by name, and the bytes of each."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from retrieval.books.limits import ReadLimits
from retrieval.books.problems import REBUILD, ReadProblem, megabytes
from retrieval.errors import SourceError
from retrieval.names import NameIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a book. `fingerprint` changes when its bytes do; `problem` is why it must not be read, or None."""

    fingerprint: str
    problem: ReadProblem | None = None


@dataclass
class Container(ABC):
    """An open book file and its entries by page name, with '/' separators.

    duplicates: names that occur several times; the last entry of such a name counts.
    order: names in reading order if the format states one, else None.
    reading_direction: "rtl" if the format says that the book is read from right to left, else None.
    former_names: names that earlier versions gave to entries, and the entries' names now.
    warning: what is wrong with a book of which some pages can be read, else None. comment: the archive's own comment.
    Names that escape the book are kept unchanged, so that `escapes` still detects them.
    Reading is not thread safe: hold `lock`.
    """

    path: Path
    limits: ReadLimits
    entries: dict[str, Entry] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    order: tuple[str, ...] | None = None
    reading_direction: str | None = None
    former_names: dict[str, str] = field(default_factory=dict)
    warning: ReadProblem | None = None
    comment: bytes = b""
    lock: threading.RLock = field(default_factory=threading.RLock)
    closed: bool = False
    _index: NameIndex | None = None

    unpacks_whole: ClassVar[bool] = False
    """True if the container keeps an unpacked copy of the whole book while it is open."""

    def find_warning(self) -> ReadProblem | None:
        """Return the warning. May read the whole file, so only builds call it."""
        return self.warning

    def read(self, name: str) -> bytes:
        """Return the bytes of one entry. Raises SourceError if it is missing, refused or damaged."""
        name = self.former_names.get(name, name)
        entry = self.entries.get(name)
        if entry is None:
            raise self.page_error(name, ReadProblem("this page is missing", REBUILD))
        if entry.problem is not None:
            raise self.page_error(name, entry.problem)
        data = self._read_entry(name)
        if len(data) > self.limits.max_bytes:
            problem = ReadProblem(f"unpacks to more than {megabytes(self.limits.max_bytes)}")
            raise self.page_error(name, problem)
        return data

    def read_head(self, name: str, size: int) -> bytes:
        """Return the first bytes of one entry. Raises SourceError, also if it is larger than the limits allow."""
        return self.read(name)[:size]

    def page_error(self, name: str, problem: ReadProblem) -> SourceError:
        """Return the error for one page of this book."""
        return problem.error(f"{self.path}/{name}")

    def find(self, name: str) -> str | None:
        """Return the entry that a file of the book names, in any spelling; None without one."""
        if self._index is None:
            self._index = NameIndex(self.entries)
        return self._index.find(name)

    @abstractmethod
    def _read_entry(self, name: str) -> bytes:
        """Return the bytes of an existing entry. Raises SourceError if it is damaged."""

    def close(self) -> None:
        """Close the book; its entries can no longer be read."""
        self.closed = True
        self._close_files()

    @abstractmethod
    def _close_files(self) -> None:
        """Close all files, also if opening failed half way."""

    def refuse(self, problem: ReadProblem | None) -> None:
        """Close the book and raise SourceError if there is a problem."""
        if problem is not None:
            self.close()
            raise problem.error(self.path)
