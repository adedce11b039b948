"""Command-line options with former names, which still work and are not listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class RenamedOption(click.Option):
    """An option with former names: `formerly` for the option, `formerly_off` for the `--no-` side of a flag."""

    def __init__(
        self, *args: Any, formerly: Sequence[str] = (), formerly_off: Sequence[str] = (), **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self._formerly = list(formerly)
        self._formerly_off = list(formerly_off)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser accept the former names as well."""
        listed, listed_off = self.opts, self.secondary_opts
        self.opts, self.secondary_opts = listed + self._formerly, listed_off + self._formerly_off
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts, self.secondary_opts = listed, listed_off
