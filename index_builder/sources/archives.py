"""One archive file -> its book, judged by its first bytes and its directory alone."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.sources.books import BookRef, Skipped, is_junk, is_note, is_page, number_pages
from retrieval.errors import SourceError
from retrieval.pages import ZIP_MAGIC, Archive, archive_problem, climbs, member_problem, open_archive

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

ARCHIVE_SUFFIXES = frozenset(
    {".cbz", ".zip", ".cbr", ".rar", ".cb7", ".7z", ".cbt", ".tar", ".tgz", ".cba", ".ace"}
    | {".pdf", ".epub", ".mobi", ".azw3", ".djvu", ".xps"}
)
READS = "this version reads folders and CBZ"

_MAGIC = {
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"%PDF-": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"AT&TFORM": "a DjVu document",
}
_HEAD = 512


def kind_of(head: bytes) -> str:
    """ "zip", or what the first 512 bytes say it is instead ("a RAR archive"), "" when nothing known."""
    if head.startswith(ZIP_MAGIC):
        return "an EPUB" if head[30:58] == b"mimetypeapplication/epub+zip" else "zip"
    if head[257:262] == b"ustar":
        return "a TAR archive"
    if head[7:14] == b"**ACE**":
        return "an ACE archive"
    if head[60:68] == b"BOOKMOBI":
        return "a Kindle book"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def archive_book(path: Path, relative: str, title: str, *, max_members: int) -> Iterator[BookRef | Skipped]:
    """The book in the file at `path`, after what had to be skipped in it; its directory is read once."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        yield Skipped(str(path), f"cannot be read: {error.strerror or error}")
        return
    kind = kind_of(head)
    if kind != "zip":
        yield Skipped(str(path), _not_a_zip(head, kind))
        return
    try:
        archive = open_archive(path, max_members=max_members)
        with archive.file:
            found = _read_directory(archive, path, relative, title)
    except SourceError as error:
        found = [Skipped(str(path), str(error).removeprefix(str(path)).strip())]
    except OSError as error:
        found = [Skipped(str(path), f"cannot be read: {error.strerror or error}")]
    yield from found


def _not_a_zip(head: bytes, kind: str) -> str:
    if not head:
        return "is empty (0 bytes); copy it here again"
    if kind:
        return f"is {kind}; {READS}"
    return f"is not an archive; {READS}"


def _read_directory(archive: Archive, path: Path, relative: str, title: str) -> list[BookRef | Skipped]:
    problem = archive_problem(archive, path.stat().st_size)
    if problem:
        return [Skipped(str(path), problem)]
    stats, notes, bad = _sort_members(archive.members)
    found: list[BookRef | Skipped] = [_skipped(path, reason, names) for reason, names in bad.items()]
    if stats:
        found.append(BookRef(path, relative, title, "cbz", number_pages(stats, notes)))
    return found or [Skipped(str(path), "holds no page images")]


def _skipped(path: Path, reason: str, names: list[str]) -> Skipped:
    """One line for all members with the same fate: a hostile archive may have thousands."""
    more = f" (and {len(names) - 1} more like it in this archive)" if len(names) > 1 else ""
    return Skipped(f"{path}/{names[0]}", reason + more)


def _sort_members(
    members: dict[str, zipfile.ZipInfo],
) -> tuple[dict[str, str], dict[str, str], dict[str, list[str]]]:
    """Readable pages and notes with their stats, and the names of the others by reason."""
    stats: dict[str, str] = {}
    notes: dict[str, str] = {}
    bad: dict[str, list[str]] = defaultdict(list)
    for name, info in members.items():
        wanted = is_page(name) or is_note(name)
        if climbs(name):
            if wanted:
                bad["a page's path climbs out of the archive; it is not read"].append(name)
        elif is_junk(name):
            continue
        elif Path(name).suffix.lower() in ARCHIVE_SUFFIXES:
            bad["is an archive inside an archive; unpack the outer one"].append(name)
        elif wanted:
            problem = member_problem(info)
            if problem:
                bad[problem].append(name)
            else:
                (stats if is_page(name) else notes)[name] = f"{info.CRC:08x}:{info.file_size}"
    return stats, notes, bad
