"""What went wrong, as a sentence for the person at the page."""

from __future__ import annotations

import logging

from retrieval.errors import PanelseekError, PictureError, SourceError, UsageError

log = logging.getLogger("panelseek.page")

UNREADABLE = "The comics of this panel cannot be read just now: were they moved, or is their drive missing?"


def friendly(error: PanelseekError) -> str:
    """One sentence. What a person can change is said in full; what names places on this machine stays in the log."""
    if isinstance(error, UsageError | PictureError):
        return sentence(str(error))
    if isinstance(error, SourceError):
        return UNREADABLE
    log.error("%s: %s", type(error).__name__, error)
    return "The index cannot be searched just now. Whoever started the server finds the reason in its log."


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
