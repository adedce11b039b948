"""The calls that the pinned questions stand for: the one module here that names the API under test.

Questions, answers and reports are plain values under names of their own. A change of the API's names changes
this module and leaves the questions and the stored answers as they are.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from index_builder import build_index
from retrieval import PanelIndex, Query, load_encoder
from retrieval.errors import PanelseekError, PictureError, UsageError
from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
from tests.pinned.material import Material

LIMIT = 8
"""Hits for each question that names no limit."""

SEARCH_FIELDS = {
    "like": "panel",
    "negative": "negative_text",
    "view": "view",
    "limit": "k",
    "skip": "offset",
    "at_least": "min_score",
    "per_page": "per_page",
    "per_book": "per_book",
    "exhaustive": "exact",
    "lists": "nprobe",
    "itself": "include_self",
}
"""Fields of a question, and the arguments of a search that they become unchanged."""

MEANT = {"said": "dialogue", "drawn": "picture", "either": "any"}
"""Views that text alone is searched in, by what it means."""

FILTERS = {"file": "source", "page_type": "label"}
"""Filters whose names differ; all others are called here as in the API."""


# ----------------------------------------------------------------------- building


def encoder() -> Any:
    """Return the encoder that all pinned libraries are built with."""
    return load_encoder("small", device="cpu")


def build(sources: Sequence[Path], folder: Path, loaded: Any, **options: Any) -> dict[str, Any]:
    """Build an index and return its report as plain values."""
    return report_values(build_index(sources, folder, encoder=loaded, **{"ocr": False, "workers": 0, **options}))


def open_index(folder: Path, loaded: Any) -> PanelIndex:
    """Open an index for the questions."""
    return PanelIndex.open(folder, encoder=loaded)


def report_values(report: Any) -> dict[str, Any]:
    """Return what a build report counts. Times, absolute paths and sentences are left out."""
    found = report.as_dict()
    return {
        "books": found["books"],
        "pages": found["pages"],
        "panels": found["panels"],
        "panels with dialogue": found["panels_with_dialogue"],
        "pages kept whole as well": found["low_confidence_pages"],
        "new": found["pages_new"],
        "changed": found["pages_changed"],
        "moved": found["pages_moved"],
        "gone": found["pages_missing"],
        "back": found["pages_restored"],
        "unchanged": found["pages_unchanged"],
        "left out": found["pages_excluded"],
        "annotations": sorted(found["annotations"].values()),
        "encoded": found["encoded"],
        "copied": found["reused"],
        "encoder": found["encoder"]["name"],
        "generation": found["generation"],
        "views": {name: [view["index_type"], view["panels"]] for name, view in found["views"].items()},
        "skipped": sorted(Path(each["path"]).name for each in found["skipped"]),
        "notes": sorted(Path(each["path"]).name for each in found["warnings"]),
    }


# ------------------------------------------------------------------- what it holds

_RECORDED_SOURCES = {"detector": "finder"}
"""Sources of boxes that the stored answers have under another name."""


def panel_ids(index: PanelIndex) -> list[int]:
    """Return the ids of all panels in order of book, page and number."""
    return [panel.id for panel in index.browse(k=100_000)]


def contents(index: PanelIndex) -> dict[str, Any]:
    """Return books, pages and panels of an index as plain values."""
    panels = index.browse(k=100_000)
    pages = {p.page_id: [p.page_id, p.page_path, p.page_number, p.page_width, p.page_height, p.label] for p in panels}
    books = [
        [b.id, b.title, b.path, b.book_format, b.pages, b.panels, {k: list(v) for k, v in index.metadata(b.id).items()}]
        for b in index.books()
    ]
    return {
        "books": books,
        "pages": list(pages.values()),
        "panels": [
            [
                p.id,
                p.book_id,
                p.page_id,
                p.number,
                p.box.as_list(),
                digest(p.dialogue),
                digest(p.sound_effects),
                p.text_source,
                _RECORDED_SOURCES.get(p.box_source, p.box_source),
                [round(weight, 4) for weight in p.gate],
            ]
            for p in panels
        ],
        "thumbnails": [thumbnail_values(p.id, index.thumbnail(p)) for p in panels[::9]],
    }


def thumbnail_values(panel: int, webp: bytes) -> list[Any]:
    """Return [panel, width, height, mean red, mean green, mean blue] of a small picture."""
    with Image.open(io.BytesIO(webp)) as picture:
        mean = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert isinstance(mean, tuple)
        return [panel, picture.width, picture.height, *mean]


def digest(text: str) -> str:
    """Return a short digest of a text, "" for none: real comics' words are not stored here."""
    return hashlib.sha256(text.encode()).hexdigest()[:8] if text else ""


def dialogue_of(index: PanelIndex, panel: int) -> str:
    """Return the words of a panel."""
    return index.panel(panel).dialogue


def picture_of(index: PanelIndex, panel: int) -> Image.Image:
    """Return a panel's picture, cut from its page."""
    return index.panel_image(index.panel(panel))


def page_picture_of(index: PanelIndex, panel: int) -> Image.Image:
    """Return the picture of the page that a panel is on."""
    return index.page_image(index.panel(panel).page_id)


# -------------------------------------------------------------------------- asking


def ask(index: PanelIndex, question: Mapping[str, Any], material: Material) -> Any:
    """Ask one question and return its answer as plain values; a refused one gives {"refused": its kind}."""
    try:
        return _ASK[question.get("ask", "search")](index, question, material)
    except UsageError:
        return {"refused": "question"}
    except PictureError:
        return {"refused": "picture"}
    except PanelseekError:
        return {"refused": "other"}


def arguments(question: Mapping[str, Any], material: Material) -> dict[str, Any]:
    """Return the arguments of a search."""
    found = {name: question[field] for field, name in SEARCH_FIELDS.items() if field in question}
    found.setdefault("k", LIMIT)
    if "meant" in question:
        found.setdefault("view", MEANT[question["meant"]])
    if "text" in question:
        found["text"] = material.text(question["text"])
    if "picture" in question:
        found["image"] = material.picture(question["picture"])
    if "where" in question:
        found["where"] = where(question)
    return found


def where(question: Mapping[str, Any]) -> Any:
    """Return the filter of a question under the API's names."""
    given = question.get("where")
    return {FILTERS.get(name, name): value for name, value in given.items()} if isinstance(given, dict) else given


def hit_values(hit: Any) -> list[Any]:
    """Return [panel, score, ranking strength, matched on, view, matched words] of a hit."""
    return [
        hit.panel.id,
        round(hit.score, 6),
        round(hit.ranking_score, 6),
        str(hit.matched_on),
        str(hit.view),
        list(hit.matched_words),
    ]


def hits_values(hits: Sequence[Any]) -> dict[str, Any]:
    """Return all hits and the rank of the first."""
    assert [hit.rank for hit in hits] == [hits[0].rank + place for place in range(len(hits))] if hits else True
    return {"first": hits[0].rank if hits else 0, "hits": [hit_values(hit) for hit in hits]}


def _search(index: PanelIndex, question: Mapping[str, Any], material: Material) -> Any:
    return hits_values(index.search(**arguments(question, material)))


def _batch(index: PanelIndex, question: Mapping[str, Any], material: Material) -> Any:
    queries = [Query(**arguments(each, material)) for each in question["questions"]]
    return {"batch": [hits_values(hits) for hits in index.search_many(queries)]}


def _close(index: PanelIndex, question: Mapping[str, Any], material: Material) -> Any:
    hits = index.search_many([Query(**arguments(question, material))])[0]
    return {"exactly": hits[0].close if hits else None}


def _count(index: PanelIndex, question: Mapping[str, Any], _: Material) -> Any:
    return {"exactly": index.count(where(question))}


def _browse(index: PanelIndex, question: Mapping[str, Any], _: Material) -> Any:
    panels = index.browse(where(question), question.get("limit", LIMIT), question.get("skip", 0))
    return {"exactly": [panel.id for panel in panels]}


def _facets(index: PanelIndex, question: Mapping[str, Any], _: Material) -> Any:
    renamed = {name: field for field, name in FILTERS.items()}
    found = index.facets(where(question), question.get("limit", LIMIT))
    return {"exactly": {renamed.get(name, name): [[f.value, f.panels] for f in found[name]] for name in sorted(found)}}


def _page(index: PanelIndex, question: Mapping[str, Any], _: Material) -> Any:
    page = index.panel(question["like"]).page_id
    return {"exactly": [panel.id for panel in index.page_panels(page)]}


def _lookalikes(index: PanelIndex, _: Mapping[str, Any], __: Material) -> Any:
    groups = load_lookalikes(index) or make_lookalikes(index)
    rows = [[g, panel, *values] for g, group in enumerate(groups) for panel, values in group.items()]
    return {
        "exactly": [[group, panel, mirrored] for group, panel, _, mirrored in rows],
        "shares": [round(likeness, 3) for _, _, likeness, _ in rows],
    }


_ASK = {
    "search": _search,
    "batch": _batch,
    "close": _close,
    "count": _count,
    "browse": _browse,
    "facets": _facets,
    "page": _page,
    "lookalikes": _lookalikes,
}
