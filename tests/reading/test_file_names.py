"""Series, number, volume and year are parsed from the name of a book, in the forms that collections use."""

from __future__ import annotations

import pytest

from index_builder.annotations.file_names import metadata_from_name
from index_builder.annotations.metadata import normalize_number

FORMS: list[tuple[str, dict[str, str]]] = [
    ("Night Harbor 012 (1998) (digital) (Group)", {"series": "Night Harbor", "number": "12", "year": "1998"}),
    ("Night Harbor #012 (1998)", {"series": "Night Harbor", "number": "12", "year": "1998"}),
    ("Night Harbor v02 #03", {"series": "Night Harbor", "volume": "2", "number": "3"}),
    ("Night Harbor v02 003 (2001)", {"series": "Night Harbor", "volume": "2", "number": "3", "year": "2001"}),
    ("Night Harbor v01 (2015) (Digital)", {"series": "Night Harbor", "volume": "1", "year": "2015"}),
    ("Night Harbor - c012 (v02) [Group]", {"series": "Night Harbor", "volume": "2", "number": "12"}),
    ("Night Harbor Vol. 3 Ch. 21.5", {"series": "Night Harbor", "volume": "3", "number": "21.5"}),
    ("Night Harbor - Chapter 7 - Low Tide", {"series": "Night Harbor", "number": "7", "title": "Low Tide"}),
    ("Night Harbor T04 - The Fog", {"series": "Night Harbor", "volume": "4", "title": "The Fog"}),
    ("Night Harbor Tome 4", {"series": "Night Harbor", "volume": "4"}),
    ("Night Harbor Bd. 4", {"series": "Night Harbor", "volume": "4"}),
    ("Night Harbor 001 (of 06) (2012)", {"series": "Night Harbor", "number": "1", "count": "6", "year": "2012"}),
    ("Night Harbor 01 of 06 (2012)", {"series": "Night Harbor", "number": "1", "count": "6", "year": "2012"}),
    ("[Group] Night_Harbor_012_(1998)", {"series": "Night Harbor", "number": "12", "year": "1998"}),
    (
        "Night Harbor - 012 - Low Tide (1998-04)",
        {"series": "Night Harbor", "number": "12", "year": "1998", "title": "Low Tide"},
    ),
    ("Night Harbor Annual 1 (1990)", {"series": "Night Harbor Annual", "number": "1", "year": "1990"}),
    ("Night Harbor 012.5 (Apr 1998)", {"series": "Night Harbor", "number": "12.5", "year": "1998"}),
    ("Night Harbor (1998)", {"series": "Night Harbor", "year": "1998"}),
    ("Night Harbor (1998-2001)", {"series": "Night Harbor", "year": "1998"}),
    ("Night Harbor", {"series": "Night Harbor"}),
    ("Night Harbor ep05", {"series": "Night Harbor", "number": "5"}),
    ("night-harbor no10_1955", {"series": "night-harbor", "number": "10", "year": "1955"}),
    ("100 Lamps 012 (2000)", {"series": "100 Lamps", "number": "12", "year": "2000"}),
    ("2000 Lamps 2033 (2017)", {"series": "2000 Lamps", "number": "2033", "year": "2017"}),
    ("Night Harbor 2049", {"series": "Night Harbor 2049"}),  # a year or a number: ambiguous
    ("Night-Harbor 3", {"series": "Night-Harbor", "number": "3"}),
    ("Émile à la mer 3 (1998)", {"series": "Émile à la mer", "number": "3", "year": "1998"}),
    ("夜の港 3", {"series": "夜の港", "number": "3"}),
    ("012", {"number": "12"}),
    ("scans", {}),
    ("", {}),
    ("(1998)", {"year": "1998"}),
    ("Dr. Fog and the 3 Lamps", {"series": "Dr. Fog and the 3 Lamps"}),
    ("Night Harbor 12345", {"series": "Night Harbor 12345"}),
]


@pytest.mark.parametrize(("name", "fields"), FORMS, ids=[name or "(empty)" for name, _ in FORMS])
def test_forms(name: str, fields: dict[str, str]) -> None:
    """Each form of a name has its fields."""
    assert dict(metadata_from_name([name])) == fields


def test_the_folder_around_names_the_series() -> None:
    """A chapter whose name is only a number takes its series from its folder."""
    assert dict(metadata_from_name(["Comics", "Night Harbor (1998)", "c012"])) == {
        "series": "Night Harbor",
        "number": "12",
    }
    assert dict(metadata_from_name(["Night Harbor", "scans", "003"])) == {"series": "Night Harbor", "number": "3"}
    assert dict(metadata_from_name(["night-harbor", "no10_1955"]))["series"] == "night-harbor"
    assert dict(metadata_from_name(["night-harbor", "en"])) == {"series": "night-harbor"}
    assert dict(metadata_from_name(["night-harbor_web", "strips"])) == {"series": "night-harbor web"}
    assert metadata_from_name([]) == ()


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("012", "12"),
        ("1.0", "1"),
        ("#7.50", "7.5"),
        ("-1", ""),
        ("0", "0"),
        ("\uff11\uff12", "12"),
        ("Infinity", "Infinity"),
        ("½", "½"),
        ("12AU", "12AU"),
    ],
)
def test_numbers_of_issues(written: str, plain: str) -> None:
    """Equal numbers are written in one way; text that is no number is unchanged."""
    assert normalize_number(written) == plain
