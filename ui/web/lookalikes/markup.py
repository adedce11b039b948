"""The view `lookalikes` as HTML."""

from __future__ import annotations

from html import escape

from retrieval.overview.lookalikes import LookalikePanel
from ui.web.lookalikes.handlers import Groups
from ui.web.shell.jobs import Moment
from ui.web.shell.markup import describe, nothing_yet, notice, picture, plural

ABOUT = (
    "Panels of different books that show the same: reprints, other scans, mirrored ones. The pictures decide; what is "
    "not the same can be said here and is remembered."
)


def groups(found: Groups) -> str:
    """How many groups there are, then each folded around its first panels."""
    if not found.of:
        return nothing_yet("No look-alikes", "No panel of one book shows the same as one of another.")
    heading = f'<h3 role="status">{found.of:,} {plural(found.of, "group")} of look-alikes</h3>'
    items = "".join(
        _group(found.start + place, group, more)
        for place, (group, more) in enumerate(zip(found.groups, found.more, strict=True), 1)
    )
    return f'{heading}<ol class="alikes">{items}</ol>{_more(found.following)}'


def _more(following: int | None) -> str:
    if following is None:
        return ""
    return f'<p class="more"><button type="button" class="button" data-start="{following}">More groups</button></p>'


def _group(number: int, group: tuple[LookalikePanel, ...], more: int) -> str:
    books = list(dict.fromkeys(alike.panel.book for alike in group))
    named = ", ".join(escape(book) for book in books[:3]) + (f" and {len(books) - 3} more" if len(books) > 3 else "")
    count = len(group) + more
    faces = "".join(f'<span class="face">{picture(alike.panel, "")}</span>' for alike in group[:3])
    members = "".join(_member(alike, group, first=place == 0) for place, alike in enumerate(group))
    rest = f'<p class="aside">and {more:,} more panels</p>' if more else ""
    return (
        f'<li><details><summary aria-label="Group {number}: {count} panels of {escape(", ".join(books[:3]))}">{faces}'
        f'<span class="about-group"><strong>{count} {plural(count, "panel")}</strong> in {named}</span></summary>'
        f'<ul class="members">{members}</ul>{rest}</details></li>'
    )


def _member(alike: LookalikePanel, group: tuple[LookalikePanel, ...], first: bool) -> str:
    panel = alike.panel
    others = " ".join(str(each.panel.id) for each in group if each.panel.id != panel.id)
    mirrored = ' · <span class="why">mirrored</span>' if alike.mirrored else ""
    alt = describe(panel)
    return (
        f'<li data-panel="{panel.id}"><a href="?view=lookalikes&amp;panel={panel.id}">{picture(panel)}</a>'
        f'<span class="book">{escape(panel.book)}</span>'
        f'<span class="place">page {panel.page_number} · panel {panel.number}{mirrored}</span>'
        f'<button type="button" class="button" data-apart="{panel.id}" data-others="{others}"'
        f' aria-label="Not the same: {escape(alt)}">Not the same</button></li>'
    )


def progress(now: Moment) -> str:
    """How the looking stands, or the button that begins it."""
    if now.state == "running":
        share = "" if now.share is None else f' value="{now.share:.3f}"'
        count = f"{now.done:,} of {now.total:,}" if now.total > 1 else ""
        return (
            f'<div class="at-work"><p role="status">Looking for look-alikes: {escape(now.stage)}</p>'
            f'<progress aria-label="Progress"{share}></progress><p class="aside">{count}</p>'
            '<p><button type="button" class="button" data-look="stop">Stop</button></p></div>'
        )
    failed = notice(now.problem) if now.state == "failed" else ""
    return (
        f'{failed}<section class="nothing"><h2>Nobody has looked yet</h2><p>All panels are compared once for this '
        'library; that takes from seconds to some minutes.</p><p><button type="button" class="button primary"'
        ' data-look="start">Look for look-alikes</button></p></section>'
    )
