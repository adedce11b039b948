"""Output of the terminal: names and dialogue from comics never steer it, in no command and in no error."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.errors import PanelseekError
from retrieval.progress import Progress
from tests.building.library import page
from ui.cli.main import main
from ui.output.progress import progress_display
from ui.output.terminal import console, echo, json_text, one_line, set_up_streams

RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Signs that must not reach a terminal; line feeds are counted by their lines."""

BOOK = "red\x1b[31m bell\x07 c1\x9b2J rtl\u202e end\nline"
LINE = "say \x1b]0;title\x07 it\r\u2066again\u2069 \x85\u2028now\tthen"
UI = Path(__file__).parents[2] / "ui"


@pytest.fixture(scope="module")
def comics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two books with the same drawing, whose names and dialogue hold escapes; a file that is no image."""
    folder = tmp_path_factory.mktemp("terminal") / "li\x1bbrary"
    for number, book in enumerate((BOOK, f"other {BOOK}")):
        page(folder / book / f"1\x1b\u202e{number}", 5, [LINE, "words", "", ""])
    (folder / BOOK / "no\x1bimage\nat all.png").write_bytes(b"\x1b[2J")
    (folder / BOOK / "ComicInfo.xml").write_text(
        "<ComicInfo><Series>Se\u202eries\x9b</Series><Writer>\u2066Writer</Writer></ComicInfo>"
    )
    return folder


@pytest.fixture(scope="module")
def index(comics: Path) -> Path:
    folder = comics.parent / "in\x1bdex\x07"
    options = ["--encoder", "small", "--no-ocr", "--workers", "0", "--index", str(folder)]
    main(["build", str(comics), *options])
    return folder


def commands(index: Path, comics: Path) -> Iterator[tuple[list[str], bool]]:
    """Return the arguments of commands that print names, dialogue and errors, and whether --json makes sense."""
    at = ["--index", str(index)]
    yield ["build", str(comics), "--no-ocr", "--workers", "0", *at], True
    yield ["search", "words", *at], True
    yield ["search", "--like", "1", "--view", "picture", *at], True
    yield ["search", "--like", "1", "-k", "1", "--save", str(comics.parent / "sa\x1bved"), *at], True
    yield ["info", "--books", "--facets", *at], True
    yield ["verify", "--sample", "4", *at], True
    yield ["map", *at], True
    yield ["lookalikes", "--all", *at], True
    yield ["panels", f"1\x1b\u202e{0}.png", *at], False
    yield ["panels", "no such\x1b\npage", *at], False
    yield ["remove", "no such\x1bsource\x07", "--yes", *at], True
    yield ["remove", str(comics), *at], True
    yield ["search", "words", "--book", "\x1b[31m\u202e", *at], True
    yield ["search", "words", "--pages", "\x1b[31m", *at], True
    yield ["search", "words", "--view", "\x1b[31m\u202e", *at], True
    yield ["search", "words", "--min-score", "\x1b", *at], True
    yield ["search", "--image", "no\x1bfile\n\u202e", *at], True
    yield ["search", "--\x1b[31m", *at], False
    yield ["search", "a", "b\x1b[31m", *at], False
    yield ["no\x1bcommand"], False
    yield ["info", "--index", "no\x1bindex\x07\n"], True
    yield ["build", "no\x1bsource\x07\n", *at], True
    yield ["build", str(comics), "--encoder", "no\x1bencoder", "--index", f"{index}2"], True
    yield ["build", str(comics), "--device", "\x1b\u202e", "--index", f"{index}2"], True
    yield ["evaluate", "--sample", "2", "--only", "neighbours", "--no-baselines", *at], True
    yield ["evaluate", "--sample", "2", "--only", "neighbours", "--no-baselines", "--markdown", *at], False
    yield ["evaluate", "--distortions", "\x1b", *at], True
    yield ["train", "--index", str(index), "--recipe", "\x1b[31m", "no\x1boutput"], False


def run(capfd: pytest.CaptureFixture[str], arguments: list[str]) -> tuple[int, str, str]:
    try:
        main(arguments)
        status = 0
    except SystemExit as stop:
        status = int(stop.code or 0)
    captured = capfd.readouterr()
    return status, captured.out, captured.err


def test_no_command_sends_control_characters(index: Path, comics: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each command, as text and as JSON, writes escapes instead; the JSON has the names as they are."""
    capfd.readouterr()
    seen = ""
    for arguments, has_json in commands(index, comics):
        for more in ([], ["--json"]) if has_json else ([],):
            status, out, err = run(capfd, [*arguments, *more])
            assert not RAW.search(out + err), (arguments, more, RAW.findall(out + err))
            assert "Traceback" not in err
            assert "unexpected error" not in err, (arguments, err)
            if more and not status:
                assert json.loads(out)
            seen += out + err
    for written in (r"\x1b[31m bell\x07 c1\x9b2J", r"end\nline", r"\u202e", r"\u001b"):
        assert written in seen


def test_names_in_json_are_whole(index: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A program that reads the JSON gets the path of a book with all its characters."""
    capfd.readouterr()
    _, out, _ = run(capfd, ["info", "--books", "--index", str(index), "--json"])
    assert {book["path"] for book in json.loads(out)["books_listed"]} == {f"other {BOOK}", BOOK}


def test_the_table_keeps_its_columns(index: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A name with line breaks stays on one line of the table."""
    capfd.readouterr()
    _, out, _ = run(capfd, ["search", "--like", "1", "-k", "2", "--index", str(index)])
    assert len([line for line in out.splitlines() if r"\x1b" in line]) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2J\nb", r"a\x1b[2J\nb"),
        ("\x07\x9b\x7f\x85", r"\x07\x9b\x7f\x85"),
        ("\u202egnp\u2066\u200f\u061c", r"\u202egnp\u2066\u200f\u061c"),
        ("half \ud83d", r"half \ud83d"),
        ("漫画 é \U0001f984 \u200d नमस्ते", "漫画 é \U0001f984 \u200d नमस्ते"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_one_line(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks, controls, changes of direction and half characters are visible; other text stays."""
    assert one_line(text) == shown
    echo(text)
    console().print(text, soft_wrap=True)
    assert capsys.readouterr().out.splitlines() == [shown, shown]


def test_json_text() -> None:
    """JSON stays JSON, and has no raw control character."""
    value = {"a\u202e": ["\x9b\x7f\x1b\n", "漫画", "\u2028"]}
    for indent in (None, 1):
        assert not RAW.search(json_text(value, indent))
        assert json.loads(json_text(value, indent)) == value
    assert "漫画" in json_text(value)


def test_logs_and_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """Log lines and progress lines are escaped as well."""
    set_up_streams()
    handler = logging.getLogger().handlers[-1]
    assert handler.formatter is not None
    try:
        raise PanelseekError("bad \x1b", "a\nb")
    except PanelseekError:
        record = logging.LogRecord("panelseek", 30, "", 1, "at %s", ("\x1b\n\u202e",), None)
    assert handler.formatter.format(record) == r"at \x1b\n\u202e"
    with progress_display() as progress:
        progress(Progress("scan", 0, 2, "pages", detail="\x1b[31m\u202e"))
    assert not RAW.search(capsys.readouterr().err)


def test_there_is_one_way_to_the_terminal() -> None:
    """No other module prints, or writes to a stream of the terminal."""
    for path in UI.rglob("*.py"):
        if path.name == "terminal.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}, path
        if "print" in calls:
            assert path.name == "progress.py", path  # its lines pass through one_line
