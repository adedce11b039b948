"""The tab `build` as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.web.build.handlers import FolderList, progress_text, stage_name
from ui.web.shell.jobs import JobStatus
from ui.web.shell.templating import render

if TYPE_CHECKING:
    from index_builder import BuildReport

_MAX_SKIPPED = 20


def build(allowed: bool) -> str:
    """Return the tab, with places for the progress and the folders; if building is off, how to allow it."""
    return render("build/build.html", allowed=allowed)


def folders(folder: FolderList) -> str:
    """Return the open folder: the folders above and in it, and the button that builds it."""
    return render("build/folders.html", folder=folder)


def no_folder(problem: str) -> str:
    """Return why a folder is not shown, and the link back to the roots."""
    return render("build/no_folder.html", problem=problem)


def progress(status: JobStatus, report: BuildReport | None) -> str:
    """Return the progress of a build, or how the last one ended."""
    pages, skipped = (_pages(report), report.skipped) if report else ("", ())
    return render(
        "build/progress.html",
        status=status,
        stage=stage_name(status.progress),
        text=progress_text(status.progress),
        report=report,
        pages=pages,
        skipped=skipped[:_MAX_SKIPPED],
        more=max(0, len(skipped) - _MAX_SKIPPED),
    )


def _pages(report: BuildReport) -> str:
    """Return how many pages of each status a build saw: "2 new, 8 unchanged"."""
    counts = {
        "new": report.pages_new,
        "changed": report.pages_changed,
        "restored": report.pages_restored,
        "missing": report.pages_missing,
        "unchanged": report.pages_unchanged,
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
