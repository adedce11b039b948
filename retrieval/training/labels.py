"""What kind of page a page is, from a file of labels: only pages that tell the story are trained on.

The file is flat JSON, {"<path of a page without its extension>": "<class>"}, as page classifiers of the
published framework write it. Its paths rarely start where ours do, so they are compared from their ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from retrieval.errors import UsageError

STORY = frozenset({"story", "narrative"})
"""Two names of one class; any other counts as not the story."""

_AMBIGUOUS, _NOTHING = -1, -2


@dataclass(frozen=True, slots=True)
class Labelled:
    """`classes`: one for each page asked for, None where no label is surely its own. `ambiguous` counts those pages
    whose ending several labels share, or whose label several pages could claim."""

    classes: list[str | None]
    ambiguous: int


def read_labels(path: Path) -> dict[str, str]:
    """The labels by page path. Raises `UsageError` for a file that is missing or of another form."""
    expected = 'expected one JSON object {"book/page": "class", ...}'
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"the labels {path} cannot be read ({error}): {expected}") from error
    if not isinstance(content, dict) or not content:
        raise UsageError(f"the labels {path} hold {type(content).__name__} or nothing: {expected}")
    for key, value in content.items():
        if not isinstance(value, str):
            raise UsageError(f"the labels {path} give {key!r} a {type(value).__name__}: {expected}")
    return content


def match(labels: Mapping[str, str], pages: Sequence[str]) -> Labelled:
    """The class of each page, `pages` being their full paths without the extension, '/' between the parts.

    A page takes the label of its full path, else the one that shares its longest ending: at least book and
    page, unless the label has one part only. What two labels, or two pages, could mean is left out.
    """
    names = list(labels)
    endings = _endings(names)
    found = [_find(page, endings, names) for page in pages]
    best: dict[int, tuple[int, str]] = {}
    contested: set[int] = set()
    for page, (label, length) in zip(pages, found, strict=True):
        if label < 0:
            continue
        held, holder = best.get(label, (0, ""))
        if length > held:
            best[label] = (length, page)
            contested.discard(label)
        elif length == held and page != holder:
            contested.add(label)
    classes: list[str | None] = []
    ambiguous = 0
    for page, (label, _) in zip(pages, found, strict=True):
        sure = label >= 0 and label not in contested and best[label][1] == page
        classes.append(labels[names[label]].strip().lower() if sure else None)
        ambiguous += not sure and (label == _AMBIGUOUS or label in contested)
    return Labelled(classes, ambiguous)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path.replace("\\", "/")).parts if part != "/")


def _endings(names: Sequence[str]) -> dict[str, int]:
    """Every ending of every label -> which label, or `_AMBIGUOUS`; a whole label is never ambiguous."""
    endings: dict[str, int] = {}
    for place, name in enumerate(names):
        parts = _parts(name)
        for start in range(len(parts)):
            ending = "/".join(parts[start:])
            endings[ending] = _AMBIGUOUS if ending in endings else place
    endings.update({"/".join(_parts(name)): place for place, name in enumerate(names)})
    return endings


def _find(page: str, endings: Mapping[str, int], names: Sequence[str]) -> tuple[int, int]:
    """(label or a reason, parts shared) of a page."""
    parts = _parts(page)
    for start in range(len(parts)):
        length = len(parts) - start
        label = endings.get("/".join(parts[start:]), _NOTHING)
        if label == _NOTHING:
            continue
        if length == 1 and (label == _AMBIGUOUS or len(_parts(names[label])) > 1):
            break  # only the bare file name agrees: `0001` is in every book
        return label, length
    return _NOTHING, 0
