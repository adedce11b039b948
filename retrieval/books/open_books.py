"""The few book files that are open: reading a book page by page parses its directory, or unpacks it, once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieval.books.container import WAY_OUT, Container
from retrieval.books.detect import HEAD, Kind, kind_of
from retrieval.books.formats.acbf import Acbf
from retrieval.books.formats.pdf import Pdf
from retrieval.books.formats.rar import Rar
from retrieval.books.formats.seven_zip import open_seven
from retrieval.books.formats.tar import Tar
from retrieval.books.formats.zip import open_zip
from retrieval.books.limits import Reading
from retrieval.errors import SourceError

_MOST = 4
_MOST_HEAVY = 1

_FAMILIES = {
    Kind.ZIP: open_zip,
    Kind.EPUB: open_zip,
    Kind.RAR: Rar,
    Kind.SEVEN: open_seven,
    Kind.TAR: Tar,
    Kind.PDF: Pdf,
    Kind.ACBF: Acbf,
}
_Key = tuple[str, int, int, Reading]


def file_kind(path: Path) -> Kind | None:
    """The kind of book in a file, by its first bytes. Raises OSError."""
    with path.open("rb") as file:
        return kind_of(file.read(HEAD))


def open_container(path: Path, reading: Reading) -> Container:
    """Open a book file. The caller closes it.

    Raises SourceError when it is no book, damaged throughout, beyond the bounds, or nothing here reads it.
    """
    try:
        kind = file_kind(path)
        if kind is None:
            raise SourceError(f"{path} is no longer a folder or a book: {WAY_OUT}")
        return _FAMILIES[kind](path, reading)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error


class OpenBooks:
    """Open containers by file, date and settings, the last used last; one thread at a time reads from each."""

    def __init__(self) -> None:
        self.open: OrderedDict[_Key, Container] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def use(self, path: Path, reading: Reading) -> Iterator[Container]:
        """The container of a file, opened or opened already, for this thread alone."""
        while True:
            container = self._get(path, reading)
            with container.lock:
                if not container.closed:  # another thread may have made room meanwhile
                    yield container
                    return

    def _get(self, path: Path, reading: Reading) -> Container:
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size, reading)
        with self._lock:
            if key in self.open:
                self.open.move_to_end(key)
                return self.open[key]
        made = open_container(path, reading)
        with self._lock:
            if key in self.open:
                made.close()
                return self.open[key]
            self._drop([old for old in self.open if old[0] == key[0]])  # the file was replaced
            self._make_room(made.heavy)
            self.open[key] = made
        return made

    def _make_room(self, heavy: bool) -> None:
        if heavy:
            held = [key for key, book in self.open.items() if book.heavy]
            self._drop(held[: max(0, len(held) - _MOST_HEAVY + 1)])
        self._drop(list(self.open)[: max(0, len(self.open) - _MOST + 1)])

    def _drop(self, keys: list[_Key]) -> None:
        for key in keys:
            book = self.open.pop(key)
            with book.lock:
                book.close()


open_books = OpenBooks()
