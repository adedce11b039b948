"""Names of books, pages, series and people: how they are compared, shown and checked.

One name has several spellings in Unicode: "é" is one character (NFC, what a keyboard writes) or "e" and an accent (NFD,
what macOS writes into file names). `name_key` is the one form in which names of two sources are compared: files, their
annotations, metadata, filters and addresses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from retrieval.errors import UsageError

MAX_NAME_CHARS = 10_000
"""Longest accepted name or pattern; SQLite compares patterns of at most 50,000 bytes."""

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters except white space."""

_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+')
"""Characters that some file system refuses in a name, and those that change the direction in which one is read."""

_MAX_FILE_NAME_CHARS = 80


def name_key(name: str) -> str:
    """Return the form of a name that is compared: NFC, casefolded, without blanks around it."""
    if name.isascii():
        return name.strip().lower()
    folded = unicodedata.normalize("NFD", name).casefold()  # canonical caseless matching of the Unicode standard
    return unicodedata.normalize("NFC", folded).strip()


def composed(name: str) -> str:
    """Return a name in Unicode's form NFC: "é" is one character."""
    return unicodedata.normalize("NFC", name)


def display_name(name: str) -> str:
    """Return the form of a name that is shown: NFC, with a space for each control character."""
    return _CONTROL.sub(" ", composed(name))


def file_name(name: str) -> str:
    """Return a name as part of a file's name: short, without characters that a file system or a reader mistakes."""
    return " ".join(_NOT_IN_FILE_NAMES.sub(" ", composed(name)).split())[:_MAX_FILE_NAME_CHARS].strip(" .")


def check_text(what: str, text: str) -> None:
    """Raise `UsageError` for text with control characters, which no name and no dialogue holds."""
    found = _CONTROL.search(text)
    if found is not None:
        problem = f"{what} holds the control character U+{ord(found[0]):04X} at position {found.start() + 1}"
        raise UsageError(problem, hint="type it again: text copied from other programs may hold invisible characters")


class NameIndex:
    """Names of one place, such as the files of a folder, found by any spelling."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        self._by_key: dict[str, str | None] = {}
        for name in self._names:
            key = name_key(name)
            self._by_key[key] = None if key in self._by_key else name

    def find(self, name: str) -> str | None:
        """Return the name if it is there as it is spelled, else the only one with its key; None without one."""
        return name if name in self._names else self._by_key.get(name_key(name))
