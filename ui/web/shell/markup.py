"""HTML that every view shares. Every text that comes from comics, file names or people passes through `escape`."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from html import escape

from retrieval.records import Panel

LOGO = (
    '<svg class="logo" viewBox="0 0 40 40" aria-hidden="true">'
    '<rect class="sheet-of-paper" x="2" y="2" width="36" height="36" rx="5"/>'
    '<rect class="ink" x="7" y="7" width="11" height="12" rx="1"/><rect class="sun" x="21" y="7" width="12" height="12"'
    ' rx="1"/><rect class="ink" x="7" y="22" width="26" height="11" rx="1"/></svg>'
)

VIEW_NAMES = {"picture": "pictures", "dialogue": "dialogue", "fused": "all in one"}
"""What the page calls the views by which panels are compared."""

_ALT = 120
_WRITTEN = re.compile(r"(?:\S+-[ \t]*\n\s*)*\S+")
_BROKEN = re.compile(r"-\s*\n\s*")
_EXCERPT = 140
_TWO_LINES = 60  # letters, on a card of middling width


def masthead(views: list[tuple[str, str]]) -> str:
    """The name of the page, and the way to its views, (name in the address, name on screen)."""
    links = "".join(f'<a href="{_address(name)}" data-view="{name}">{escape(label)}</a>' for name, label in views)
    return (
        f'<header class="masthead"><a class="home" href="?">{LOGO}<h1>Panelseek</h1></a>'
        f'<nav class="tabs" aria-label="Views">{links}</nav></header>'
    )


def _address(view: str) -> str:
    return "?" if view == "search" else f"?view={view}"


def nothing_yet(title: str, text: str) -> str:
    """A view that has nothing to show."""
    return f'<section class="nothing"><h2>{escape(title)}</h2><p>{escape(text)}</p></section>'


def notice(text: str) -> str:
    """A line about something that went wrong, read out by screen readers."""
    return f'<p class="notice" role="alert">{escape(text)}</p>'


def picture(panel: Panel, alt: str | None = None, small: bytes | None = None) -> str:
    """A panel's picture, small first, sharp where there is room; fetched when it comes into view.

    small: WebP bytes of the small one, to be sent along instead of fetched.
    """
    source = panel_picture(panel)
    first = source if small is None else f"data:image/webp;base64,{b64encode(small).decode()}"
    return (
        f'<img src="{first}" data-sharp="{source}&amp;side=960" loading="lazy" decoding="async"'
        f' alt="{escape(describe(panel) if alt is None else alt)}">'
    )


def panel_picture(panel: Panel) -> str:
    """The address of a panel's picture. It changes with the picture, so that browsers may keep it."""
    return f"pictures/panel/{panel.id}?v={panel.vector_row}"


def page_picture(panel: Panel) -> str:
    """The address of the picture of a panel's page."""
    return f"pictures/page/{panel.page_id}?v={panel.vector_row}"


def describe(panel: Panel) -> str:
    """A panel in one line, for people who do not see it: "Panel 3 on page 7 of Book: 'dialogue…'"."""
    place = f"Panel {panel.number} on page {panel.page_number} of {panel.book}"
    said = " ".join(panel.dialogue.split())
    return f"{place}: '{shorten(said, _ALT)}'" if said else f"{place}, no words"


def shorten(text: str, length: int) -> str:
    """At most `length` letters, cut at a space where there is one near the end."""
    text = text.strip()
    if len(text) <= length:
        return text
    cut = text[:length]
    space = cut.rfind(" ")
    return (cut[:space] if space > length // 2 else cut).rstrip() + "…"


def plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


# ------------------------------------------------------------------------ dialogue


def excerpt(dialogue: str, words: Iterable[str]) -> str:
    """Two lines of dialogue, from where most of the matched words stand together."""
    if not dialogue.strip():
        return '<span class="said none">no words</span>'
    chosen = set(words)
    start = _best_start(dialogue, chosen)
    text = shorten(dialogue[start:], _EXCERPT)
    return f'<span class="said">{"… " if start else ""}{highlight(text, chosen)}</span>'


def _best_start(dialogue: str, words: set[str]) -> int:
    """The matched word with the most different ones in the two lines after it; 0 when the beginning does as well."""
    found = [(m.start(), _joined(m.group())) for m in _WRITTEN.finditer(dialogue) if _joined(m.group()) in words]

    def seen(start: int) -> int:
        return len({word for at, word in found if start <= at < start + _TWO_LINES})

    best = max((at for at, _ in found), key=seen, default=0)
    return best if seen(best) > seen(0) else 0


def highlight(dialogue: str, words: Iterable[str]) -> str:
    """Dialogue as HTML, the matched words (as they are written there) marked."""
    chosen = set(words)

    def piece(match: re.Match[str]) -> str:
        safe = escape(match.group())
        return f"<mark>{safe}</mark>" if _joined(match.group()) in chosen else safe

    return _WRITTEN.sub(piece, dialogue)


def _joined(word: str) -> str:
    """A word broken over lines, as the search sees it."""
    return _BROKEN.sub("", word)
