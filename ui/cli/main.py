"""The command `panelseek`: its subcommands, error messages and exit status.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 1 the work failed, 2 wrong
usage, 130 stopped with Ctrl-C. Heavy libraries load inside the commands that need them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from retrieval.errors import PanelseekError, UsageError, caused_by_interrupt, system_hint, system_problem
from ui.cli.build import build, remove, watch
from ui.cli.collections import collections
from ui.cli.demo import demo
from ui.cli.evaluate import evaluate
from ui.cli.inspect import info, panels, verify
from ui.cli.overview import lookalikes, panel_map
from ui.cli.search import search
from ui.cli.serve import serve
from ui.cli.train import train
from ui.output.errors import error_sentence
from ui.output.terminal import echo, set_up_streams, show_usage_error

FAILED, WRONG_USAGE, STOPPED = 1, 2, 130
"""Exit status of work that failed, of wrong usage, and of a command stopped with Ctrl-C."""

_STOPPED_MESSAGE = "stopped; what was written is kept. Run the same command again to resume"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="panelseek", help="Show the version and exit.")
def panelseek() -> None:
    """Search comic panels by image and by words."""


for _command in (
    build,
    watch,
    search,
    serve,
    info,
    panels,
    remove,
    verify,
    panel_map,
    lookalikes,
    collections,
    train,
    evaluate,
    demo,
):
    panelseek.add_command(_command)


@panelseek.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for a shell that completes commands.

    Options and paths are completed, too. In bash, add this line to ~/.bashrc: eval "$(panelseek completion bash)"
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # click has all three
    echo(*found(panelseek, {}, "panelseek", "_PANELSEEK_COMPLETE").source().splitlines())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error ends as a sentence on standard error, never as a traceback."""
    set_up_streams()
    try:
        given = None if arguments is None else list(arguments)
        panelseek.main(prog_name="panelseek", args=given, standalone_mode=False)
    except click.exceptions.Exit as stop:
        raise SystemExit(stop.exit_code) from None
    except click.ClickException as error:
        show_usage_error(error)
        raise SystemExit(WRONG_USAGE) from None
    except (KeyboardInterrupt, click.Abort):
        _stop("", _STOPPED_MESSAGE, status=STOPPED)
    except PanelseekError as error:
        _stop(f"panelseek: {error_sentence(error)}", status=WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader ended (`| head`); Python would complain about it at exit
        raise SystemExit(FAILED) from None
    except Exception as error:
        if caused_by_interrupt(error):
            _stop("", _STOPPED_MESSAGE, status=STOPPED)
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            refused = PanelseekError(system_problem(error), error.filename, system_hint(error))
            _stop(f"panelseek: {error_sentence(refused)}", status=FAILED)
        if os.environ.get("PANELSEEK_DEBUG"):
            raise
        hint = "Set PANELSEEK_DEBUG=1 to see the traceback."
        _stop(f"panelseek: unexpected error: {type(error).__name__}: {error}. {hint}", status=FAILED)


def _stop(*lines: str, status: int) -> None:
    """Print a message to standard error and exit."""
    echo(*lines, err=True)
    raise SystemExit(status) from None


if __name__ == "__main__":
    main()
