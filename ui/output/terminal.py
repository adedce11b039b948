"""The one way to standard output and standard error: what would steer a terminal is written as a visible escape.

Names, dialogue, metadata and error messages come from comics and may hold anything. A test checks that no other module
of the command line prints.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_WIDTH = 120
"""Columns if the output is not a terminal."""

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb]"
)
"""Control characters, line breaks, changes of the writing direction, invisible signs and halves of surrogate pairs."""


def one_line(text: str) -> str:
    r"""Return text in which line breaks and control characters are visible: `\n`, `\x1b`, `\u202e`."""
    return _STEERING.sub(lambda sign: ascii(sign[0])[1:-1], text)


def echo(*lines: str, err: bool = False) -> None:
    """Print lines on standard output, or on standard error."""
    click.echo("\n".join(one_line(line) for line in lines), err=err)


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON in which control characters are escaped; letters of every script stay readable."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    # the line breaks are those of the indentation: inside texts they are escaped
    return _STEERING.sub(lambda sign: sign[0] if sign[0] == "\n" else f"\\u{ord(sign[0]):04x}", text)


def print_json(value: Mapping[str, Any], indent: int | None = 1) -> None:
    """Print one JSON object on standard output."""
    click.echo(json_text(value, indent))


def console() -> Console:
    """Return standard output for tables, as wide as the terminal; text from comics is never colour or markup."""
    from rich.console import Console
    from rich.text import Text

    class Terminal(Console):
        """A console whose texts pass through `one_line`; a finished `Text` would not."""

        def render_str(self, text: str, **settings: Any) -> Text:
            return super().render_str(one_line(text), **settings)

    plain = {"highlight": False, "markup": False, "emoji": False}
    found = Terminal(**plain)  # type: ignore[arg-type]
    return found if found.is_terminal else Terminal(**plain, width=_PLAIN_WIDTH)  # type: ignore[arg-type]


def show_usage_error(error: click.ClickException) -> None:
    """Print an error of click, which repeats what was typed, on standard error."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        echo(*error.ctx.get_usage().split("\n"), err=True)
        if error.ctx.command.get_help_option(error.ctx) is not None:
            echo(f"Try '{error.ctx.command_path} {error.ctx.help_option_names[0]}' for help.", "", err=True)
    echo(f"Error: {error.format_message()}", err=True)


def set_up_streams() -> None:
    """Print logs like everything else, and letters that the output cannot show as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_LogFormatter("%(message)s"))
    logging.getLogger("panelseek").setLevel(logging.INFO)


class _LogFormatter(logging.Formatter):
    """Log lines without control characters; a traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(one_line(line) for line in super().formatException(ei).split("\n"))
