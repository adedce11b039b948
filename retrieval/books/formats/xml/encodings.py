"""Encoding of a text: from its byte order mark, its declaration or its language, else the most plausible one."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress

_DECLARED = re.compile(rb"""<\?xml[^<>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""", re.IGNORECASE)
_LANGUAGE = re.compile(
    rb"""<(?:\w+:)?(?:LanguageISO|language)\b[^<>]*>\s*([A-Za-z]{2})\b|\blang\s*=\s*["']([A-Za-z]{2})\b"""
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SUPERSETS = {
    **dict.fromkeys(("iso8859-1", "ascii", "latin-1"), "cp1252"), "shift_jis": "cp932", "gb2312": "gb18030",
    "gbk": "gb18030", "euc_kr": "cp949", "iso8859-9": "cp1254", "tis-620": "cp874",
}  # fmt: skip
"""Encodings that programs read as one with more characters, as browsers do (Encoding Standard)."""

_BY_LANGUAGE = {
    "ja": ("cp932", "euc_jp"), "zh": ("gb18030", "big5hkscs"), "ko": ("cp949",), "el": ("cp1253",), "tr": ("cp1254",),
    "he": ("cp1255",), "ar": ("cp1256",), "fa": ("cp1256",), "th": ("cp874",), "vi": ("cp1258",),
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk"), ("cp1251",)),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "ro", "sq"), ("cp1250",)),
    **dict.fromkeys(("et", "lv", "lt"), ("cp1257",)),
}  # fmt: skip
"""Encodings that programs wrote for a language before Unicode; other languages had cp1252."""

_PUNCTUATION = frozenset("\u2018\u2019\u201c\u201d\u201a\u201e\u2013\u2014\u2026\u2022\u2122©®°«»¿¡ºª€")
_FREQUENT_SYLLABLES = frozenset(
    "이의다는에가을를은하고지기로어도한아사서인자시대리나라마수그정스부일여해보전주장으만구모조오상원비미유거우선동신"
)
"""The most frequent Korean syllables: the bytes of others are as often a frequent Chinese character."""

_SAMPLE_CHARS = 4_000
"""Characters outside of ASCII from which an encoding is judged."""


def declared_encoding(data: bytes) -> str:
    """Return Python's name of the encoding that an XML file declares; "" if none, or an unknown one."""
    match = _DECLARED.search(data[:1000].replace(b"\0", b""))
    if match is None:
        return ""
    with suppress(LookupError):
        return codecs.lookup(match[1].decode("ascii")).name
    return ""


def is_unicode(encoding: str) -> bool:
    """Return True for UTF-8, UTF-16, and a file that declares nothing."""
    return encoding in ("", "utf-8", "utf-16", "utf-16-le", "utf-16-be")


def decode_text(data: bytes) -> str:
    """Return the text of a file in any encoding; never raises. Bytes without a meaning become U+FFFD."""
    data = data.removeprefix(codecs.BOM_UTF8)
    unicode_form = _unicode_form(data)
    if unicode_form:
        return data.decode(unicode_form, "replace").removeprefix("\ufeff")
    declared = declared_encoding(data)
    if declared.startswith("iso2022"):  # its bytes are also valid UTF-8
        return data.decode(declared, "replace")
    text = data.decode("utf-8", "replace")
    if _is_mostly_unicode(text):
        return text
    if not is_unicode(declared):
        with suppress(UnicodeDecodeError, LookupError):
            return data.decode(_SUPERSETS.get(declared, declared))
    return data.decode(_guess_encoding(data), "replace")


def _unicode_form(data: bytes) -> str:
    """Return the encoding of text in UTF-16 or UTF-32, with or without a byte order mark; "" for any other."""
    named = next((name for mark, name in _BOMS if data.startswith(mark)), "")
    head = data[:200]
    if named or head.count(0) * 4 < len(head) or len(head) < 4:
        return named
    even, odd = head[::2].count(0), head[1::2].count(0)
    return "" if even == odd else "utf-16-be" if even > odd else "utf-16-le"


def _is_mostly_unicode(text: str) -> bool:
    """Return True if only few of the characters of a text outside of ASCII are damaged."""
    damaged = text.count("\ufffd")
    return not damaged or 4 * damaged < sum(1 for char in text if char > "\x7f") - damaged


def _guess_encoding(data: bytes) -> str:
    """Return the encoding that a text's language had before Unicode, else the one with the most plausible letters."""
    language = _LANGUAGE.search(data)
    code = (language[1] or language[2]).decode("ascii").lower() if language else ""
    candidates = _BY_LANGUAGE.get(code, ())
    scores = {name: _plausibility(data, name) for name in (candidates or _SCORES)}
    if max(scores.values()) < 0 and candidates:
        scores = {name: _plausibility(data, name) for name in _SCORES}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= 0 else "utf-8"


def _plausibility(data: bytes, encoding: str) -> float:
    """Return the mean score (0 to 1) of the characters outside of ASCII; -1 if the data is in another encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return -1
    score = _SCORES.get(encoding)
    places = [n for n, c in enumerate(text) if not c.isascii()][:_SAMPLE_CHARS]
    return 0.5 if score is None or not places else sum(score(text, n) for n in places) / len(places)


def _western(text: str, place: int) -> float:
    """Score a character of cp1252: accented letters are next to letters, and capitals begin a word."""
    char, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if char in _PUNCTUATION:
        return 0.6
    if not char.isalpha() or (char.isupper() and before.islower()):
        return 0.1
    return 0.9 if (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha()) else 0.2


def _east_asian(encoding: str, common: Mapping[range, float]) -> Callable[[str, int], float]:
    """Return the score of an encoding of two bytes; common: first bytes of its frequent characters."""

    def score(text: str, place: int) -> float:
        char = text[place]
        if "\u3040" <= char <= "\u30ff":
            return 0.5 if encoding in ("gb18030", "big5hkscs", "cp949") else 1.0
        if "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff60":
            return 0.8
        if "\uac00" <= char <= "\ud7a3":
            return 1.0 if char in _FREQUENT_SYLLABLES else 0.7
        data = char.encode(encoding, "replace")
        if len(data) != 2 or (encoding not in ("cp932", "big5hkscs") and data[1] < 0xA1):
            return 0.05
        is_letter = unicodedata.category(char) == "Lo"
        return next((value for first, value in common.items() if data[0] in first and is_letter), 0.1)

    return score


_SCORES: dict[str, Callable[[str, int], float]] = {
    "cp1252": _western,
    "cp932": _east_asian("cp932", {range(0x88, 0x99): 0.8, range(0x99, 0xEB): 0.2}),
    "gb18030": _east_asian("gb18030", {range(0xB0, 0xD8): 0.8, range(0xD8, 0xF8): 0.3}),
    "big5hkscs": _east_asian("big5hkscs", {range(0xA4, 0xC7): 0.75, range(0xC9, 0xFA): 0.2}),
    "euc_jp": _east_asian("euc_jp", {range(0xB0, 0xD0): 0.7, range(0xD0, 0xF5): 0.2}),
    "cp949": _east_asian("cp949", {}),
}
