"""Visual styles of books."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hand:
    """A letterer's hand. `height` is that of a capital in pixels."""

    height: float = 20.0
    weight: float = 0.125  # pen width as a share of the height
    slant: float = 0.0
    spacing: float = 0.22
    jitter: float = 0.025
    width: float = 1.0


@dataclass(frozen=True)
class Style:
    width: int = 1000
    height: int = 1414
    paper: str = "#ffffff"
    margin: float = 44.0
    gutter: float = 16.0
    ink: str = "#14182b"
    line: float = 2.6
    border: float = 4.0
    border_colour: str = "#14182b"
    frame: str = "ruled"  # ruled, wobbly or soft
    finish: str = "flat"  # flat, hatch, screentone, night or wash
    hand: Hand = Hand()
    balloon: str = "#ffffff"
    balloon_ink: str = "#14182b"
    balloon_squareness: float = 2.6
    caption: str = "#fff3c4"
    caption_ink: str = "#14182b"
    sound: str = "#ffd23f"
    halo: float = 0.0  # a rim around figures, in ink widths, to lift them off a busy ground
    halo_colour: str = "#ffffff"
    rtl: bool = False
