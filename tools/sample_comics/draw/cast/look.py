"""The look of a character, the same in every pose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    kind: str  # a head of `heads.py` or a creature of `creatures.py`
    skin: str = "#f2c9a1"
    coat: str = "#3f6fae"
    trim: str = "#f4f1e6"
    hair: str = "#5b3324"
    legs: str = "#2b3350"
    head: float = 0.185  # radius as a share of the height
    girth: float = 0.15
    build: str = "coat"  # coat, egg, dress or box
    hat: str = ""
    extras: tuple[str, ...] = ()  # scarf, buttons, belt, apron, bow, collar, pack
    hat_colour: str = "#2d3b66"
