"""Lines are grouped into balloons, and balloons give the text of panels."""

from __future__ import annotations

import pytest

from index_builder.dialogue import PanelText, panel_texts
from index_builder.dialogue.assignment import find_panel
from index_builder.dialogue.balloons import group_lines
from index_builder.dialogue.cleaning import join_lines
from index_builder.dialogue.lines import Line
from retrieval.records import Box
from tests.dialogue.lettering import line

PAGE = (800, 1200)
LEFT, RIGHT = Box(10, 10, 380, 500), Box(400, 10, 380, 500)


def dialogues(lines: list[Line], panels: list[Box], **options: object) -> list[str]:
    return [text.dialogue for text in panel_texts(lines, panels, PAGE, **options)]  # type: ignore[arg-type]


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
    """Line breaks and hyphenation are undone, hyphens inside words stay, characters are normalised."""
    assert join_lines(lines) == text


def test_stacked_lines_are_one_balloon_and_a_gap_separates_two() -> None:
    """Lines that touch are one balloon; a gap of a line's height starts another one."""
    lines = [line("ONE TWO", 20, 20), line("THREE", 30, 38), line("FOUR", 30, 100)]
    assert [balloon.text for balloon in group_lines(lines)] == ["ONE TWO THREE", "FOUR"]


def test_pieces_of_one_line_are_joined_and_separate_balloons_are_not() -> None:
    """Words one letter apart are one line; a balloon further right at the same height stays separate."""
    lines = [line("THERE", 74, 20), line("HELLO", 20, 21), line("WHO", 200, 20), line("ARE YOU", 190, 38)]
    assert [balloon.text for balloon in group_lines(lines)] == ["HELLO THERE", "WHO ARE YOU"]


def test_text_of_another_height_is_another_balloon() -> None:
    """Large text directly below small text is a separate balloon."""
    assert len(group_lines([line("small words", 20, 20, h=14), line("LOUD", 20, 34, h=40)])) == 2


def test_columns_are_read_from_right_to_left() -> None:
    """Japanese columns are read from top to bottom, the right column first."""
    columns = [line("\u4e09\u56db\u4e94", 40, 20, w=20, h=60), line("\u4e00\u4e8c\u4e5d", 62, 20, w=20, h=60)]
    assert [balloon.text for balloon in group_lines(columns)] == ["\u4e00\u4e8c\u4e5d\u4e09\u56db\u4e94"]


def test_balloons_are_assigned_to_panels_in_reading_order() -> None:
    """Balloons of a panel are read left to right or right to left, one a line."""
    lines = [line("SECOND", 220, 30), line("FIRST", 30, 30), line("OTHER", 450, 30), line("LAST", 30, 300)]
    assert dialogues(lines, [LEFT, RIGHT]) == ["FIRST\nSECOND\nLAST", "OTHER"]
    assert dialogues(lines, [LEFT, RIGHT], right_to_left=True) == ["SECOND\nFIRST\nLAST", "OTHER"]


def test_text_in_an_inset_belongs_to_the_inset() -> None:
    """Text that two panels hold belongs to the smaller one; text that only reaches into it does not."""
    inset = Box(100, 100, 100, 100)
    assert find_panel(Box(110, 110, 50, 20), [LEFT, inset]) == 1
    assert find_panel(Box(180, 110, 100, 20), [LEFT, inset]) == 0
    assert find_panel(Box(500, 600, 10, 10), [LEFT, RIGHT]) == 1
    assert find_panel(Box(0, 0, 1, 1), []) is None


def test_sound_effects_signatures_and_noise_are_not_dialogue() -> None:
    """Other text is kept with its panel as sound effects."""
    dialogue = [line(f"usual words number {i}", 20, 20 + 40 * i) for i in range(5)]
    other = [
        line("BOOM", 30, 300, h=70),
        line("www.example.org", 30, 400),
        line("\u80b2\u98df\u98df", 200, 400),
        line("ghost", 30, 440, score=0.4),
    ]
    (text,) = panel_texts([*dialogue, *other], [LEFT], PAGE)
    assert text.dialogue.splitlines() == [f"usual words number {i}" for i in range(5)]
    assert sorted(text.sound_effects.splitlines()) == sorted(["BOOM", "www.example.org", "\u80b2\u98df\u98df", "ghost"])


def test_a_page_number_is_not_dialogue_and_a_number_in_a_panel_is() -> None:
    """Digits below the panels are a page number."""
    texts = panel_texts([line("usual words", 20, 20), line("42", 20, 60), line("17", 390, 1180)], [LEFT], PAGE)
    assert texts == [PanelText("usual words\n42", "17")]


def test_a_page_without_text_and_a_page_without_panels() -> None:
    """Without lines all texts are empty; without panels there are none."""
    assert panel_texts([], [LEFT, RIGHT], PAGE) == [PanelText("", ""), PanelText("", "")]
    assert panel_texts([line("lost", 20, 20)], [], PAGE) == []


def test_japanese_is_dialogue_if_it_is_the_language() -> None:
    """A CJK line is noise on an English page, and dialogue on a CJK page or if the language is set to Japanese."""
    one = [line("\u5b87\u5b99\u306f", 20, 20)]
    both = [*one, line("a long line of English words", 20, 100)]
    assert dialogues(one, [LEFT]) == ["\u5b87\u5b99\u306f"]
    assert dialogues(both, [LEFT]) == ["a long line of English words"]
    assert dialogues(both, [LEFT], language="ja") == ["\u5b87\u5b99\u306f\na long line of English words"]
    assert dialogues(one, [LEFT], language="en") == [""]
