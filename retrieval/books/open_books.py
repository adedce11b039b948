"""The pool of open book files: reading a book page by page parses its directory, or unpacks it, only once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieval.books.container import Container
from retrieval.books.detect import BookFormat, detect_file
from retrieval.books.formats.acbf import Acbf
from retrieval.books.formats.pdf import Pdf
from retrieval.books.formats.rar import Rar
from retrieval.books.formats.seven_zip import open_seven_zip
from retrieval.books.formats.tar import Tar
from retrieval.books.formats.zip import open_zip
from retrieval.books.limits import ReadLimits
from retrieval.books.problems import REBUILD, ReadProblem, cannot_be_read

_MAX_OPEN = 4  # book files; enough for a few threads, each with a book of its own
_MAX_UNPACKED = 1  # book files with an unpacked copy, which may take 1 GiB of disk or memory each

_OPENERS: dict[BookFormat, Callable[[Path, ReadLimits], Container]] = {
    BookFormat.ZIP: open_zip,
    BookFormat.EPUB: open_zip,
    BookFormat.RAR: Rar,
    BookFormat.SEVEN_ZIP: open_seven_zip,
    BookFormat.TAR: Tar,
    BookFormat.PDF: Pdf,
    BookFormat.ACBF: Acbf,
}
_Key = tuple[str, int, int, ReadLimits]


def open_container(path: Path, limits: ReadLimits) -> Container:
    """Open a book file. The caller closes it.

    Raises SourceError if it is no book, wholly damaged, beyond the limits, or if no program here can unpack it.
    """
    try:
        limits.check_place(path)
        before = path.stat()
        book_format, _ = detect_file(path)
        if book_format is None:
            raise ReadProblem("the file is no longer a folder or a book", REBUILD).error(path)
        return _checked(_OPENERS[book_format](path, limits), before)
    except OSError as error:
        raise cannot_be_read(error).error(path) from error


def _checked(book: Container, before: os.stat_result) -> Container:
    """Return a book opened by its path, closed and refused if the path meanwhile leads to another file."""
    try:
        book.limits.check_place(book.path)
        if not os.path.samestat(before, book.path.stat()):
            raise ReadProblem("replaced while it was opened; not read", REBUILD).error(book.path)
    except BaseException:
        book.close()
        raise
    return book


class BookPool:
    """Open containers by file, modification time and limits, the least recently used first.

    Only one thread at a time reads from a container.
    """

    def __init__(self) -> None:
        self.open: OrderedDict[_Key, Container] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def use(self, path: Path, limits: ReadLimits) -> Iterator[Container]:
        """Yield the container of a file, opened now or before, for this thread alone."""
        while True:
            container = self._get(path, limits)
            with container.lock:
                if not container.closed:  # another thread may have closed it to make room
                    yield container
                    return

    def _get(self, path: Path, limits: ReadLimits) -> Container:
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size, limits)
        with self._lock:
            if key in self.open:
                self.open.move_to_end(key)
                return self.open[key]
        opened = open_container(path, limits)
        with self._lock:
            if key in self.open:
                opened.close()
                return self.open[key]
            self._close([old for old in self.open if old[0] == key[0]])  # the file was replaced
            self._make_room(opened.unpacks_whole)
            self.open[key] = opened
        return opened

    def _make_room(self, unpacks_whole: bool) -> None:
        """Close the least recently used books until one more may be opened."""
        if unpacks_whole:
            unpacked = [key for key, book in self.open.items() if book.unpacks_whole]
            self._close(unpacked[: max(0, len(unpacked) - _MAX_UNPACKED + 1)])
        self._close(list(self.open)[: max(0, len(self.open) - _MAX_OPEN + 1)])

    def _close(self, keys: list[_Key]) -> None:
        for key in keys:
            book = self.open.pop(key)
            with book.lock:
                book.close()


BOOK_POOL = BookPool()
"""The pool of this process."""
