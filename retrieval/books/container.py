"""What every family of archives gives: its entries by name, and their bytes one by one."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from retrieval.books.limits import Reading
from retrieval.errors import SourceError

WAY_OUT = "put the comics back where they were, or build the index again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a book. `mark` changes when its bytes do; `problem` says why it must not be read, "" when it may."""

    mark: str
    problem: str = ""


@dataclass
class Container(ABC):
    """An open book file and what it holds, by page name ('/' separators).

    `again` are names that come several times, of which the last counts.
    `order` is the reading order where the format itself gives one, else None.
    `trouble` says what is wrong with a book of which some pages can be read; `comment` is what its maker wrote on it.
    Names that climb are kept as they are, so that `climbs` still sees them. Reading is not thread safe: hold `lock`.
    """

    path: Path
    reading: Reading
    entries: dict[str, Entry] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    order: tuple[str, ...] | None = None
    trouble: str = ""
    comment: bytes = b""
    lock: threading.RLock = field(default_factory=threading.RLock)
    closed: bool = False

    heavy: ClassVar[bool] = False
    """Whether it keeps an unpacked copy of the book while it is open."""

    def read(self, name: str) -> bytes:
        """The bytes of one entry. Raises SourceError when there is none, or it must not or cannot be read."""
        entry = self.entries.get(name)
        label = f"{self.path}: page {name!r}"
        if entry is None:
            raise SourceError(f"{self.path} has no page {name!r}: {WAY_OUT}")
        if entry.problem:
            raise SourceError(f"{label} {entry.problem}")
        data = self._bytes(name, label)
        if len(data) > self.reading.max_bytes:
            raise SourceError(f"{label} unpacks to more than {self.reading.max_bytes / 2**20:.4g} MiB")
        return data

    @abstractmethod
    def _bytes(self, name: str, label: str) -> bytes:
        """The bytes of an entry that exists; SourceError, beginning with `label`, when it is damaged."""

    def close(self) -> None:
        self.closed = True
        self._close()

    @abstractmethod
    def _close(self) -> None:
        """Let go of files; also where opening failed half way."""

    def refuse(self, problem: str) -> None:
        """Raise SourceError for the whole book where there is a problem; closes it first."""
        if problem:
            self.close()
            raise SourceError(f"{self.path} {problem}")


def damaged(label: str, error: BaseException) -> SourceError:
    return SourceError(f"{label} is damaged in the archive: {error or type(error).__name__}")
