"""What the panels of a page say, from the lines read on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index_builder.dialogue.assignment import give_to_panels
from index_builder.dialogue.balloons import Balloon, balloons
from index_builder.dialogue.classify import is_dialogue, usual_height
from index_builder.dialogue.cleaning import is_wide
from index_builder.dialogue.languages import AUTO, WIDE
from index_builder.dialogue.lines import Line
from retrieval.records import Box

READS = "balloons-2"
"""How lines become words: a change of this string means that pages are put together again (not read again)."""


@dataclass(frozen=True, slots=True)
class Words:
    """dialogue: balloons and captions, a line each; effects: sound effects and what else is no dialogue."""

    dialogue: str
    effects: str


def panel_words(
    lines: Sequence[Line],
    panels: Sequence[Box],
    page: tuple[int, int],
    *,
    language: str = AUTO,
    right_to_left: bool = False,
) -> list[Words]:
    """For every panel its words in reading order. panels: boxes in page pixels; page: width and height in pixels."""
    found = balloons(lines)
    usual = usual_height(found)
    wide = language in WIDE or (language == AUTO and is_wide("".join(line.text for line in lines)))
    said = {id(balloon) for balloon in found if is_dialogue(balloon, usual, panels, page, wide)}
    shares = give_to_panels(found, panels, right_to_left=right_to_left)
    return [
        Words(_text(b for b in share if id(b) in said), _text(b for b in share if id(b) not in said))
        for share in shares
    ]


def _text(blocks: Iterable[Balloon]) -> str:
    return "\n".join(balloon.text for balloon in blocks)
