"""A story as plain data: a book of pages of panels, each a scene with a cast and its words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.sample_comics.draw.cast.look import Look
from tools.sample_comics.draw.ink.curves import Point
from tools.sample_comics.draw.style import Style

Option = str | float | bool


@dataclass(frozen=True)
class Actor:
    """A character in a panel. Places are fractions of the panel; `size` is the height in panel heights."""

    name: str
    x: float = 0.5
    foot: float = 0.96
    size: float = 0.6
    pose: str = "stand"
    mood: str = "calm"
    turn: int = 1  # 1 looks right, -1 left, 0 at the reader
    holding: str = ""
    back: bool = False


@dataclass(frozen=True)
class Thing:
    """A thing in a panel; `size` is in panel heights."""

    name: str
    x: float = 0.5
    y: float = 0.5
    size: float = 0.3
    turn: int = 1


@dataclass(frozen=True)
class Scene:
    name: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class Words:
    """A line of text; `who` is an actor's name, or empty for captions, titles and sounds."""

    text: str
    kind: str = "speech"  # speech, shout, whisper, thought, caption, title or sound
    who: str = ""
    at: Point | None = None


@dataclass(frozen=True)
class Panel:
    scene: Scene
    cast: tuple[Actor | Thing, ...] = ()
    words: tuple[Words, ...] = ()
    frame: str = ""  # empty: the style's own; or bleed, none, round
    inset: tuple[float, float, float, float] | None = None  # x, y, w, h in fractions of the page


@dataclass(frozen=True)
class Page:
    """A page. `grid` is `row height: column widths`, rows parted by `|`; `<` or `>` slants the gutter after it."""

    grid: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Book:
    name: str
    title: str
    style: Style
    cast: Mapping[str, Look]
    pages: tuple[Page, ...]
    packing: str  # stage1, blocks or cbz


SPOKEN = {"says": "speech", "shouts": "shout", "whispers": "whisper", "thinks": "thought"}


def words(line: str) -> Words:
    """Parse `mara: Hello`, `mara shouts: Hello`, `caption: Dawn.` or `sound@.7,.3: KRAK`."""
    head, _, text = line.partition(": ")
    name, _, place = head.partition("@")
    at = _point(place) if place else None
    who, _, verb = name.partition(" ")
    if who in {"caption", "title", "sound"}:
        return Words(text, who, "", at)
    return Words(text, SPOKEN[verb or "says"], who, at)


def _point(place: str) -> Point:
    x, y = (float(part) for part in place.split(","))
    return x, y


def scene(name: str, **options: Option) -> Scene:
    return Scene(name, options)


def panel(
    where: Scene,
    *parts: Actor | Thing | str,
    frame: str = "",
    inset: tuple[float, float, float, float] | None = None,
) -> Panel:
    """Return a panel from its cast and spoken lines in one list, as in a script."""
    cast = tuple(part for part in parts if not isinstance(part, str))
    lines = tuple(words(part) for part in parts if isinstance(part, str))
    return Panel(where, cast, lines, frame, inset)


def page(grid: str, *panels: Panel) -> Page:
    return Page(grid, panels)


def full(
    name: str,
    x: float,
    pose: str = "stand",
    mood: str = "calm",
    turn: int = 1,
    *,
    size: float = 0.6,
    foot: float = 0.96,
    holding: str = "",
    back: bool = False,
) -> Actor:
    """Return an actor from head to foot."""
    return Actor(name, x, foot, size, pose, mood, turn, holding, back)


def bust(
    name: str,
    x: float,
    pose: str = "stand",
    mood: str = "calm",
    turn: int = 1,
    *,
    holding: str = "",
    back: bool = False,
    size: float = 1.05,
) -> Actor:
    """Return an actor from the waist up."""
    return Actor(name, x, 0.34 + size * 0.98, size, pose, mood, turn, holding, back)


def close(
    name: str,
    x: float = 0.5,
    mood: str = "calm",
    turn: int = 0,
    *,
    pose: str = "stand",
    size: float = 1.7,
    holding: str = "",
) -> Actor:
    """Return a face that fills the panel."""
    return Actor(name, x, 0.27 + size, size, pose, mood, turn, holding)


def thing(name: str, x: float = 0.5, y: float = 0.6, size: float = 0.4, turn: int = 1) -> Thing:
    return Thing(name, x, y, size, turn)
