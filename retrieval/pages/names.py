"""What names inside a book say: order, junk, pages, and which ones climb out of it."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath

from natsort import natsort_keygen, ns

PAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jxl"}
)
_JUNK_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}

_natural = natsort_keygen(alg=ns.INT | ns.PATH | ns.IGNORECASE)


def climbs(name: str) -> bool:
    """Whether a path leaves the place it is relative to: absolute, with a drive letter, or with '..'."""
    parts = re.split(r"[/\\]", name)
    return not name or parts[0] == "" or ".." in parts or "\0" in name or bool(re.match(r"[A-Za-z]:[/\\]", name))


def beside(page: str) -> tuple[str, str, str]:
    """The page itself and the two names its annotation may have, most exact first."""
    return page, f"{page}.json", f"{os.path.splitext(page)[0]}.json"  # noqa: PTH122 (names, not paths)


def page_name(member: str) -> str:
    """An archive member's name with '/' separators and without empty or '.' parts; one that climbs stays as it is."""
    if climbs(member):
        return member
    return "/".join(part for part in member.replace("\\", "/").split("/") if part not in ("", "."))


def natural_key(path: str) -> tuple[object, ...]:
    """Sort key in natural order, part by part: "page2" before "page10", "a/9" before "a-b/1".

    The path itself comes last, so that names which differ only in case keep one order everywhere.
    """
    return (*((_natural(part), part) for part in path.split("/")),)


def is_junk(path: str) -> bool:
    """Whether any part of the path is hidden or left there by an operating system."""
    return any(part.startswith(".") or part.lower() in _JUNK_FOLDERS for part in path.split("/"))


def is_page(name: str) -> bool:
    """Whether the extension is a picture's; whether it is one is found out on reading."""
    return PurePosixPath(name).suffix.lower() in PAGE_SUFFIXES
