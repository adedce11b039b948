"""The tab `lookalikes` as HTML."""

from __future__ import annotations

from ui.web.lookalikes.handlers import LookalikeList
from ui.web.shell.jobs import JobStatus
from ui.web.shell.templating import render


def lookalikes() -> str:
    """Return the tab, with a place for the groups."""
    return render("lookalikes/lookalikes.html")


def groups(lookalikes: LookalikeList) -> str:
    """Return the number of groups, and each group collapsed to its first panels."""
    return render("lookalikes/groups.html", found=lookalikes)


def progress(status: JobStatus) -> str:
    """Return the progress of the search, or the button that starts it."""
    return render("lookalikes/progress.html", status=status)
