"""Series, number, volume and year out of the name of a book, in the forms that collections use.

"Night Harbor 012 (1998) (digital) (Group)", "Night Harbor v02 #03", "Night Harbor - c012 (v02)", "[Group] Night_Harbor
T04 - The Fog": tests/reading/test_file_names.py has them all. What a name does not say clearly is left unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from index_builder.annotations.facts import Facts, plain_number
from index_builder.sources.books import is_generic

_GROUP = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}")
_YEAR = re.compile(r"(?:\w+\.?,? )?((?:19|20)\d\d)(?:[-./]\d\d?){0,2}(?: ?- ?(?:(?:19|20)\d\d)?)?")
_COUNT = re.compile(r"\(? ?\bof (\d{1,4})\b ?\)?", re.IGNORECASE)
_AMOUNT = r"(\d{1,4}(?:\.\d{1,2})?)"
_VOLUME = re.compile(rf"\b(?:volume|vol|v|tome|t|band|bd)[. ]*{_AMOUNT}\b", re.IGNORECASE)
_MARKED = re.compile(
    rf"(?:#|\b(?:issue|chapter|chap|ch|c|episode|ep|part|no|nr|number)[. ]*#?|\be(?=\d\d)) ?{_AMOUNT}\b", re.IGNORECASE
)
_BETWEEN = re.compile(rf" - {_AMOUNT}(?= - | *$)")
_LAST = re.compile(rf"(?:^|(?<=[ ,-])){_AMOUNT} *$")
_YEAR_AFTER = re.compile(r"(?<= )((?:19|20)\d\d) *$")
_NOTHING = re.compile(r"(?:comics?|manga|digital|[\W\d_]*)", re.IGNORECASE)


def facts_of_name(names: Sequence[str]) -> Facts:
    """What the name of a book says: `names` are its path's parts without extension, the book's own last.

    A name that is only a number or a chapter ("c012") takes its series from the folder around it.
    """
    text, found = _groups(names[-1].replace("_", " ") if names else "")
    text, places = _numbers(text, found)
    series = _series(text[: min(places, default=len(text))]) or _around(names[:-1])
    title = _title(text[max(places, default=len(text)) :])
    known = {"series": series, **found, "title": title}
    return tuple((name, value) for name, value in known.items() if value)


def _groups(text: str) -> tuple[str, dict[str, str]]:
    """The name without what stands in brackets, and the year, count and volume that stood there."""
    found: dict[str, str] = {}
    for match in _GROUP.finditer(text):
        inside = next(part for part in match.groups() if part is not None).strip()
        year, volume, count = _YEAR.fullmatch(inside), _VOLUME.fullmatch(inside), _COUNT.fullmatch(inside)
        for name, hit in (("year", year), ("volume", volume), ("count", count)):
            if hit:
                found.setdefault(name, plain_number(hit[1]))
    bare = " ".join(_GROUP.sub(" ", text).split())
    return bare, found


def _numbers(text: str, found: dict[str, str]) -> tuple[str, list[int]]:
    """Volume, number and count into `found`; the text with them blanked out, and where they stood."""
    places: list[int] = []
    for name, pattern in (("count", _COUNT), ("volume", _VOLUME), ("number", _MARKED)):
        text = _take(text, pattern, name, found, places)
    if "number" not in found:
        text = _take(text, _BETWEEN, "number", found, places)
    elif "year" not in found:
        text = _take(text, _YEAR_AFTER, "year", found, places)
    last = _LAST.search(text)
    if "number" not in found and last and (_is_number(last[1]) or "year" in found):
        text = _take(text, _LAST, "number", found, places)
    return text, places


def _take(text: str, pattern: re.Pattern[str], name: str, found: dict[str, str], places: list[int]) -> str:
    match = pattern.search(text)
    if match is None:
        return text
    found.setdefault(name, plain_number(match[1]))
    places.append(match.start())
    return text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]


def _is_number(text: str) -> bool:
    """Whether a number at the end of a name counts books: one that might be a year needs another year beside it."""
    return not re.fullmatch(r"(?:19|20)\d\d", text)


def _series(text: str) -> str:
    text = " ".join(text.split()).strip(" -,.:;#")
    return "" if _NOTHING.fullmatch(text) or is_generic(text) else text


def _title(text: str) -> str:
    """What follows the number behind a dash."""
    match = re.match(r"\s*[-:]\s+(\S.*)", text)
    return " ".join(match[1].split()).strip(" -") if match else ""


def _around(names: Sequence[str]) -> str:
    """The series as the nearest folder has it that is called more than a number."""
    for place in range(len(names), 0, -1):
        facts = dict(facts_of_name([names[place - 1]]))
        if "series" in facts:
            return facts["series"]
    return ""
