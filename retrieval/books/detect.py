"""What a file is, by its first bytes; its name does not matter."""

from __future__ import annotations

import bz2
import lzma
import zlib
from enum import StrEnum

from retrieval.images.decode import picture_format

_TAR = bytes(257) + b"ustar"
HEAD = 4096
"""First bytes of a file that `kind_of` wants to see; fewer are enough for most kinds."""


class Kind(StrEnum):
    """What a book is; the value is the word the catalog uses."""

    FOLDER = "folder"
    ZIP = "cbz"
    RAR = "cbr"
    SEVEN = "cb7"
    TAR = "cbt"
    PDF = "pdf"
    EPUB = "epub"
    ACBF = "acbf"


_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_KINDS = {b"Rar!\x1a\x07": Kind.RAR, b"7z\xbc\xaf\x27\x1c": Kind.SEVEN}
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"AT&TFORM": "a DjVu document",
    b"\x1f\x8b": "a gzip file that holds no TAR archive",
    b"BZh": "a bzip2 file that holds no TAR archive",
    b"\xfd7zXZ\x00": "an xz file that holds no TAR archive",
}


def kind_of(head: bytes) -> Kind | None:
    """The kind of book that starts with these bytes, or None; an EPUB is told from a ZIP where its type comes first."""
    if head.startswith(_ZIP):
        return Kind.EPUB if head[30:58] == b"mimetypeapplication/epub+zip" else Kind.ZIP
    if b"%PDF-" in head[:1024]:  # some writers put a line or a mark before it
        return Kind.PDF
    if b"<ACBF" in _text(head):
        return Kind.ACBF
    if head[257:262] == b"ustar" or _unpacked(head)[257:262] == b"ustar":
        return Kind.TAR
    return next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)


def other_kind(head: bytes) -> str:
    """What a file is that is no book ("an ACE archive"), "" when nothing known."""
    if head[7:14] == b"**ACE**":
        return "an ACE archive"
    if head[60:68] == b"BOOKMOBI":
        return "a Kindle book"
    picture = picture_format(head[:32])
    if picture is not None:
        return f"a {picture} picture under a book's name, to be renamed"
    return next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")


def is_compressed(head: bytes) -> bool:
    """Whether a TAR archive that starts so is packed as a whole."""
    return head[257:262] != b"ustar"


def _text(head: bytes) -> bytes:
    """The beginning of an XML file, in one byte a letter; b"" for anything else."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[2:].replace(b"\0", b"")
    return head if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") else b""


def _unpacked(head: bytes) -> bytes:
    """The first 512 bytes of what a gzip, bzip2 or xz file holds; b"" when it is none, or damaged."""
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(head, 512)
        if head.startswith(b"BZh"):
            # a block of bzip2 is longer than a head: where nothing comes out yet, opening will tell
            return bz2.BZ2Decompressor().decompress(head, 512) or _TAR
        if head.startswith(b"\xfd7zXZ\x00"):
            return lzma.LZMADecompressor(memlimit=2**28).decompress(head, 512)
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        pass
    return b""
