"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from retrieval.errors import UsageError
from retrieval.filters import METADATA_FILTERS

DEFAULT_INDEX = "panelseek.index"


class _PathType(click.Path):
    """A path that is not empty: an empty one would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Raises a usage error for an empty one."""
        if not str(value).strip():
            self.fail(f"{value!r} is empty; give a path, such as . for the current folder", param, ctx)
        return super().convert(value, param, ctx)


class _FolderType(_PathType):
    """The path of a folder, which may not exist yet: shells complete it with folders."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the request for folders."""
        return [CompletionItem(incomplete, type="dir")]


PATH = _PathType(path_type=Path)
FOLDER = _FolderType(path_type=Path)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_RANGE_EXAMPLES = {"number": "1-12", "volume": "2-3", "year": "1990-1999"}
"""Metadata that are numbers, with an example of a range."""

index_option = click.option(
    "--index",
    "folder",
    type=FOLDER,
    default=DEFAULT_INDEX,
    envvar="PANELSEEK_INDEX",
    show_default=True,
    show_envvar=True,
    help="Use the index in this folder.",
)
device_option = click.option(
    "--device", metavar="NAME", help="Run the encoder on cpu, cuda or mps.  [default: the fastest available]"
)
encoder_option = click.option(
    "--encoder", metavar="PATH", help="Use these weights: those that built the index, if they were moved."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="Listen on this port."
)


class GroupedCommand(click.Command):
    """A command whose help lists its options in groups: heading -> names of parameters."""

    def __init__(self, *args: Any, groups: Mapping[str, Sequence[str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.groups = groups

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group in a section; options of no group come last."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = {option.name: option.get_help_record(ctx) for option in options}
        grouped = {heading: [records.pop(name) for name in names] for heading, names in self.groups.items()}
        for heading, rows in {**grouped, "Other": list(records.values())}.items():
            shown = [row for row in rows if row is not None]
            if shown:
                with formatter.section(heading):
                    formatter.write_dl(shown)


@contextmanager
def short_run() -> Iterator[None]:
    """Prepare a command that ends at once; a decorator. Its libraries load in less time without garbage collection.

    NumPy gets one thread, unless the user chose: one query does not pay for more. It must not be loaded before.
    """
    collected = gc.isenabled()
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        yield
    finally:
        if collected:
            gc.enable()


def with_options(*options: Decorator) -> Decorator:
    """Return a decorator that adds options to a command, in the order of its help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def metadata_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each filter by metadata of books, in the order of `METADATA_FILTERS`."""
    return with_options(*(_metadata_option(name) for name in METADATA_FILTERS))(command)


def _metadata_option(name: str) -> Decorator:
    ranges = f", or FROM-TO like {_RANGE_EXAMPLES[name]}" if name in _RANGE_EXAMPLES else ""
    return click.option(f"--{name}", multiple=True, metavar="NAME", help=f"Keep this {name}{ranges}.")


# ---------------------------------------------------------------------- values


def parse_metadata(name: str, values: tuple[str, ...]) -> Any:
    """Return names for a filter by metadata, or (from, to) if one range is given for a number; None without values."""
    if name in _RANGE_EXAMPLES and len(values) == 1 and re.fullmatch(r"[\d.]*-[\d.]*", values[0]):
        return parse_range(f"--{name}", values[0])
    unlike = next((value for value in values if name == "year" and not re.fullmatch(r"[\d%]+", value)), None)
    if unlike is not None:
        hint = f"give a year, or FROM-TO like {_RANGE_EXAMPLES[name]}"
        raise UsageError(f"--year {unlike} is not a year", hint=hint)
    return list(values) or None


def one_or_list(values: Sequence[Any]) -> Any:
    """Return the one value of an option as it is, several as a list; None without values."""
    return list(values) if len(values) > 1 else values[0] if values else None


def parse_range(option: str, value: str) -> Any:
    """Return (from, to) for `3`, `3-7`, `3-` or `-7`; a name is returned as it is, for the filter to check."""
    if value.isalpha():
        return value
    low, dash, high = value.partition("-")
    try:
        bounds = tuple(float(part) if part.strip() else None for part in (low, high if dash else low))
    except ValueError:
        bounds = (None, None)
    if bounds == (None, None):
        raise UsageError(f"{option} {value} is not a range", hint="give FROM-TO, like 3-7, 3- or -7")
    first, last = bounds
    if first is not None and last is not None and first > last:
        raise UsageError(f"{option} {value} holds nothing: FROM is larger than TO", hint=f"give {option} {high}-{low}")
    return bounds
