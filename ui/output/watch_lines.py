"""What the command `watch` prints: a line for each event, for people or for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ui.output.progress import duration
from ui.output.tables import one_line

if TYPE_CHECKING:
    from index_builder import BuildReport, WatchEvent

_SHOWN = 5


def teller(as_json: bool) -> Callable[[WatchEvent], None]:
    """The callback for `watch_sources`; something that could not be read is named when it is new."""
    known: set[tuple[str, str]] = set()

    def tell(event: WatchEvent) -> None:
        if as_json:
            click.echo(json.dumps(event.as_dict(), ensure_ascii=False))
            return
        click.echo(one_line(f"{event.at} {event.kind}: {_said(event)}"))
        skipped = set(event.report.skipped) if event.report else known
        for path, reason in sorted(skipped - known)[:_SHOWN]:
            click.echo(one_line(f"{event.at} skipped: {path}: {reason}"))
        if event.report:
            known.clear()
            known.update(skipped)

    return tell


def _said(event: WatchEvent) -> str:
    if event.report is not None:
        return _outcome(event.report)
    more = f" and {len(event.paths) - 1} more" if len(event.paths) > 1 else ""
    return event.message or f"{event.paths[0]}{more}"


def _outcome(report: BuildReport) -> str:
    fates = {
        "new": report.pages_new,
        "changed": report.pages_changed,
        "moved": report.pages_moved,
        "back again": report.pages_restored,
        "gone": report.pages_missing,
    }
    happened = ", ".join(f"{count:,} {name}" for name, count in fates.items() if count) or "nothing new"
    took = duration(report.seconds["total"])
    return f"{happened}; {report.pages:,} pages, {report.panels:,} panels; {report.encoded:,} encoded in {took}"
