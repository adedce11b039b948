"""CBR and every other RAR. Compressed members need a program: unrar, unar or bsdtar, whichever is installed."""

from __future__ import annotations

import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import rarfile

from retrieval.books.container import Container, Entry
from retrieval.books.formats.spool import Spool
from retrieval.books.limits import ReadLimits
from retrieval.books.names import index_by_name
from retrieval.books.problems import ENCRYPTED, ReadProblem, damaged_book, damaged_member

_NO_PROGRAM = ReadProblem(
    "packed, and no program that unpacks RAR is installed",
    "install unar (package unar), bsdtar (package libarchive-tools) or unrar (package unrar)",
)
_NO_OLD_SOLID = ReadProblem(
    "in a solid archive of the format before RAR 5, which bsdtar does not unpack",
    "install unar (package unar) or unrar (package unrar)",
)
_LATER_VOLUME = ReadProblem("a later part of a RAR archive in several parts; its first part is read")
_BSDTAR = "bsdtar"
_DAMAGE = (rarfile.Error, OSError, EOFError, ValueError, zlib.error)


class Rar(Container):
    """A RAR archive of any version.

    In a solid archive every page needs all pages before it. It is unpacked from the beginning up to the requested page,
    and the pages before it are kept in a temporary file, so that a whole book is unpacked once.
    """

    unpacks_whole = True

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        super().__init__(path, limits)
        self._spool: Spool | None = None
        self._stream: _Stream | None = None
        self._blocks: list[Any] = []
        self._file = self._open()
        infos = self._file.infolist()
        if not infos and self._file.needs_password():
            self.refuse(ReadProblem("encrypted, its list of pages too", ENCRYPTED.hint))
        self.refuse(limits.check_count(len(infos)))
        self._order = [info for info in infos if info.is_file()]
        self._repeated = {name for name, count in Counter(i.filename for i in self._order).items() if count > 1}
        self._members, self.duplicates = index_by_name((_stored_name(info), info) for info in self._order)
        self._solid = bool(self._file.is_solid())
        size = path.stat().st_size
        self.refuse(limits.check_archive(sum(info.file_size for info in self._order), size))
        self.entries = {name: self._entry(info, size) for name, info in self._members.items()}
        if self._file.strerror():
            self.warning = _damaged(self._file.strerror())
        elif not self._is_read_to_end(size):
            self.warning = self.warning or _damaged("a header is damaged")
        self._drop_truncated(size)

    # ------------------------------------------------------------------- opening

    def _open(self) -> rarfile.RarFile:
        try:
            return self._parse()
        except rarfile.NeedFirstVolume:
            self.refuse(_LATER_VOLUME)
        except _DAMAGE as error:
            self.refuse(_damaged(error))
        raise AssertionError  # refuse has raised

    def _parse(self) -> rarfile.RarFile:
        """Return the archive, or its members before the damage if its headers are damaged."""
        try:
            return rarfile.RarFile(self.path, errors="strict", info_callback=self._blocks.append)
        except rarfile.BadRarFile as error:
            partial = rarfile.RarFile(self.path, errors="stop", info_callback=self._blocks.append)
            if not partial.infolist() and not partial.needs_password():
                raise
            self.warning = _damaged(error)
            return partial

    def _is_read_to_end(self, size: int) -> bool:
        """Return True if the last block is an end mark, or ends with the file, as before RAR 3.

        rarfile takes a block of a size or type that it does not know for the end.
        """
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.type == rarfile.RAR_BLOCK_ENDARC or last.volume:
            return True
        return bool(last.data_offset + last.add_size >= size)

    def _drop_truncated(self, size: int) -> None:
        """Drop the members that reach beyond the end of the file."""
        truncated = [name for name, info in self._members.items() if _end(info) > size and not info.volume]
        for name in truncated:
            del self.entries[name]
        if truncated:
            self.warning = self.warning or _damaged()

    def _entry(self, info: Any, size: int) -> Entry:
        checksum = f"{info.CRC:08x}" if info.CRC is not None else f"{info.mtime}:{size}"
        return Entry(f"{checksum}:{info.file_size}", self._check(info))

    def _check(self, info: Any) -> ReadProblem | None:
        """Return why a member must not be read; None if it may be."""
        if info.needs_password():
            return ENCRYPTED
        packed = info.compress_type != rarfile.RAR_M0
        if packed and _program() is None:
            return _NO_PROGRAM
        if packed and self._solid and isinstance(info, rarfile.Rar3Info) and _program_name() == _BSDTAR:
            return _NO_OLD_SOLID
        return self.limits.check_member(info.file_size, self.path.stat().st_size if self._solid else info.compress_size)

    # ------------------------------------------------------------------- reading

    def _read_entry(self, name: str) -> bytes:
        info = self._members[name]
        try:
            data = self._unpack(name, info)
        except rarfile.RarCannotExec as error:
            raise self.page_error(name, _NO_PROGRAM) from error
        except _DAMAGE as error:
            raise self.page_error(name, damaged_member(error)) from error
        if len(data) != info.file_size or (info.CRC is not None and zlib.crc32(data) != info.CRC):
            wrong = rarfile.BadRarFile(f"{_program_name()} unpacked other bytes than the archive declares")
            raise self.page_error(name, damaged_member(wrong))
        return data

    def _unpack(self, name: str, info: Any) -> bytes:
        if info.compress_type != rarfile.RAR_M0 and self._needs_stream(info):
            return self._read_from_stream(name)
        if info.filename in self._repeated:
            return self._read_stored(info)
        with self._file.open(info) as member:
            return bytes(member.read(info.file_size + 1))

    def _needs_stream(self, info: Any) -> bool:
        """Return True if a member can only be read by unpacking the archive from its beginning."""
        alone = info.file_size <= rarfile.HACK_SIZE_LIMIT and info.filename not in self._repeated
        return bool(self._solid or not alone or _program_name() == _BSDTAR)

    def _read_stored(self, info: Any) -> bytes:
        """Return the bytes of a member that is not packed; rarfile would find it by its name, which is repeated."""
        with self.path.open("rb") as file:
            file.seek(info.data_offset)
            return file.read(info.file_size)

    def _read_from_stream(self, name: str) -> bytes:
        if self._stream is None or self._spool is None:
            names = {id(info): name for name, info in self._members.items()}
            order = [(names.get(id(info), ""), info) for info in self._order]
            self._stream, self._spool = _Stream(self.path, order), Spool()
        for member, size, pipe in self._stream.until(name, self._spool):
            self._spool.add(member, pipe, size)
        if name not in self._spool:
            raise EOFError("the archive ends before this page")
        return self._spool.read(name)

    def _close_files(self) -> None:
        for resource in (self._stream, self._spool):
            if resource is not None:
                resource.close()


class _Stream:
    """All members of an archive, unpacked one after the other by one run of the program.

    order: (page name, member) in archive order; a member that a later one of the same name replaces has the name "".
    """

    def __init__(self, path: Path, order: list[tuple[str, Any]]) -> None:
        self._run = subprocess.Popen(
            _command(path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._left = iter([(name, info.file_size) for name, info in order if not info.needs_password()])

    def until(self, name: str, spool: Spool) -> Iterator[tuple[str, int, IO[bytes]]]:
        """Yield (name, size, pipe) of the members up to `name`. Read each from the pipe before the next."""
        assert self._run.stdout is not None
        while name not in spool and (member := next(self._left, None)) is not None:
            yield (*member, self._run.stdout)

    def close(self) -> None:
        """Stop the program."""
        if self._run.stdout is not None:
            self._run.stdout.close()
        self._run.kill()
        self._run.wait()


def _damaged(error: object = None) -> ReadProblem:
    return damaged_book("RAR archive", error)


def _stored_name(info: Any) -> str:
    """Return a member's name for `page_name`; rarfile drops the bytes of a name that is not valid UTF-8."""
    if "\ufffd" not in info.filename:
        return str(info.filename)
    return bytes(info.orig_filename).decode("utf-8", "surrogateescape")


def _end(info: Any) -> int:
    """Return where a member's packed bytes end in its file."""
    return int(info.data_offset + info.compress_size) if getattr(info, "data_offset", None) else 0


# --------------------------------------------------------------------- program


def _program() -> Any:
    """Return rarfile's setup of the program that unpacks RAR, or None if there is none."""
    try:
        return rarfile.tool_setup(sevenzip=False, sevenzip2=False)
    except rarfile.RarCannotExec:
        return None


def _program_name() -> str:
    setup = _program()
    return "it" if setup is None else Path(setup.open_cmdline(None, "")[0]).name


def _command(path: Path) -> list[str]:
    """Return the command that writes all members to its output.

    For bsdtar it is not rarfile's: bsdtar takes the "--" there for the archive.
    """
    if _program_name() == _BSDTAR:
        return [_BSDTAR, "-xOf", str(path.absolute())]
    setup = rarfile.tool_setup(sevenzip=False, sevenzip2=False)
    return [str(part) for part in setup.open_cmdline(None, str(path.absolute()))]
