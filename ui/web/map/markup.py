"""The view `map` as HTML; the map itself is drawn by map.js."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ui.web.map.handlers import Group
from ui.web.shell.jobs import Moment
from ui.web.shell.markup import notice, picture, plural

_HELP = (
    '<p class="aside with-mouse">Panels that look alike lie near each other; where there are many, each is a dot in '
    "the colour of its book. Drag to move, scroll or pinch to come closer, click to open a panel. With the keyboard: "
    "arrows move, + and - come closer and go back, Enter opens the panel in the middle.</p>"
    '<p class="aside with-fingers">Panels that look alike lie near each other. Drag to move, pinch to come closer, tap '
    "to open.</p>"
)


def frame() -> str:
    """The canvas, its buttons, and the same as a list."""
    buttons = "".join(
        f'<button type="button" class="button" data-zoom="{what}" aria-label="{label}">{sign}</button>'
        for what, label, sign in (("in", "Closer", "+"), ("out", "Farther", "-"), ("all", "Everything", "⤢"))
    )
    return (
        f'<section class="map"><h2>Map</h2>{_HELP}<div class="map-progress" aria-live="polite"></div>'
        '<div class="map-place" hidden><canvas tabindex="0" role="img" aria-label="Map of all panels"></canvas>'
        f'<div class="map-buttons">{buttons}</div><p class="map-tip" hidden></p>'
        '<p class="map-said" role="status"></p></div>'
        '<details class="map-list" hidden><summary>The map as a list</summary><div class="map-groups"></div></details>'
        "</section>"
    )


def progress(now: Moment) -> str:
    """How the making of the map stands."""
    if now.state == "failed":
        return notice(now.problem) + _again("Try again")
    if now.state == "stopped":
        return f'<p role="status">Stopped.</p>{_again("Make the map")}'
    share = "" if now.share is None else f' value="{now.share:.3f}"'
    count = f"{now.done:,} of {now.total:,}" if now.total > 1 else ""
    return (
        f'<div class="at-work"><p role="status">The map is being made, once for this library: {escape(now.stage)}</p>'
        f'<progress aria-label="Progress of the map"{share}></progress><p class="aside">{count}</p>'
        '<p><button type="button" class="button" data-map="stop">Stop</button></p></div>'
    )


def _again(label: str) -> str:
    return f'<p><button type="button" class="button" data-map="start">{label}</button></p>'


def groups(found: Sequence[Group]) -> str:
    """The places on the map, the largest first, each with panels from its middle."""
    return f'<ol class="groups">{"".join(_group(group) for group in found)}</ol>'


def _group(group: Group) -> str:
    books = ", ".join(f"{escape(title)} ({count:,})" for title, count in group.books)
    panels = "".join(
        f'<li><a href="?view=map&amp;panel={panel.id}">{picture(panel)}</a></li>' for panel in group.middle
    )
    return (
        f"<li><h3>Group {group.number + 1}: {group.panels:,} {plural(group.panels, 'panel')}</h3>"
        f'<p class="aside">mostly {books}</p><ul class="strip">{panels}</ul>'
        f'<p><button type="button" class="button" data-x="{group.x:.4f}" data-y="{group.y:.4f}"'
        f' data-spread="{group.spread:.4f}">Show on the map</button></p></li>'
    )
