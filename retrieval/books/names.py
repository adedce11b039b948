"""What names inside a book say: order, junk, pages, and which ones climb out of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

from natsort import natsort_keygen, ns

PAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jxl"}
)
_OTHER_PICTURES = frozenset({".heic", ".heif", ".jp2", ".psd", ".tga"})
_JUNK_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}

T = TypeVar("T")

_natural = natsort_keygen(alg=ns.INT | ns.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_LONGEST_SUFFIX = 5


def climbs(name: str) -> bool:
    """Whether a path leaves the place it is relative to: absolute, with a drive letter, or with '..'."""
    if not name or name[0] in "/\\" or "\0" in name or _DRIVE.match(name):
        return True
    return ".." in name and ".." in re.split(r"[/\\]", name)


def beside(page: str) -> tuple[str, str, str]:
    """The page itself and the two names its annotation may have, most exact first."""
    return page, f"{page}.json", f"{os.path.splitext(page)[0]}.json"  # noqa: PTH122 (names, not paths)


def page_name(member: str) -> str:
    """An archive member's name with '/' separators and without empty or '.' parts; one that climbs stays as it is."""
    member = _as_text(member)
    if climbs(member):
        return member
    return "/".join(part for part in member.replace("\\", "/").split("/") if part not in ("", "."))


def _as_text(name: str) -> str:
    """A name in which bytes that are no UTF-8 stand as surrogates, read as an old Windows (code page 1252) wrote it."""
    with suppress(UnicodeEncodeError):
        name.encode()
        return name
    with suppress(UnicodeEncodeError):
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return name.encode("utf-8", "replace").decode()


def by_name(members: Iterable[tuple[str, T]]) -> tuple[dict[str, T], list[str]]:
    """Page name -> member, and the names that come several times: of those the last counts, as when unpacking.

    members: (stored name, member) in the order of the archive. Different stored names that mean one page name are
    different pages: "a/1.jpg", and then "a//1.jpg" as "a/1~2.jpg".
    """
    found: dict[str, T] = {}
    names: dict[str, str] = {}
    again: dict[str, None] = {}
    for stored, member in members:
        if stored in names:
            again[names[stored]] = None
        else:
            names[stored] = _free(page_name(stored), found)
        found[names[stored]] = member
    return found, list(again)


def _free(name: str, taken: dict[str, T]) -> str:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 (names, not paths)
    count = 1
    while name in taken:
        count += 1
        name = f"{stem}~{count}{suffix}"
    return name


def natural_key(path: str) -> tuple[object, ...]:
    """Sort key in natural order, part by part: "page2" before "page10", "a/9" before "a-b/1".

    The path itself comes last, so that names which differ only in case keep one order everywhere.
    """
    return (*((_key(part), part) for part in path.split("/")),)


def _key(part: str) -> tuple[object, ...]:
    """The key of natsort for paths (`ns.PATH`), without a path object for each of a hundred thousand names: the stem,
    then up to two suffixes, none that is long or begins with a digit ("vol.2" is no file of type 2).
    """
    stem = part
    suffixes: list[object] = []
    while len(suffixes) < 2 and not part.endswith("."):
        at = stem.rfind(".")
        suffix = stem[at:]
        if not stem[: max(at, 0)].strip(".") or len(suffix) > _LONGEST_SUFFIX or suffix[1:2].isdecimal():
            break
        suffixes.append(_natural(suffix))
        stem = stem[:at]
    return (_natural(stem), *reversed(suffixes))


def suffix_of(name: str) -> str:
    """The extension of a name, with its dot, in small letters; "" where it has none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (names, not paths)


def is_junk(path: str) -> bool:
    """Whether any part of the path is hidden or left there by an operating system."""
    return any(part.startswith(".") or part.lower() in _JUNK_FOLDERS for part in path.split("/"))


def is_other_picture(name: str) -> bool:
    """Whether the extension is that of a picture format which is not read."""
    return suffix_of(name) in _OTHER_PICTURES


def is_page(name: str) -> bool:
    """Whether the extension is a picture's; whether it is one is found out on reading."""
    return suffix_of(name) in PAGE_SUFFIXES
