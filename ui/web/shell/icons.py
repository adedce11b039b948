"""Small line drawings for buttons; drawn here, so that nothing is fetched."""

from __future__ import annotations

_PATHS = {
    "close": '<path d="M5 5l10 10M15 5L5 15"/>',
    "left": '<path d="M12.5 4.5L7 10l5.5 5.5"/>',
    "right": '<path d="M7.5 4.5L13 10l-5.5 5.5"/>',
    "down": '<path d="M5 7.5l5 5 5-5"/>',
    "search": '<circle cx="8.6" cy="8.6" r="5.4"/><path d="M12.8 12.8L17 17"/>',
    "spark": '<rect x="2.5" y="3.5" width="9" height="9" rx="1"/><path d="M8 16.5h8.5a1 1 0 0 0 1-1V7"/>',
    "quote": '<path d="M3 4.5h14v8.5H9l-4 3.5V13H3z"/>',
    "picture": '<rect x="2.5" y="4" width="15" height="12" rx="1"/><path d="M3 14l4.5-4.5 3.5 3.5 2.5-2.5L17 14"/>'
    '<circle cx="12.8" cy="7.6" r="1.1"/>',
    "page": '<rect x="4" y="2.5" width="12" height="15" rx="1"/><path d="M4 8h12M10 8v9.5"/>',
    "link": '<path d="M8.5 11.5a3.2 3.2 0 0 0 4.6.2l2.6-2.6a3.2 3.2 0 0 0-4.6-4.6L10 5.6"/>'
    '<path d="M11.5 8.500a3.2 3.2 0 0 0-4.6-.2L4.3 10.900a3.2 3.2 0 0 0 4.6 4.600L10 14.4"/>',
    "camera": '<path d="M2.5 6.500h3.600l1.4-2h5l1.4 2h3.600v9.500h-15z"/><circle cx="10" cy="11" r="2.9"/>',
    "crop": '<path d="M5.5 2v12.500H18M2 5.500h12.500V18"/>',
    "upload": '<path d="M10 13V4M6.5 7.200L10 3.700l3.5 3.500M3 13v3.500h14V13"/>',
}


def icon(name: str) -> str:
    """A drawing of 20 units, as large as the text beside it; the text says what it means."""
    return (
        f'<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor"'
        f' stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">{_PATHS[name]}</svg>'
    )
