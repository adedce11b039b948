"""Names inside a book: which escape it, which are pages or junk, and in which order they come."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TypeVar

from natsort import natsort_keygen, ns

PAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jxl"}
)
_UNSUPPORTED_SUFFIXES = frozenset({".heic", ".heif", ".jp2", ".psd", ".tga"})
_JUNK_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}

T = TypeVar("T")

_natural = natsort_keygen(alg=ns.INT | ns.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_MAX_SUFFIX_CHARS = 5  # the dot included, as in natsort


# --------------------------------------------------------------------- safety


def escapes(name: str) -> bool:
    """Return True if a path may leave the folder it is relative to: absolute, with a drive letter, or with '..'."""
    if not name or name[0] in "/\\" or "\0" in name or _DRIVE.match(name):
        return True
    return ".." in name and ".." in re.split(r"[/\\]", name)


# ---------------------------------------------------------------------- names


def page_name(member: str) -> str:
    """Return an archive member's name with '/' separators and without empty or '.' parts.

    A name that escapes the archive is returned unchanged.
    """
    member = _as_text(member)
    if escapes(member):
        return member
    return "/".join(part for part in member.replace("\\", "/").split("/") if part not in ("", "."))


def _as_text(name: str) -> str:
    """Return a name as valid text. Bytes that are not UTF-8 (surrogates here) are decoded as Windows code page 1252."""
    with suppress(UnicodeEncodeError):
        name.encode()
        return name
    with suppress(UnicodeEncodeError):
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return name.encode("utf-8", "replace").decode()


def index_by_name(members: Iterable[tuple[str, T]]) -> tuple[dict[str, T], list[str]]:
    """Return members by page name, and the page names that occur several times.

    members: (stored name, member) in archive order. Of equal stored names the last one counts, as when unpacking.
    Different stored names with one page name are different pages: "a/1.jpg", then "a//1.jpg" as "a/1~2.jpg".
    """
    by_name: dict[str, T] = {}
    names: dict[str, str] = {}
    duplicates: dict[str, None] = {}
    for stored, member in members:
        if stored in names:
            duplicates[names[stored]] = None
        else:
            names[stored] = _unique_name(page_name(stored), by_name)
        by_name[names[stored]] = member
    return by_name, list(duplicates)


def _unique_name(name: str, used: Collection[str]) -> str:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 (names, not paths)
    count = 1
    while name in used:
        count += 1
        name = f"{stem}~{count}{suffix}"
    return name


def sidecar_names(page: str) -> tuple[str, str, str]:
    """Return the page's own name and the two names that its annotation may have, the most exact first."""
    return page, f"{page}.json", f"{os.path.splitext(page)[0]}.json"  # noqa: PTH122 (names, not paths)


# ---------------------------------------------------------------------- order


def natural_key(path: str) -> tuple[object, ...]:
    """Return the sort key of natural order, part by part: "page2" before "page10", "a/9" before "a-b/1".

    The path itself comes last, so that names which differ only in case keep one order everywhere.
    """
    return (*((_part_key(part), part) for part in path.split("/")),)


def _part_key(part: str) -> tuple[object, ...]:
    """Return natsort's key for paths (`ns.PATH`), without making a path object for each of a hundred thousand names.

    The key is the stem, then up to two suffixes. A long suffix, or one that begins with a digit, belongs to the stem:
    "vol.2" is not a file of type 2.
    """
    stem = part
    suffixes: list[object] = []
    while len(suffixes) < 2 and not part.endswith("."):
        dot = stem.rfind(".")
        suffix = stem[dot:]
        if not stem[: max(dot, 0)].strip(".") or len(suffix) > _MAX_SUFFIX_CHARS or suffix[1:2].isdecimal():
            break
        suffixes.append(_natural(suffix))
        stem = stem[:dot]
    return (_natural(stem), *reversed(suffixes))


# ----------------------------------------------------------------- file types


def suffix_of(name: str) -> str:
    """Return the extension of a name in lower case, with its dot; "" if there is none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (names, not paths)


def is_page(name: str) -> bool:
    """Return True if the extension is that of a supported image format; the content is checked on reading."""
    return suffix_of(name) in PAGE_SUFFIXES


def is_unsupported_image(name: str) -> bool:
    """Return True if the extension is that of an image format that is not supported."""
    return suffix_of(name) in _UNSUPPORTED_SUFFIXES


def is_junk(path: str) -> bool:
    """Return True if any part of the path is hidden or a leftover of an operating system."""
    return any(part.startswith(".") or part.lower() in _JUNK_FOLDERS for part in path.split("/"))
