"""The stylesheets and scripts of the web app."""

from __future__ import annotations

from pathlib import Path

from ui.web.shell.scripts import SCRIPTS, script
from ui.web.theme import STYLESHEETS, head, stylesheets

WEB = Path(__file__).resolve().parents[2] / "ui" / "web"
MAX_LINES = 300


def test_every_static_file_is_listed_once() -> None:
    """A file that no list names would be shipped and never used."""
    named = {path.relative_to(WEB).as_posix() for path in stylesheets()}
    named |= {f"{room}/static/{name}.js" for room, names in SCRIPTS.items() for name in names}
    files = {path.relative_to(WEB).as_posix() for path in WEB.glob("*/static/*") if path.suffix in (".css", ".js")}
    assert named == files
    assert len(named) == sum(map(len, (*STYLESHEETS.values(), *SCRIPTS.values())))


def test_the_shell_comes_first() -> None:
    """Rules of a room override those of the shell."""
    rooms = [path.parent.parent.name for path in stylesheets()]
    assert rooms == sorted(rooms, key=lambda room: (room != "shell", room))


def test_static_files_are_short() -> None:
    long = {path.name: len(path.read_text().splitlines()) for path in WEB.glob("*/static/*")}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def test_scripts_are_joined_in_order() -> None:
    """The shell's scripts are in the head; the other rooms use them."""
    joined = script("map")
    places = [joined.index((WEB / "map" / "static" / f"{name}.js").read_text()) for name in SCRIPTS["map"]]
    assert places == sorted(places)
    assert script("shell") in head()
