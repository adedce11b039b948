"""OCR lines -> running text: line breaks and hyphenation undone, characters normalised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_CJK = re.compile(r"[\u1100-\u11ff\u2e80-\u30ff\u3100-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Letters of Chinese, Japanese and Korean."""

_FULL_WIDTH = {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, 0x3002: 0x2E, 0x3001: 0x2C}
"""Full-width characters and their ASCII forms, as code points."""

_HYPHEN = re.compile(r"(?<=\w)-$")
_SPACES = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"\s+([,.!?;:%)\]}\u2026])(?=\s|$)")


def join_lines(lines: Sequence[str]) -> str:
    """Join the lines of one balloon into running text; letters keep their case."""
    text = ""
    for line in (clean_line(line) for line in lines):
        text = _append(text, line) if text and line else text or line
    return text


def clean_line(line: str) -> str:
    """Normalise spaces and Unicode; full-width characters become ASCII unless the line is CJK."""
    if not is_cjk(line):
        line = line.translate(_FULL_WIDTH)
    line = unicodedata.normalize("NFC", line.replace("\0", " "))
    return _SPACE_BEFORE_MARK.sub(r"\1", _SPACES.sub(" ", line)).strip()


def is_cjk(text: str) -> bool:
    """Return True if at least half of the letters are Chinese, Japanese or Korean."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and 2 * len(_CJK.findall(text)) >= len(letters)


def _append(text: str, line: str) -> str:
    """Append a line to a text, without a space in CJK text and with hyphenation undone."""
    if is_cjk(text[-1]) and is_cjk(line[0]):
        return text + line
    if not _HYPHEN.search(text) or not line[0].isalpha():
        return f"{text} {line}"
    word = text.split()[-1]
    return text + line if _keeps_hyphen(word[:-1], line) else text[:-1] + line


def _keeps_hyphen(start: str, line: str) -> bool:
    """Return True if the hyphen at a line break belongs to the word.

    It does if the word has more hyphens (`old-busy-`), or continues in another case (`X-` `ray`).
    """
    rest = re.split(r"[^\w-]", line, maxsplit=1)[0]
    return "-" in start.strip("-") or "-" in rest or start[-1].isupper() != line[0].isupper()
