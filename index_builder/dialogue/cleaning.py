"""Lines of lettering -> running text: line breaks and hyphenation undone, signs made plain."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u30ff\u3100-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Letters of scripts whose signs are wide and, but for Korean, stand without spaces."""
_FULL_WIDTH = {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, 0x3002: 0x2E, 0x3001: 0x2C}
_DASH = re.compile(r"(?<=\w)-$")
_SPACES = re.compile(r"\s+")
_BEFORE_SIGN = re.compile(r"\s+([,.!?;:%)\]}\u2026])(?=\s|$)")


def joined(lines: Sequence[str]) -> str:
    """The lines of one balloon as one line. Letters keep their case."""
    text = ""
    for line in (plain(line) for line in lines):
        text = _continued(text, line) if text and line else text or line
    return text


def plain(line: str) -> str:
    """One line with plain spaces, and without full-width signs where its letters are not of such a script."""
    if not is_wide(line):
        line = line.translate(_FULL_WIDTH)
    line = unicodedata.normalize("NFC", line.replace("\0", " "))
    return _BEFORE_SIGN.sub(r"\1", _SPACES.sub(" ", line)).strip()


def is_wide(text: str) -> bool:
    """Whether half of the letters, or more, belong to a script such as Japanese or Chinese."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and 2 * len(_WIDE.findall(text)) >= len(letters)


def _continued(text: str, line: str) -> str:
    """A text goes on in the next line."""
    if is_wide(text[-1]) and is_wide(line[0]):
        return text + line
    if not _DASH.search(text) or not line[0].isalpha():
        return f"{text} {line}"
    word = text.split()[-1]
    return text + line if _keeps_hyphen(word[:-1], line) else text[:-1] + line


def _keeps_hyphen(begun: str, line: str) -> bool:
    """A word with more hyphens (`old-busy-`) has this one too; so has one that goes on in another case (`X-` `ray`)."""
    goes_on = re.split(r"[^\w-]", line, maxsplit=1)[0]
    return "-" in begun.strip("-") or "-" in goes_on or begun[-1].isupper() != line[0].isupper()
