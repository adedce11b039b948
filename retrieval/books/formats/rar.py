"""CBR and every other RAR. Members that are packed need a program: unrar, unar or bsdtar, whichever is there."""

from __future__ import annotations

import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import rarfile

from retrieval.books.container import Container, Entry, damaged
from retrieval.books.formats.spool import Spool
from retrieval.books.limits import Reading
from retrieval.books.names import by_name
from retrieval.errors import SourceError

NO_TOOL = (
    "is packed, and no program that unpacks RAR is here: install unar (package unar), "
    "bsdtar (package libarchive-tools) or unrar (package unrar)"
)
NO_SOLID = (
    "is in a solid archive of the format before RAR 5, which bsdtar does not unpack: "
    "install unar (package unar) or unrar (package unrar)"
)
_BSDTAR = "bsdtar"
_DAMAGE = (rarfile.Error, OSError, EOFError, ValueError, zlib.error)


class Rar(Container):
    """A RAR archive of any version.

    In a solid one every page needs all pages before it: it is unpacked from the beginning, as far as the last page
    asked for, and what came by is kept in a temporary file, so that a whole book is unpacked once.
    """

    heavy = True

    def __init__(self, path: Path, reading: Reading) -> None:
        super().__init__(path, reading)
        self._spool: Spool | None = None
        self._stream: _Stream | None = None
        self._file = self._open()
        infos = self._file.infolist()
        if not infos and self._file.needs_password():
            self.refuse("is encrypted, its list of pages too; remove the password")
        self.refuse(reading.too_many(len(infos)))
        self._order = [info for info in infos if info.is_file()]
        self._unclear = {name for name, count in Counter(i.filename for i in self._order).items() if count > 1}
        self._members, self.again = by_name((_stored_name(info), info) for info in self._order)
        self._solid = bool(self._file.is_solid())
        size = path.stat().st_size
        self.refuse(reading.archive_bomb(sum(info.file_size for info in self._order), size))
        self.entries = {name: self._entry(info, size) for name, info in self._members.items()}
        if self._file.strerror():
            self.trouble = f"is a RAR archive that is cut off or damaged ({self._file.strerror()})"
        self._check_end(size)

    def _open(self) -> rarfile.RarFile:
        try:
            return self._as_far_as_it_goes()
        except rarfile.NeedFirstVolume:
            self.refuse("is a later part of a RAR archive in several parts; its first part is read")
        except _DAMAGE as error:
            self.refuse(f"is a RAR archive that is cut off or damaged ({error}); copy it here again")
        raise AssertionError  # refuse has raised

    def _as_far_as_it_goes(self) -> rarfile.RarFile:
        """The archive, or where its headers are damaged what comes before the damage."""
        try:
            return rarfile.RarFile(self.path, errors="strict")
        except rarfile.BadRarFile as error:
            found = rarfile.RarFile(self.path, errors="stop")
            if not found.infolist() and not found.needs_password():
                raise
            self.trouble = f"is a RAR archive that is cut off or damaged ({error})"
            return found

    def _check_end(self, size: int) -> None:
        """A member that reaches over the end of its file is not there."""
        cut = [name for name, info in self._members.items() if _end(info) > size and not info.volume]
        for name in cut:
            del self.entries[name]
        if cut:
            self.trouble = self.trouble or "is a RAR archive that is cut off"

    def _entry(self, info: Any, size: int) -> Entry:
        checksum = f"{info.CRC:08x}" if info.CRC is not None else f"{info.mtime}:{size}"
        return Entry(f"{checksum}:{info.file_size}", self._problem(info))

    def _problem(self, info: Any) -> str:
        """Why this member must not be read; "" when it may."""
        if info.needs_password():
            return "is encrypted; remove the password"
        packed = info.compress_type != rarfile.RAR_M0
        if packed and _tool() is None:
            return NO_TOOL
        if packed and self._solid and isinstance(info, rarfile.Rar3Info) and _tool_name() == _BSDTAR:
            return NO_SOLID
        return self.reading.bomb(info.file_size, self.path.stat().st_size if self._solid else info.compress_size)

    def _bytes(self, name: str, label: str) -> bytes:
        info = self._members[name]
        try:
            if info.compress_type != rarfile.RAR_M0 and self._in_a_row(info):
                data = self._from_stream(name)
            elif info.filename in self._unclear:
                data = self._stored(info)
            else:
                with self._file.open(info) as member:
                    data = member.read(info.file_size + 1)
        except rarfile.RarCannotExec as error:
            raise SourceError(f"{label} {NO_TOOL}") from error
        except _DAMAGE as error:
            raise damaged(label, error) from error
        if len(data) != info.file_size or (info.CRC is not None and zlib.crc32(data) != info.CRC):
            raise damaged(label, rarfile.BadRarFile(f"{_tool_name()} unpacked other bytes than the archive promises"))
        return data

    def _in_a_row(self, info: Any) -> bool:
        """Whether a member is had by unpacking the archive from its beginning."""
        one_by_one = info.file_size <= rarfile.HACK_SIZE_LIMIT and info.filename not in self._unclear
        return bool(self._solid or not one_by_one or _tool_name() == _BSDTAR)

    def _stored(self, info: Any) -> bytes:
        """The bytes of a stored member, which rarfile would look for by its name."""
        with self.path.open("rb") as file:
            file.seek(info.data_offset)
            return file.read(info.file_size)

    def _from_stream(self, name: str) -> bytes:
        if self._stream is None or self._spool is None:
            names = {id(info): name for name, info in self._members.items()}
            order = [(names.get(id(info), ""), info) for info in self._order]
            self._stream, self._spool = _Stream(self.path, order), Spool()
        for found, size, pipe in self._stream.until(name, self._spool):
            self._spool.add(found, pipe, size)
        if name not in self._spool:
            raise EOFError("the archive ends before it")
        return self._spool.read(name)

    def _close(self) -> None:
        for part in (self._stream, self._spool):
            if part is not None:
                part.close()


class _Stream:
    """All members of an archive, unpacked one after the other by one run of the program.

    order: (page name, member) as they come; a member that another of the same name replaces has the name "".
    """

    def __init__(self, path: Path, order: list[tuple[str, Any]]) -> None:
        self._run = subprocess.Popen(
            _command(path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._left = iter([(name, info.file_size) for name, info in order if not info.needs_password()])

    def until(self, name: str, spool: Spool) -> Iterator[tuple[str, int, IO[bytes]]]:
        """The members up to `name`, each to be read from the pipe before the next."""
        assert self._run.stdout is not None
        while name not in spool and (member := next(self._left, None)) is not None:
            yield (*member, self._run.stdout)

    def close(self) -> None:
        if self._run.stdout is not None:
            self._run.stdout.close()
        self._run.kill()
        self._run.wait()


def _stored_name(info: Any) -> str:
    """A member's name as `page_name` takes it: rarfile loses the bytes of one that says it is UTF-8 and is not."""
    if "\ufffd" not in info.filename:
        return str(info.filename)
    return bytes(info.orig_filename).decode("utf-8", "surrogateescape")


def _end(info: Any) -> int:
    """Where a member's packed bytes end in its file."""
    return int(info.data_offset + info.compress_size) if getattr(info, "data_offset", None) else 0


def _tool() -> Any:
    """The program that unpacks RAR, or None."""
    try:
        return rarfile.tool_setup(sevenzip=False, sevenzip2=False)
    except rarfile.RarCannotExec:
        return None


def _command(path: Path) -> list[str]:
    """What writes all members one after the other to its output; bsdtar takes the "--" of rarfile's for the archive."""
    if _tool_name() == _BSDTAR:
        return [_BSDTAR, "-xOf", str(path.absolute())]
    setup = rarfile.tool_setup(sevenzip=False, sevenzip2=False)
    return [str(part) for part in setup.open_cmdline(None, str(path.absolute()))]


def _tool_name() -> str:
    setup = _tool()
    return "it" if setup is None else Path(setup.open_cmdline(None, "")[0]).name
