"""What detectors write, page by page: labelled boxes in no order."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import corners, four, size_of, words
from index_builder.annotations.records import AnnotatedPanel, Written


def read(page: Any) -> Written | None:
    """A detector's page: `detections` with label, score and `box_xyxy`, in no order; or the failure it reports."""
    if not isinstance(page, dict):
        return None
    if "error" in page and "canonical_id" in page and "panels" not in page:
        return Written(notes=(f"the detector failed on this page: {words(page['error']) or 'no reason given'}",))
    if not isinstance(page.get("detections"), list):
        return None
    notes, found = [], []
    for place, item in enumerate(page["detections"], 1):
        if not isinstance(item, dict) or str(item.get("label")).lower() != "panel":
            continue
        box = four(item.get("box_xyxy"))
        if box is None:
            notes.append(f"panel {place} dropped: its box is not four numbers")
        else:
            found.append(AnnotatedPanel(place, corners(*box), None))
    sides = page.get("image_size_wh")
    size = size_of(*sides) if isinstance(sides, list) and len(sides) == 2 else None
    return Written(tuple(found) or None, None, tuple(notes), size=size, ordered=False)
