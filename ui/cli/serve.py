"""The command `serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from retrieval.errors import UsageError
from ui.cli.options import PATH, device_option, encoder_option, host_option, index_option, port_option


@click.command()
@index_option
@host_option
@port_option
@encoder_option
@device_option
@click.option(
    "--open/--no-open", "open_browser", default=False, show_default=True, help="Open the web app in a browser."
)
@click.option(
    "--auth",
    metavar="NAME:PASSWORD",
    envvar="PANELSEEK_AUTH",
    show_envvar=True,
    help="Require this name and password.",
)
@click.option(
    "--root-path",
    metavar="PATH",
    help="Serve below this path or address of a proxy, such as /comics or https://comics.example/comics.",
)
@click.option(
    "--allow-build",
    "build_roots",
    multiple=True,
    metavar="ROOT",
    type=PATH,
    help="Let visitors build from folders below this one; may be repeated.",
)
@click.option(
    "--memory",
    type=float,
    default=1.5,
    show_default=True,
    metavar="GB",
    help="Let requests take this much memory, not counting the index.",
)
def serve(folder: Path, auth: str | None, **options: Any) -> None:
    """Start the web app.

    Only this machine can reach it, unless --host gives another address.
    """
    from ui.web.lifecycle import end_process
    from ui.web.server import serve as run

    run(folder, auth=_name_and_password(auth), **options)
    end_process()


def _name_and_password(auth: str | None) -> tuple[str, str] | None:
    if auth is None:
        return None
    name, colon, password = auth.partition(":")
    if not (name and colon and password):
        raise UsageError("--auth lacks a name, a colon or a password", hint="give NAME:PASSWORD")
    return name, password
