"""CB7 and every other 7z, by py7zr (`pip install panelseek[7z]`) or else by the program bsdtar."""

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
from retrieval.books.formats.spool import Spool, unpacked
from retrieval.books.formats.tar import Tar
from retrieval.books.limits import Reading
from retrieval.books.names import by_name, climbs
from retrieval.errors import SourceError

NO_TOOL = (
    "is a 7z archive, and nothing that unpacks it is here: run `pip install panelseek[7z]`, "
    "or install bsdtar (package libarchive-tools)"
)


_UNSAID = "(null)"


def open_seven(path: Path, reading: Reading) -> Container:
    """A 7z archive by whichever reader is there. Raises SourceError when there is none."""
    if lists_cheaply():
        return Seven(path, reading)
    if shutil.which("bsdtar") is not None:
        return SevenByTar(path, reading)
    raise SourceError(f"{path} {NO_TOOL}")


class Seven(Container):
    """A 7z archive by py7zr. Its blocks are unpacked once, to a temporary file, when a first page is asked for."""

    heavy = True

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path, reading)
        self._spool: Spool | None = None
        self._failure: SourceError | None = None
        with _told(path), path.open("rb") as file:
            infos = [info for info in _archive(file).list() if info.is_file]
        self.refuse(reading.too_many(len(infos)))
        size = path.stat().st_size
        self.refuse(reading.archive_bomb(sum(info.uncompressed for info in infos), size))
        self._members, self.again = by_name((info.filename, info) for info in infos)
        self.entries = {
            name: Entry(f"{info.crc32 or 0:08x}:{info.uncompressed}", reading.bomb(info.uncompressed, size))
            for name, info in self._members.items()
        }

    def _bytes(self, name: str, label: str) -> bytes:
        if self._spool is None:
            self._spool = Spool()
            self._unpack(self._spool)
        if name in self._spool:
            return self._spool.read(name)
        reason = str(self._failure).removeprefix(str(self.path)).strip() if self._failure else "it is not in its block"
        raise SourceError(f"{label} cannot be unpacked: the book {reason}")

    def _unpack(self, spool: Spool) -> None:
        """All that can be read; what is damaged ends it, and what came before is kept."""
        wanted = {info.filename: name for name, info in self._members.items() if not self._skip(name)}
        try:
            with _told(self.path), self.path.open("rb") as file:
                _archive(file).extract(targets=list(wanted), factory=_Products(wanted, spool, self.reading))
        except SourceError as error:
            self._failure = error

    def _skip(self, name: str) -> bool:
        return bool(self.entries[name].problem) or climbs(name)

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()


def _archive(file: IO[bytes]) -> Any:
    """py7zr's archive in an open file: given a file, it starts no threads."""
    import py7zr

    return py7zr.SevenZipFile(file)


class _Products:
    """Where py7zr writes: one product for each member, kept under its page name when it is whole."""

    def __init__(self, names: Mapping[str, str], spool: Spool, reading: Reading) -> None:
        self._names, self._spool, self._reading = names, spool, reading

    def create(self, filename: str) -> _Product:
        return _Product(self._names.get(filename, filename), self._spool, self._reading.max_bytes)


class _Product(BytesIO):
    """A member being unpacked. py7zr closes it only after its checksum was right."""

    def __init__(self, name: str, spool: Spool, most: int) -> None:
        super().__init__()
        self._name, self._spool, self._most = name, spool, most

    def size(self) -> int:
        return self.getbuffer().nbytes

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._most:
            raise ValueError("a page is larger than the limit")
        return super().write(data)

    def close(self) -> None:
        if not self.closed:
            self.seek(0)
            self._spool.add(self._name, self, self.size())
        super().close()


class SevenByTar(Tar):
    """A 7z archive by bsdtar, which writes it as a TAR."""

    def _unpack(self, path: Path, head: bytes, size: int) -> IO[bytes]:
        command = ["bsdtar", "-c", "-f", "-", "--format=pax", f"@{path.absolute()}"]
        run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert run.stdout is not None
        assert run.stderr is not None
        try:
            with run.stdout:
                raw = unpacked(run.stdout, self.reading.most(size))
            said = run.stderr.read(2000).decode(errors="replace").strip().splitlines()
        except EOFError:
            raise SourceError(f"{path} {self.reading.archive_bomb(self.reading.most(size) + 1, size)}") from None
        finally:
            run.kill()
            run.wait()
            run.stderr.close()
        if said:
            self.trouble = _bsdtar_trouble(_why(path) if said[0].endswith(_UNSAID) else said[0])
        return raw

    def _is_packed(self, head: bytes) -> bool:
        return True


def _why(path: Path) -> str:
    """What bsdtar says when it unpacks; converting, some versions lose the reason."""
    command = ["bsdtar", "-xOf", str(path.absolute())]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return next(iter(run.stderr[:2000].decode(errors="replace").strip().splitlines()), _UNSAID)


def _bsdtar_trouble(said: str) -> str:
    if "ncrypt" in said or "assphrase" in said:
        return f"is encrypted; remove the password ({said.removeprefix('bsdtar: ')})"
    return f"is a 7z archive that is cut off or damaged ({said.removeprefix('bsdtar: ')})"


def lists_cheaply() -> bool:
    """Whether py7zr is there, which reads a 7z archive's list alone; bsdtar unpacks all of it."""
    return importlib.util.find_spec("py7zr") is not None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """py7zr's errors as ours."""
    import py7zr
    from py7zr.exceptions import ArchiveError, PasswordRequired, UnsupportedCompressionMethodError

    try:
        yield
    except PasswordRequired as error:
        raise SourceError(f"{path} is encrypted; remove the password") from error
    except UnsupportedCompressionMethodError as error:
        raise SourceError(f"{path} is packed in a way that is not read ({error}); pack it again as a CBZ") from error
    except (ArchiveError, py7zr.Bad7zFile, lzma.LZMAError, zlib.error, EOFError, ValueError, TypeError) as error:
        raise SourceError(f"{path} is a 7z archive that is cut off or damaged ({error}); copy it here again") from error
    except (OSError, KeyError, IndexError, AttributeError, AssertionError, OverflowError, RuntimeError) as error:
        raise SourceError(f"{path} is a 7z archive that is cut off or damaged ({error}); copy it here again") from error
