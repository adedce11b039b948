"""Reading order of names: numbers by value with decimals between them, signs before numbers, numbers before letters."""

from __future__ import annotations

import re
import unicodedata

_MAX_SUFFIX_CHARS = 5
"""Length of a suffix with its dot: ".jpeg". A longer one belongs to the name."""

_NUMBER = re.compile(r"(\d+)(?:[.,\u066b\u00b7\u30fb](\d+))?")
"""A whole number or a decimal, with the decimal points of several scripts (Arabic, raised, Japanese)."""

_FRACTION = re.compile(r"(\d?)([¼-¾⅐-⅞↉])")
"""A fraction in one character, after a whole number or alone."""

_BEFORE_NUMBERS, _AT_NUMBERS = "\1", "\2"
"""Marks in a key: of a sign, and of the place of a number. Both sort before every letter."""


class _Signs(dict[int, str]):
    """A table for `str.translate` that marks the signs: all characters but letters, digits and accents."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_sign = unicodedata.category(character)[0] in "PSZC"
        self[code] = _BEFORE_NUMBERS + character if is_sign else character
        return self[code]


_SIGNS = _Signs()


def natural_key(path: str, *, ignore_case: bool = True) -> tuple[object, ...]:
    """Return the sort key of natural order, part by part: "page2" before "page10", "a/9" before "a-b/1".

    Case, width and accents written in several ways do not matter, nor does the script of the digits. The number
    "2.5" comes after "2" and before "3" whatever follows it, and "2.10" after "2.9". A name that begins with a sign
    ("!cover", "_cover", "#0") comes before numbers, and numbers come before letters, as in comic readers.

    The path itself comes last, so that names which differ only in case keep one order everywhere. With `ignore_case`
    off, capital letters come before small ones.
    """
    return (*((_part_key(part, ignore_case), part) for part in path.split("/")),)


def _part_key(part: str, ignore_case: bool) -> tuple[object, ...]:
    """Return the keys of the stem, then of up to two suffixes.

    "Ch. 2" and "vol.2" have no suffix: it is short, and begins with a letter.
    """
    stem = part
    suffixes: list[object] = []
    while len(suffixes) < 2 and not part.endswith("."):
        dot = stem.rfind(".")
        suffix = stem[dot:]
        is_whole_name = not stem[: max(dot, 0)].strip(".")
        if is_whole_name or len(suffix) > _MAX_SUFFIX_CHARS or not suffix[1:2].isalpha():
            break
        suffixes.append(_text_key(suffix, ignore_case))
        stem = stem[:dot]
    return (_text_key(stem, ignore_case), *reversed(suffixes))


def _text_key(text: str, ignore_case: bool) -> tuple[object, ...]:
    """Return alternately the text before a number and the number; such keys can be compared with each other."""
    text = _folded(text, ignore_case)
    key: list[object] = []
    end = 0
    for number in _NUMBER.finditer(text):
        key.append(text[end : number.start()].translate(_SIGNS) + _AT_NUMBERS)
        key.append(_number_key(number))
        end = number.end()
    if end < len(text):
        key.append(text[end:].translate(_SIGNS))
    return tuple(key)


def _folded(text: str, ignore_case: bool) -> str:
    """Return a text in one width, with accents after their letters, and in one case unless that matters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _FRACTION.sub(_decimal, text))
    return text.casefold() if ignore_case else text


def _decimal(match: re.Match[str]) -> str:
    """Return a fraction as a decimal with one place: "2½" is "2.5", "¾" is "0.7"."""
    return f"{match[1] or '0'}.{int(unicodedata.numeric(match[2]) * 10)}"


def _number_key(match: re.Match[str]) -> tuple[object, ...]:
    """Return the key of a number: its whole part, then its decimals, those with leading zeros first.

    Digits are compared as text of equal length, because a hostile name may have more than `int` converts.
    """
    whole = _digits_key(match[1])
    if match[2] is None:
        return (whole,)
    decimals = _digits_key(match[2])
    return whole, decimals[0] - len(match[2]), decimals


def _digits_key(digits: str) -> tuple[int, str]:
    """Return the number of digits without leading zeros, and these digits in ASCII."""
    if not digits.isascii():
        digits = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    digits = digits.lstrip("0")
    return len(digits), digits
