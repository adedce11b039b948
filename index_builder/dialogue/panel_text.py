"""Text of the panels of a page, from its OCR lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index_builder.dialogue.assignment import assign_to_panels
from index_builder.dialogue.balloons import Balloon, group_lines
from index_builder.dialogue.classify import is_dialogue, median_letter_height
from index_builder.dialogue.cleaning import is_cjk
from index_builder.dialogue.languages import AUTO, CJK_LANGUAGES
from index_builder.dialogue.lines import Line
from retrieval.records import Box

TEXT_VERSION = "balloons-2"
"""Stored with each page: a new version makes the next build assemble the text again, from the cached lines."""


@dataclass(frozen=True, slots=True)
class PanelText:
    """Text of one panel. dialogue: balloons and captions, one a line; sound_effects: all other text, the same way."""

    dialogue: str
    sound_effects: str


def panel_texts(
    lines: Sequence[Line],
    panels: Sequence[Box],
    page_size: tuple[int, int],
    *,
    language: str = AUTO,
    right_to_left: bool = False,
) -> list[PanelText]:
    """Return the text of each panel in reading order.

    panels: boxes in page pixels. page_size: width and height in pixels. language: as returned by `parse_language`.
    """
    balloons = group_lines(lines)
    height = median_letter_height(balloons)
    cjk = language in CJK_LANGUAGES or (language == AUTO and is_cjk("".join(line.text for line in lines)))
    dialogue = {id(balloon) for balloon in balloons if is_dialogue(balloon, height, panels, page_size, cjk=cjk)}
    return [
        PanelText(
            _join(balloon for balloon in assigned if id(balloon) in dialogue),
            _join(balloon for balloon in assigned if id(balloon) not in dialogue),
        )
        for assigned in assign_to_panels(balloons, panels, right_to_left=right_to_left)
    ]


def _join(balloons: Iterable[Balloon]) -> str:
    return "\n".join(balloon.text for balloon in balloons)
