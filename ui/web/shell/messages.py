"""Messages of the web app: errors as sentences, and texts that are shown in several places."""

from __future__ import annotations

import logging

from retrieval.errors import IndexLocked, PanelseekError, PictureError, SourceError, UsageError
from ui.output.errors import error_sentence

log = logging.getLogger("panelseek.web")

COMIC_UNREADABLE = "This comic file cannot be read. Was it moved, or is its drive disconnected?"
INDEX_UNUSABLE = "Search is not working right now. The server's log has the reason."
COLLECTIONS_UNUSABLE = "Collections cannot be read or changed right now. The server's log has the reason."
LIBRARY_LOCKED = "Another program is using the library at the moment. Please try again later."
JOB_CRASHED = "This failed unexpectedly. The server's log has the details."

NOTHING_TO_SEARCH_FOR = "enter something to search for, or add an image"
ONLY_EXCLUSIONS = "enter something to search for; exclusions only remove results"
NO_SUCH_PANEL = "this panel is no longer in the library"
NO_SUCH_BOOK = "this book is no longer in the library"
NO_SUCH_COLLECTION = "this collection is no longer there"
NO_SUCH_FOLDER = "this folder does not exist here"
UPLOAD_EXPIRED = "the uploaded image has expired"
NOT_AN_IMAGE = "this file is not an image"

UPLOAD_NOT_IN_LINK = (
    "This link came from a search with an uploaded image, and uploads stay on the computer they came from. "
    "Add the image again to see the same results."
)
NO_ARTWORK_SEARCH = "This index cannot search artwork by description."


def user_message(error: PanelseekError, unusable: str = INDEX_UNUSABLE) -> str:
    """Return the message for an error: problem and hint if the visitor can act on it.

    unusable: the message for damaged and unwritable files.
    Problems of the server go to the log, and so do paths on this machine.
    """
    if isinstance(error, UsageError | PictureError):
        return error_sentence(error, with_path=False)
    if isinstance(error, SourceError):
        return COMIC_UNREADABLE
    log.error("%s: %s", type(error).__name__, error_sentence(error))
    return LIBRARY_LOCKED if isinstance(error, IndexLocked) else unusable
