"""Places of weight files by the fingerprint of their encoder, in a file of each user.

Only builds write to an index. A reader that is given the present place of its weights notes it here instead.
"""

from __future__ import annotations

import logging
from pathlib import Path

from retrieval.user_cache import cache_folder, read_notes, write_notes

log = logging.getLogger("panelseek")

FILE = "weights.json"
_MAX_PLACES = 8
"""Places kept for each fingerprint, the newest first."""


def known_places(fingerprint: str) -> list[Path]:
    """Return the places where the weights of an encoder were before, the newest first; they may be gone."""
    return [Path(place) for place in _read().get(fingerprint, [])]


def remember_place(fingerprint: str, path: Path) -> None:
    """Note where the weights of an encoder are; without a folder that can be written, it is only logged."""
    place = str(path.absolute())
    known = _read()
    if known.get(fingerprint, [])[:1] == [place]:
        return
    others = [each for each in known.get(fingerprint, []) if each != place]
    known[fingerprint] = [place, *others][:_MAX_PLACES]
    try:
        write_notes(FILE, known)
    except OSError as error:
        file = cache_folder() / FILE
        log.warning("%s: the place of the weights is not remembered (%s)", file, error.strerror or error)


def _read() -> dict[str, list[str]]:
    """Return the noted places; a missing or damaged file has none."""
    return {
        fingerprint: [place for place in places if isinstance(place, str)]
        for fingerprint, places in read_notes(FILE).items()
        if isinstance(places, list)
    }
