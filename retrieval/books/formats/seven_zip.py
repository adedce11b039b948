"""CB7 and every other 7z, by py7zr (`pip install panelseek[7z]`), else by the program bsdtar."""

from __future__ import annotations

import importlib.util
import lzma
import shutil
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from retrieval.books.container import Container, Entry
from retrieval.books.formats.spool import Spool, spooled
from retrieval.books.formats.tar import Tar
from retrieval.books.limits import ReadLimits
from retrieval.books.names import escapes, index_by_name
from retrieval.books.problems import ENCRYPTED, ReadProblem, damaged_book
from retrieval.errors import SourceError

_NO_PROGRAM = ReadProblem(
    "a 7z archive, and nothing that unpacks it is installed",
    "run `pip install panelseek[7z]`, or install bsdtar (package libarchive-tools)",
)
_NO_REASON = "(null)"  # bsdtar's text for a reason it has lost


def open_seven_zip(path: Path, limits: ReadLimits) -> Container:
    """Open a 7z archive with whichever reader is installed. Raises SourceError if there is none."""
    if lists_cheaply():
        return SevenZip(path, limits)
    if shutil.which("bsdtar") is not None:
        return SevenZipByBsdtar(path, limits)
    raise _NO_PROGRAM.error(path)


def lists_cheaply() -> bool:
    """Return True if py7zr is installed, which reads the list of an archive alone; bsdtar unpacks all of it."""
    return importlib.util.find_spec("py7zr") is not None


# ---------------------------------------------------------------------- py7zr


class SevenZip(Container):
    """A 7z archive by py7zr. Its blocks are unpacked once, to a temporary file, when the first page is read."""

    unpacks_whole = True

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        self._spool: Spool | None = None
        self._failure: SourceError | None = None
        with _translated_errors(path), path.open("rb") as file:
            infos = [info for info in _archive(file).list() if info.is_file]
        self.refuse(limits.check_count(len(infos)))
        size = path.stat().st_size
        self.refuse(limits.check_archive(sum(info.uncompressed for info in infos), size))
        self._members, self.duplicates = index_by_name((info.filename, info) for info in infos)
        self.entries = {
            name: Entry(f"{info.crc32 or 0:08x}:{info.uncompressed}", limits.check_member(info.uncompressed, size))
            for name, info in self._members.items()
        }

    def _read_entry(self, name: str) -> bytes:
        if self._spool is None:
            self._spool = Spool()
            self._unpack(self._spool)
        if name in self._spool:
            return self._spool.read(name)
        reason = "not in its block" if self._failure is None else self._failure.problem
        hint = None if self._failure is None else self._failure.hint
        raise self.page_error(name, ReadProblem(f"cannot be unpacked: {reason}", hint))

    def _unpack(self, spool: Spool) -> None:
        """Unpack all members up to the first damage, and keep those before it."""
        names = {info.filename: name for name, info in self._members.items() if self._may_unpack(name)}
        try:
            with _translated_errors(self.path), self.path.open("rb") as file:
                _archive(file).extract(targets=list(names), factory=_SpoolFactory(names, spool, self.limits))
        except SourceError as error:
            self._failure = error

    def _may_unpack(self, name: str) -> bool:
        return self.entries[name].problem is None and not escapes(name)

    def _close_files(self) -> None:
        if self._spool is not None:
            self._spool.close()


def _archive(file: IO[bytes]) -> Any:
    """Return py7zr's archive in an open file; with an open file, unlike with a path, it starts no threads."""
    import py7zr

    return py7zr.SevenZipFile(file)


class _SpoolFactory:
    """py7zr's output: one file for each member, spooled under its page name when it is complete."""

    def __init__(self, names: Mapping[str, str], spool: Spool, limits: ReadLimits) -> None:
        self._names, self._spool, self._limits = names, spool, limits

    def create(self, filename: str) -> _SpoolFile:
        """Return the output of one member; called by py7zr."""
        return _SpoolFile(self._names.get(filename, filename), self._spool, self._limits.max_bytes)


class _SpoolFile(BytesIO):
    """A member being unpacked. py7zr closes it only if its checksum is right."""

    def __init__(self, name: str, spool: Spool, max_bytes: int) -> None:
        super().__init__()
        self._name, self._spool, self._max_bytes = name, spool, max_bytes

    def size(self) -> int:
        """Return the bytes written so far; called by py7zr."""
        return self.getbuffer().nbytes

    def write(self, data: Any) -> int:
        """Append unpacked bytes. Raises ValueError beyond the limit."""
        if self.tell() + len(data) > self._max_bytes:
            raise ValueError("a page is larger than the limit")
        return super().write(data)

    def close(self) -> None:
        """Spool the member."""
        if not self.closed:
            self.seek(0)
            self._spool.add(self._name, self, self.size())
        super().close()


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    """Turn py7zr's errors into SourceError."""
    import py7zr
    from py7zr.exceptions import ArchiveError, PasswordRequired, UnsupportedCompressionMethodError

    try:
        yield
    except PasswordRequired as error:
        raise ENCRYPTED.error(path) from error
    except UnsupportedCompressionMethodError as error:
        problem = ReadProblem(f"packed with a method that is not supported ({error})", "pack it again as a CBZ")
        raise problem.error(path) from error
    except (ArchiveError, py7zr.Bad7zFile, lzma.LZMAError, zlib.error, EOFError, ValueError, TypeError) as error:
        raise _damaged(error).error(path) from error
    except (OSError, KeyError, IndexError, AttributeError, AssertionError, OverflowError, RuntimeError) as error:
        raise _damaged(error).error(path) from error


# --------------------------------------------------------------------- bsdtar


class SevenZipByBsdtar(Tar):
    """A 7z archive by bsdtar, which converts it to a TAR."""

    def _is_compressed(self, head: bytes) -> bool:
        return True

    def _unpack(self, path: Path, head: bytes, size: int) -> IO[bytes]:
        command = ["bsdtar", "-c", "-f", "-", "--format=pax", f"@{path.absolute()}"]
        run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert run.stdout is not None
        assert run.stderr is not None
        try:
            with run.stdout:
                raw = spooled(run.stdout, self.limits.max_unpacked(size))
            messages = _lines(run.stderr.read(2000))
        except EOFError:
            raise self.too_large(size) from None
        finally:
            run.kill()
            run.wait()
            run.stderr.close()
        if messages:
            self.warning = _bsdtar_problem(_reason(path) if messages[0].endswith(_NO_REASON) else messages[0])
        return raw


def _reason(path: Path) -> str:
    """Return bsdtar's message when it unpacks the archive; some versions lose the reason when they convert it."""
    command = ["bsdtar", "-xOf", str(path.absolute())]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return next(iter(_lines(run.stderr[:2000])), _NO_REASON)


def _lines(output: bytes) -> list[str]:
    return output.decode(errors="replace").strip().splitlines()


def _bsdtar_problem(message: str) -> ReadProblem:
    if "ncrypt" in message or "assphrase" in message:
        return ENCRYPTED
    return _damaged(message.removeprefix("bsdtar: "))


def _damaged(error: object) -> ReadProblem:
    return damaged_book("7z archive", error)
