"""Names in every spelling, and the pages that a file of a book describes."""

from __future__ import annotations

import unicodedata

import pytest

from index_builder.annotations.page_names import match_names
from retrieval.books import natural_key, page_name
from retrieval.books.names import index_by_name
from retrieval.books.page_ids import PageIdMatcher
from retrieval.errors import UsageError
from retrieval.names import NameIndex, check_text, display_name, name_key


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    "name", ["Pokémon Ängel", "한국 만화", "ガンバの冒険", "ÅNGSTRÖM", "straße", "ΌΣΟΣ", "İstanbul", "plain"]
)
def test_spellings_of_one_name(name: str) -> None:
    """NFC and NFD, capitals and small letters, and blanks around it give one key, which is its own key."""
    key = name_key(name)
    assert {name_key(form) for form in (nfd(name), f" {name}\n", nfd(name.casefold()), nfd(name).upper())} == {key}
    assert name_key(key) == key
    assert unicodedata.is_normalized("NFC", key)
    assert display_name(nfd(name)) == name


def test_other_names_stay_apart() -> None:
    """An accent makes another name, and so does a full-width letter."""
    assert len({name_key(name) for name in ("Pokemon", "Pokémon", "\uff30okemon", "カ", "ガ")}) == 5


def test_control_characters_are_refused_and_not_shown() -> None:
    """A line end is white space; other control characters raise an error that names them."""
    check_text("text", "two\nlines\tand é")
    for char in "\0\x01\x1b\x1f\x7f\x9f":
        with pytest.raises(UsageError, match=rf"text holds the control character U\+{ord(char):04X} at position 2"):
            check_text("text", f"a{char}b")
        assert display_name(f"a{char}b") == "a b"


def test_an_index_of_names() -> None:
    """An exact name comes first; a key that two names share finds neither."""
    names = NameIndex(["a.JSON", nfd("é.json"), "B.json", "b.json"])
    assert names.find("A.json") == "a.JSON"
    assert names.find("é.json") == nfd("é.json")
    assert (names.find("b.json"), names.find("B.JSON"), names.find("c")) == ("b.json", None, None)


def test_pages_of_archives_have_composed_names() -> None:
    """Two members that differ only in their form are two pages; order does not depend on the form."""
    assert page_name(nfd("ページ/ガ.png")) == "ページ/ガ.png"
    by_name, duplicates = index_by_name([(nfd("é.png"), 1), ("é.png", 2), ("f.png", 3)])
    assert (by_name, duplicates) == ({"é.png": 1, "é~2.png": 2, "f.png": 3}, [])
    names = ["ページ10.png", nfd("ページ2.png"), "ページ1.png"]
    assert sorted(names, key=natural_key) == [names[2], names[1], names[0]]


MATCHES: dict[str, tuple[list[str], list[str], dict[str, str], int, int]] = {
    "composed and decomposed": (["ページ1.png"], [nfd("ページ1.png")], {nfd("ページ1.png"): "ページ1.png"}, 0, 0),
    "case and extension": (["P1.PNG", "p2"], ["p1.jpg", "P2.jpg"], {"p1.jpg": "P1.PNG", "P2.jpg": "p2"}, 0, 0),
    "case tells two apart": (["A.jpg", "a.jpg"], ["a.jpg", "A.jpg"], {"a.jpg": "a.jpg", "A.jpg": "A.jpg"}, 0, 0),
    "extension tells two apart": (["1.jpg"], ["1.png", "1.jpg"], {"1.jpg": "1.jpg"}, 0, 0),
    "one folder more": (["B/1", "B/2"], ["1.jpg", "2.jpg"], {"1.jpg": "B/1", "2.jpg": "B/2"}, 0, 0),
    "one folder less": (["1", "2"], ["B/1.jpg", "B/2.jpg"], {"B/1.jpg": "1", "B/2.jpg": "2"}, 0, 0),
    "Windows path": (["D:\\scans\\v\\1.jpg"], ["v/1.jpg"], {"v/1.jpg": "D:\\scans\\v\\1.jpg"}, 0, 0),
    "renamed folder": (["/home/u/v/1.jpg"], ["scans/1.jpg"], {"scans/1.jpg": "/home/u/v/1.jpg"}, 0, 0),
    "chapters, one more": (
        ["B/c1/1", "B/c2/1"],
        ["c1/1.jpg", "c2/1.jpg"],
        {"c1/1.jpg": "B/c1/1", "c2/1.jpg": "B/c2/1"},
        0,
        0,
    ),
    "chapters, one less": (
        ["c1/1", "c2/1"],
        ["B/c1/1.jpg", "B/c2/1.jpg"],
        {"B/c1/1.jpg": "c1/1", "B/c2/1.jpg": "c2/1"},
        0,
        0,
    ),
    "a page above, one more": (["B/1", "B/x/1"], ["1.jpg", "x/1.jpg"], {"1.jpg": "B/1", "x/1.jpg": "B/x/1"}, 0, 0),
    "a page above, one less": (["1", "x/1"], ["B/1.jpg", "B/x/1.jpg"], {"B/1.jpg": "1", "B/x/1.jpg": "x/1"}, 0, 0),
    "the longest ending": (["B/x/1"], ["1.jpg", "x/1.jpg"], {"x/1.jpg": "B/x/1"}, 0, 0),
    "two pages": (["1"], ["a/1.jpg", "b/1.jpg"], {}, 1, 0),
    "two pages of one ending": (["B/x/1"], ["1.jpg", "v1/x/1.jpg", "v2/x/1.jpg"], {}, 1, 0),
    "two names": (["a/1", "b/1"], ["1.jpg"], {}, 2, 0),
    "the other could be meant": (["1", "a/1"], ["a/1.jpg", "b/1.jpg"], {"a/1.jpg": "a/1"}, 1, 0),
    "another chapter": (["c1/2"], ["c1/1.jpg", "c2/2.jpg"], {}, 1, 0),
    "no page": (["1", "x"], ["1.jpg"], {"1.jpg": "1"}, 0, 1),
}


@pytest.mark.parametrize("case", MATCHES)
def test_pages_that_a_file_describes(case: str) -> None:
    """A name matches the longest ending that is certain; all others are counted, never attached."""
    names, pages, expected, ambiguous, unmatched = MATCHES[case]
    found = match_names(names, pages)
    assert found.names == expected
    assert (len(found.ambiguous), len(found.unmatched)) == (ambiguous, unmatched)
    assert bool(found.problem()) is bool(ambiguous or unmatched)


def test_ids_of_a_collection_in_any_spelling() -> None:
    """Form and case do not matter unless ids or pages differ in nothing else."""
    matcher = PageIdMatcher(["pokémon/ÄB.png", "Book/a", "BOOK/a", "Other/b"])
    pages = [nfd("/lib/Pokémon/äb.jpg"), "/lib/Book/a.jpg", "/lib/BOOK/a.jpg", "/lib/book/A.jpg", "/lib/other/B.jpg"]
    found = matcher.match(pages)
    assert found.matches == (0, 1, 2, None, 3)
    assert found.ambiguous == {3}
    twins = PageIdMatcher(["Book/a"]).match(["/lib/Book/a.jpg", "/lib/BOOK/a.jpg"])
    assert (twins.matches, twins.ambiguous) == ((0, None), frozenset())
