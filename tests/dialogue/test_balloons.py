"""Lines become balloons, and balloons the words of panels."""

from __future__ import annotations

import pytest

from index_builder.dialogue.assignment import panel_of
from index_builder.dialogue.balloons import balloons
from index_builder.dialogue.cleaning import joined
from index_builder.dialogue.lines import Line
from index_builder.dialogue.words import Words, panel_words
from retrieval.records import Box
from tests.dialogue.lettering import line

PAGE = (800, 1200)
LEFT, RIGHT = Box(10, 10, 380, 500), Box(400, 10, 380, 500)


def said(lines: list[Line], panels: list[Box], **more: object) -> list[str]:
    return [words.dialogue for words in panel_words(lines, panels, PAGE, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], ""),
        (["I was never", "here"], "I was never here"),
        (["A HUN-", "DRED DOLLARS"], "A HUNDRED DOLLARS"),
        (["the old busy-", "body"], "the old busybody"),
        (["an A-true-witch-", "of-Chaosah"], "an A-true-witch-of-Chaosah"),
        (["X-", "ray"], "X-ray"),
        (["Wait --", "no!"], "Wait -- no!"),
        (["Willie-", "...what?"], "Willie- ...what?"),
        (["What ?", "Yes !"], "What? Yes!"),
        (["\uff28\uff29\uff01", "\u3000you"], "HI! you"),
        (["\u5b87\u5b99\u306f", "\u5e83\u3044\u3002"], "\u5b87\u5b99\u306f\u5e83\u3044\u3002"),
        (["caf\u0065\u0301", "d\u00e9j\u00e0-", "vu"], "caf\u00e9 d\u00e9j\u00e0vu"),
    ],
)
def test_lines_are_joined_to_running_text(lines: list[str], text: str) -> None:
    """Line breaks and hyphenation are undone, hyphens that are part of a word stay, signs become plain."""
    assert joined(lines) == text


def test_lines_below_each_other_are_one_balloon_and_a_gap_parts_two() -> None:
    """Lines touch within a balloon; a line's height apart another one begins."""
    lines = [line("ONE TWO", 20, 20), line("THREE", 30, 38), line("FOUR", 30, 100)]
    assert [balloon.text for balloon in balloons(lines)] == ["ONE TWO THREE", "FOUR"]


def test_pieces_of_one_line_are_joined_and_neighbours_are_not() -> None:
    """Words a letter apart belong together; a balloon beside it, on the same height, does not."""
    lines = [line("THERE", 74, 20), line("HELLO", 20, 21), line("WHO", 200, 20), line("ARE YOU", 190, 38)]
    assert [balloon.text for balloon in balloons(lines)] == ["HELLO THERE", "WHO ARE YOU"]


def test_lettering_of_another_size_is_another_balloon() -> None:
    """A shout close below small words stays apart."""
    assert len(balloons([line("small words", 20, 20, h=14), line("LOUD", 20, 34, h=40)])) == 2


def test_columns_are_read_from_right_to_left() -> None:
    """Japanese in columns: top to bottom, the right column first."""
    columns = [line("\u4e09\u56db\u4e94", 40, 20, w=20, h=60), line("\u4e00\u4e8c\u4e5d", 62, 20, w=20, h=60)]
    assert [balloon.text for balloon in balloons(columns)] == ["\u4e00\u4e8c\u4e5d\u4e09\u56db\u4e94"]


def test_balloons_go_to_their_panels_in_reading_order() -> None:
    """Left to right or right to left within a panel; each balloon is a line."""
    lines = [line("SECOND", 220, 30), line("FIRST", 30, 30), line("OTHER", 450, 30), line("LAST", 30, 300)]
    assert said(lines, [LEFT, RIGHT]) == ["FIRST\nSECOND\nLAST", "OTHER"]
    assert said(lines, [LEFT, RIGHT], right_to_left=True) == ["SECOND\nFIRST\nLAST", "OTHER"]


def test_an_inset_says_its_own_words() -> None:
    """Of panels that hold a text whole, the smaller; a text that only leans into it stays outside."""
    inset = Box(100, 100, 100, 100)
    assert panel_of(Box(110, 110, 50, 20), [LEFT, inset]) == 1
    assert panel_of(Box(180, 110, 100, 20), [LEFT, inset]) == 0
    assert panel_of(Box(500, 600, 10, 10), [LEFT, RIGHT]) == 1
    assert panel_of(Box(0, 0, 1, 1), []) is None


def test_sound_effects_signatures_and_noise_are_kept_apart() -> None:
    """What is no dialogue stays with its panel, as effects."""
    usual = [line(f"usual words number {i}", 20, 20 + 40 * i) for i in range(5)]
    apart = [
        line("BOOM", 30, 300, h=70),
        line("www.example.org", 30, 400),
        line("\u80b2\u98df\u98df", 200, 400),
        line("ghost", 30, 440, score=0.4),
    ]
    found = panel_words([*usual, *apart], [LEFT], PAGE)
    assert found[0].dialogue.splitlines() == [f"usual words number {i}" for i in range(5)]
    assert sorted(found[0].effects.splitlines()) == sorted(["BOOM", "www.example.org", "\u80b2\u98df\u98df", "ghost"])


def test_a_page_number_is_no_dialogue_and_a_number_in_a_panel_is() -> None:
    """Digits below the panels are kept apart."""
    found = panel_words([line("usual words", 20, 20), line("42", 20, 60), line("17", 390, 1180)], [LEFT], PAGE)
    assert found == [Words("usual words\n42", "17")]


def test_a_page_without_lettering_and_a_page_without_panels() -> None:
    """Nothing is made of nothing."""
    assert panel_words([], [LEFT, RIGHT], PAGE) == [Words("", ""), Words("", "")]
    assert panel_words([line("lost", 20, 20)], [], PAGE) == []


def test_japanese_is_read_where_it_is_the_language() -> None:
    """A line of wide signs is noise among English, and dialogue on a page of such signs or where it is asked for."""
    one = [line("\u5b87\u5b99\u306f", 20, 20)]
    both = [*one, line("a long line of English words", 20, 100)]
    assert said(one, [LEFT]) == ["\u5b87\u5b99\u306f"]
    assert said(both, [LEFT]) == ["a long line of English words"]
    assert said(both, [LEFT], language="ja") == ["\u5b87\u5b99\u306f\na long line of English words"]
    assert said(one, [LEFT], language="en") == [""]
