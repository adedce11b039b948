"""Lines that `panelseek watch` prints: one for each event, for people or for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retrieval.errors import PanelseekError
from ui.output.errors import error_sentence
from ui.output.progress import duration
from ui.output.tables import page_statuses
from ui.output.terminal import echo, print_json

if TYPE_CHECKING:
    from index_builder import BuildReport, WatchEvent

_MAX_SKIPPED = 5
"""Newly skipped files named after one build."""


def event_printer(as_json: bool) -> Callable[[WatchEvent], None]:
    """Return the event callback for `watch_sources`. Skipped files are named after the first build that skips them."""
    known: set[tuple[str, str]] = set()

    def print_event(event: WatchEvent) -> None:
        if as_json:
            print_json(event.as_dict(), indent=None)
            return
        echo(f"{event.at} {event.event}: {_event_text(event)}")
        skipped = set(event.report.skipped) if event.report else known
        for path, reason in sorted(skipped - known)[:_MAX_SKIPPED]:
            echo(f"{event.at} skipped: {path}: {reason}")
        if event.report:
            known.clear()
            known.update(skipped)

    return print_event


def _event_text(event: WatchEvent) -> str:
    if event.report is not None:
        return _report_text(event.report)
    if event.message:
        return error_sentence(PanelseekError(event.message, event.path or ", ".join(event.paths) or None, event.hint))
    more = f" and {len(event.paths) - 1} more" if len(event.paths) > 1 else ""
    return f"{event.paths[0]}{more}"


def _report_text(report: BuildReport) -> str:
    changes = page_statuses(report, ("new", "changed", "moved", "restored", "missing")) or "nothing new"
    took = duration(report.seconds["total"])
    return f"{changes}; {report.pages:,} pages, {report.panels:,} panels; {report.encoded:,} encoded in {took}"
