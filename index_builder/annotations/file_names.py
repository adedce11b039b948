"""Series, number, volume and year parsed from the name of a book.

Names look like "Night Harbor 012 (1998) (digital) (Group)", "Night Harbor v02 #03", "Night Harbor - c012 (v02)" or
"[Group] Night_Harbor T04 - The Fog"; tests/reading/test_file_names.py lists all forms. Ambiguous parts are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from index_builder.annotations.metadata import MetadataFields, normalize_number
from index_builder.sources.books import is_generic
from retrieval.names import display_name

_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}")
_YEAR = re.compile(r"(?:\w+\.?,? )?((?:19|20)\d\d)(?:[-./]\d\d?){0,2}(?: ?- ?(?:(?:19|20)\d\d)?)?")
_COUNT = re.compile(r"\(? ?\bof (\d{1,4})\b ?\)?", re.IGNORECASE)
_DIGITS = r"(\d{1,4}(?:\.\d{1,2})?)"
_VOLUME = re.compile(rf"\b(?:volume|vol|v|tome|t|band|bd)[. ]*{_DIGITS}\b", re.IGNORECASE)
_MARKED_NUMBER = re.compile(
    rf"(?:#|\b(?:issue|chapter|chap|ch|c|episode|ep|part|no|nr|number)[. ]*#?|\be(?=\d\d)) ?{_DIGITS}\b", re.IGNORECASE
)
_NUMBER_BETWEEN_DASHES = re.compile(rf" - {_DIGITS}(?= - | *$)")
_LAST_NUMBER = re.compile(rf"(?:^|(?<=[ ,-])){_DIGITS} *$")
_LAST_YEAR = re.compile(r"(?<= )((?:19|20)\d\d) *$")
_NO_SERIES = re.compile(r"(?:comics?|manga|digital|[\W\d_]*)", re.IGNORECASE)


def metadata_from_name(names: Sequence[str]) -> MetadataFields:
    """Return the metadata in the name of a book.

    names: the parts of its path without extension, the book's own name last. A name that is only a number or a
    chapter ("c012") takes its series from the folder that contains it.
    """
    names = [display_name(name) for name in names]
    text, fields = _parse_brackets(names[-1].replace("_", " ") if names else "")
    text, starts = _parse_numbers(text, fields)
    series = _parse_series(text[: min(starts, default=len(text))]) or _series_of_folders(names[:-1])
    title = _parse_title(text[max(starts, default=len(text)) :])
    fields = {"series": series, **fields, "title": title}
    return tuple((name, value) for name, value in fields.items() if value)


def _parse_brackets(text: str) -> tuple[str, dict[str, str]]:
    """Return the name without its bracketed parts, and the year, count and volume found in them."""
    fields: dict[str, str] = {}
    for match in _BRACKETS.finditer(text):
        inside = next(part for part in match.groups() if part is not None).strip()
        for name, pattern in (("year", _YEAR), ("volume", _VOLUME), ("count", _COUNT)):
            number = pattern.fullmatch(inside)
            if number:
                fields.setdefault(name, normalize_number(number[1]))
    return " ".join(_BRACKETS.sub(" ", text).split()), fields


def _parse_numbers(text: str, fields: dict[str, str]) -> tuple[str, list[int]]:
    """Add volume, number and count to `fields`; return the text with them blanked out, and their positions."""
    starts: list[int] = []
    for name, pattern in (("count", _COUNT), ("volume", _VOLUME), ("number", _MARKED_NUMBER)):
        text = _take(text, pattern, name, fields, starts)
    if "number" not in fields:
        text = _take(text, _NUMBER_BETWEEN_DASHES, "number", fields, starts)
    elif "year" not in fields:
        text = _take(text, _LAST_YEAR, "year", fields, starts)
    last = _LAST_NUMBER.search(text)
    if "number" not in fields and last and (not _may_be_year(last[1]) or "year" in fields):
        text = _take(text, _LAST_NUMBER, "number", fields, starts)
    return text, starts


def _take(text: str, pattern: re.Pattern[str], name: str, fields: dict[str, str], starts: list[int]) -> str:
    """Move the first match of a pattern from the text to `fields`, and its position to `starts`."""
    match = pattern.search(text)
    if match is None:
        return text
    fields.setdefault(name, normalize_number(match[1]))
    starts.append(match.start())
    return text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]


def _may_be_year(number: str) -> bool:
    """Return True if the last number of a name may be a year; it is an issue number only if the name has a year too."""
    return re.fullmatch(r"(?:19|20)\d\d", number) is not None


def _parse_series(text: str) -> str:
    text = " ".join(text.split()).strip(" -,.:;#")
    return "" if _NO_SERIES.fullmatch(text) or is_generic(text) else text


def _parse_title(text: str) -> str:
    """Return the text that follows the number after a dash."""
    match = re.match(r"\s*[-:]\s+(\S.*)", text)
    return " ".join(match[1].split()).strip(" -") if match else ""


def _series_of_folders(names: Sequence[str]) -> str:
    """Return the series in the name of the nearest folder that has one, else ""."""
    for end in range(len(names), 0, -1):
        fields = dict(metadata_from_name([names[end - 1]]))
        if "series" in fields:
            return fields["series"]
    return ""
