"""The format of a book file, detected by its first bytes, or by the end of a ZIP; its name does not matter."""

from __future__ import annotations

import bz2
import lzma
import os
import struct
import tarfile
import zlib
from enum import StrEnum
from pathlib import Path
from typing import IO

from retrieval.books.names import is_book_file
from retrieval.images.formats import image_format, other_image_format

HEAD = 4096
"""First bytes of a file that `detect_format` needs; most formats need fewer."""


class BookFormat(StrEnum):
    """Format of a book; the values are those of the catalog."""

    FOLDER = "folder"
    ZIP = "cbz"
    RAR = "cbr"
    SEVEN_ZIP = "cb7"
    TAR = "cbt"
    PDF = "pdf"
    EPUB = "epub"
    ACBF = "acbf"


SPANNING_MARKS = (b"PK00", b"PK\x07\x08")
"""First bytes of a ZIP that was, or might have been, split into several files; its first member comes after them."""

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00PK")
_MAGIC = {b"Rar!\x1a\x07": BookFormat.RAR, b"7z\xbc\xaf\x27\x1c": BookFormat.SEVEN_ZIP}
_TAR_HEAD = bytes(257) + b"ustar"
_PROGRAM_BYTES = 2**21
"""First bytes of a self-extracting RAR that may be the program; its archive follows."""

_END_RECORD_BYTES = 22
_MAX_COMMENT_BYTES = 0xFFFF

_OTHER_MAGIC = {
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"AT&TFORM": "a DjVu document",
    b"\x1f\x8b": "a gzip file that holds no TAR archive",
    b"BZh": "a bzip2 file that holds no TAR archive",
    b"\xfd7zXZ\x00": "an xz file that holds no TAR archive",
}


def detect_format(head: bytes) -> BookFormat | None:
    """Return the format of a book that starts with `head`, or None if it is no book.

    An EPUB is distinguished from a ZIP if its media type comes first, as the standard demands.
    """
    if head.startswith(_ZIP_MAGIC):
        return BookFormat.EPUB if head[30:58] == b"mimetypeapplication/epub+zip" else BookFormat.ZIP
    if b"%PDF-" in head[:1024]:  # some writers put a line or a byte order mark before it
        return BookFormat.PDF
    if b"<ACBF" in _xml_text(head):
        return BookFormat.ACBF
    if _is_plain_tar(head) or _is_plain_tar(_unpacked(head)):
        return BookFormat.TAR
    return next((book_format for magic, book_format in _MAGIC.items() if head.startswith(magic)), None)


def detect_file(path: Path) -> tuple[BookFormat | None, bytes]:
    """Return the format of a book file, None if it is no book, and its first bytes. Raises OSError.

    An archive may follow a program, or any other bytes. A picture with an archive after it counts as an archive only
    if it is named like one.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        found = detect_format(head)
        if found is not None or not head or (image_format(head[:32]) and not is_book_file(path.name)):
            return found, head
        if head.startswith(b"MZ") and b"Rar!\x1a\x07" in head + file.read(_PROGRAM_BYTES):
            return BookFormat.RAR, head
        return BookFormat.ZIP if _ends_as_zip(file) else None, head


def find_end_record(file: IO[bytes]) -> tuple[bytes, int | None]:
    """Return the last bytes of a ZIP, and where its end record begins in them; None if that is missing or cut off.

    The file is left at its end.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_RECORD_BYTES - _MAX_COMMENT_BYTES))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    return tail, end if 0 <= end <= len(tail) - _END_RECORD_BYTES else None


def _ends_as_zip(file: IO[bytes]) -> bool:
    """Return True if a file ends with a directory of a ZIP that has members."""
    tail, end = find_end_record(file)
    if end is None:
        return False
    directory_bytes = struct.unpack_from("<L", tail, end + 12)[0]
    start = file.tell() - len(tail) + end - directory_bytes
    if not directory_bytes or start < 0:
        return False
    file.seek(start)
    return file.read(4) == b"PK\x01\x02"


def describe_other_format(head: bytes) -> str:
    """Return the format of a file that is not a book, such as "an ACE archive"; "" if it is unknown."""
    if head[7:14] == b"**ACE**":
        return "an ACE archive"
    if head[60:68] == b"BOOKMOBI":
        return "a Kindle book"
    image = image_format(head[:32])
    if image is not None:
        return f"a {image} image with the extension of a book, to be renamed"
    other = next((name for magic, name in _OTHER_MAGIC.items() if head.startswith(magic)), "")
    return other or other_image_format(head)


def is_compressed_tar(head: bytes) -> bool:
    """Return True if a TAR archive that starts with `head` is compressed as a whole."""
    return not _is_plain_tar(head)


def _is_plain_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar" or is_tar_header(head[:512])


def is_tar_header(block: bytes) -> bool:
    """Return True if a block of 512 bytes is the header of a TAR member, of any version: its checksum is right."""
    if not block[:1].strip(b"\0") or not block[148:156].strip(b" \0").isdigit():
        return False
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def _xml_text(head: bytes) -> bytes:
    """Return the start of an XML file with one byte per letter; b"" for anything else."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[2:].replace(b"\0", b"")
    return head if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") else b""


def _unpacked(head: bytes) -> bytes:
    """Return the first 512 unpacked bytes of a gzip, bzip2 or xz file; b"" if it is none, or damaged."""
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(head, 512)
        if head.startswith(b"BZh"):
            # A block of bzip2 is longer than a head: if nothing comes out yet, assume a TAR until it is opened.
            return bz2.BZ2Decompressor().decompress(head, 512) or _TAR_HEAD
        if head.startswith(b"\xfd7zXZ\x00"):
            return lzma.LZMADecompressor(memlimit=2**28).decompress(head, 512)
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        pass
    return b""
