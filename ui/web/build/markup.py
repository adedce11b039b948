"""The view `build` as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ui.web.build.handlers import Folders
from ui.web.shell.jobs import Moment
from ui.web.shell.markup import nothing_yet, notice, plural

if TYPE_CHECKING:
    from index_builder import BuildReport

NOT_ALLOWED = (
    "This server may not build. Whoever starts it can allow folders with panelseek serve --allow-build FOLDER, "
    "or build with panelseek build."
)
_SHOWN = 20


def view(inside: str) -> str:
    """The view's title, and what stands below it."""
    return f'<section class="build"><h2>Build</h2>{inside}</section>'


def not_allowed() -> str:
    return view(nothing_yet("Building is not switched on here", NOT_ALLOWED))


def places() -> str:
    """Where the progress of a build and the folders go."""
    return view('<div class="progress-place" aria-live="polite"></div><div class="folders-place"></div>')


def folders(found: Folders) -> str:
    """Where one is, the folders inside, and the button that builds this one."""
    items = "".join(_folder(found, name) for name in found.folders)
    listed = f'<ul class="folders">{items}</ul>' if items else '<p class="aside">No folders inside.</p>'
    more = f'<p class="aside">and {found.more:,} more folders</p>' if found.more else ""
    name = escape(found.path.split("/")[-1] or found.roots[found.root])
    return (
        f'<nav class="crumbs" aria-label="Folder">{_crumbs(found)}</nav>{_other_roots(found)}{listed}{more}'
        f'<p class="aside">{found.files:,} {plural(found.files, "file")} here. A build reads this folder and all below '
        "it; pages that are in the index already are not read again.</p>"
        f'<p class="start"><button type="button" class="button primary" data-build="start" data-root="{found.root}"'
        f' data-path="{escape(found.path)}">Build <em>{name}</em></button></p>'
    )


def no_folder(problem: str) -> str:
    """Why a folder is not shown, and the way back to those that can be built."""
    return f'<p><a class="quiet-link" href="?view=build">← All folders</a></p>{notice(problem)}'


def _crumbs(found: Folders) -> str:
    """The way from the root to the open folder, which is no link: it is where one is."""
    names = [found.roots[found.root], *(found.path.split("/") if found.path else [])]
    steps = [_open(found.root, "/".join(names[1:depth]), name) for depth, name in enumerate(names[:-1], 1)]
    here = f'<span aria-current="location" tabindex="-1">{escape(names[-1])}</span>'
    return '<span aria-hidden="true">/</span>'.join([*steps, here])


def _other_roots(found: Folders) -> str:
    others = [_open(number, "", name) for number, name in enumerate(found.roots) if number != found.root]
    return f'<p class="aside roots">Or build from {" ".join(others)}</p>' if others else ""


def _folder(found: Folders, name: str) -> str:
    return f"<li>{_open(found.root, f'{found.path}/{name}' if found.path else name, name)}</li>"


def _open(root: int, path: str, name: str) -> str:
    """The way to a folder, by its address."""
    parts = {"view": "build", "root": root or None, "folder": path or None}
    address = urlencode({part: value for part, value in parts.items() if value is not None})
    return f'<a href="?{escape(address)}">{escape(name)}</a>'


def progress(now: Moment, report: BuildReport | None) -> str:
    """How the build stands, or how the last one ended."""
    if now.state == "running":
        share = "" if now.share is None else f' value="{now.share:.3f}"'
        return (
            f'<div class="at-work"><p role="status">{escape(now.stage or "Starting")}</p>'
            f'<progress aria-label="Progress of the build"{share}></progress>'
            f'<p class="aside">{escape(now.text)}</p>'
            '<p><button type="button" class="button" data-build="stop">Stop</button></p></div>'
        )
    if now.state == "failed":
        return notice(now.problem)
    if now.state == "stopped":
        return (
            '<p class="said-so" role="status">Stopped. What was encoded is kept: the same build goes on from there, '
            "and its new pages are found once it has ended.</p>"
        )
    return _report(report) if now.state == "done" and report is not None else ""


def _report(report: BuildReport) -> str:
    fates = {
        "new": report.pages_new,
        "changed": report.pages_changed,
        "back again": report.pages_restored,
        "gone": report.pages_missing,
        "unchanged": report.pages_unchanged,
    }
    pages = ", ".join(f"{count:,} {name}" for name, count in fates.items() if count)
    skipped = "".join(
        f"<li><strong>{escape(path)}</strong>: {escape(reason)}</li>" for path, reason in report.skipped[:_SHOWN]
    )
    more = f"<li>and {len(report.skipped) - _SHOWN:,} more</li>" if len(report.skipped) > _SHOWN else ""
    left_out = f"<h3>Skipped</h3><ul>{skipped}{more}</ul>" if skipped else ""
    return (
        f'<section class="report" role="status"><h3>Done in {report.seconds["total"]:.0f} s</h3>'
        f"<p>The index now holds {report.books:,} {plural(report.books, 'book')}, {report.pages:,} "
        f"{plural(report.pages, 'page')} and {report.panels:,} {plural(report.panels, 'panel')}. Pages: {pages}.</p>"
        f"{left_out}</section>"
    )
