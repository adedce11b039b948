"""Names inside a book: which escape it, and which are pages, junk or bins."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TypeVar

from retrieval.names import composed

PAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jxl"}
)
_UNSUPPORTED_SUFFIXES = frozenset({".heic", ".heif", ".jp2", ".psd", ".tga"})
_BOOK_SUFFIXES = (
    *(".cbz", ".zip", ".cbr", ".rar", ".cb7", ".7z", ".cbt", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz"),
    *(".tar.bz2", ".tar.xz", ".pdf", ".epub", ".acbf", ".cba", ".ace", ".mobi", ".azw3", ".djvu", ".xps"),
)
_BINS = frozenset(
    {"#recycle", "@recycle", "#snapshot", "@recently-snapshot", "@eadir", "recycler", "recycled", "$recycle.bin"}
    | {"system volume information", "lost+found", "found.000", "@__thumb", ".@__thumb"}
)
"""Folders, in lower case, in which systems keep deleted files, snapshots and previews."""

_JUNK = re.compile(
    r"__macosx|thumbs\.db|ehthumbs(_vista)?\.db|desktop\.ini|\._.*|\.~.*"  # AppleDouble files, locks
    r"|\.(ds_store|localized|directory|nomedia|apdisk|apple(db|desktop|double)|fseventsd|spotlight-v100)"
    r"|\.(volumeicon\.icns|documentrevisions-v100|temporaryitems|picasa(\.ini|originals)|xvpics|actors)"
    r"|\.(caltrash|calnotes|yacreaderlibrary|git(ignore|attributes|modules|keep|hub)?|svn|hg|bzr|venv|tox|idea)"
    r"|\.(vscode|ipynb_checkpoints|ipython|jupyter|npm|cargo|rustup|gradle|m2|conda|config|local|mozilla|var|steam)"
    r"|\.(wine|ssh|gnupg|docker|android|gnome2?|kde4?|zfs|snap|dropbox(\.\S*)?|st(folder|versions|ignore))"
    r"|\.(sync(thing)?|te?mp)([^a-z]\S*)?|\.(nfs[\da-f]+|fuse_hidden\S*|goutputstream\S*|rsync\S*)"
    r"|\.\S*(thumb|cache|trash|recycl|snapshot)\S*",
    re.DOTALL,
)
"""Names, in lower case, of what systems and programs leave behind; any other name with a dot may be a title."""

T = TypeVar("T")

_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


# --------------------------------------------------------------------- safety


def escapes(name: str) -> bool:
    """Return True if a path may leave the folder it is relative to: absolute, with a drive letter, or with '..'."""
    if not name or name[0] in "/\\" or "\0" in name or _DRIVE.match(name):
        return True
    return ".." in name and ".." in re.split(r"[/\\]", name)


# ---------------------------------------------------------------------- names


def page_name(member: str) -> str:
    """Return an archive member's name in Unicode's form NFC, with '/' separators and without empty or '.' parts.

    A name that escapes the archive is returned unchanged.
    """
    member = _as_text(member)
    if escapes(member):
        return member
    parts = composed(member).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


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


# ----------------------------------------------------------------- file types


def suffix_of(name: str) -> str:
    """Return the extension of a name in lower case, with its dot; "" if there is none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (names, not paths)


def is_page(name: str) -> bool:
    """Return True if the extension is that of a supported image format; the content is checked on reading."""
    return suffix_of(name) in PAGE_SUFFIXES


def is_book_file(name: str) -> bool:
    """Return True if a file is named like a book file; its first bytes decide whether it is one."""
    return name.lower().endswith(_BOOK_SUFFIXES)


def is_unsupported_image(name: str) -> bool:
    """Return True if the extension is that of an image format that is not supported."""
    return suffix_of(name) in _UNSUPPORTED_SUFFIXES


def is_junk(path: str) -> bool:
    """Return True if a part of the path is a leftover of a system or program, or a bin (`is_bin`).

    A dot alone does not make it one: ".hack" is a title.
    """
    return any(part[:1] in "._tTeEdD" and _JUNK.fullmatch(part.lower()) for part in path.split("/")) or is_bin(path)


def is_bin(path: str) -> bool:
    """Return True if a part of the path is a folder in which a system keeps deleted files, snapshots or previews."""
    return any(part.lower() in _BINS for part in path.split("/"))
