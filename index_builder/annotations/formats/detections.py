"""Output of panel detectors: one page per file, with labelled boxes in no order."""

from __future__ import annotations

from typing import Any

from index_builder.annotations.parsing import box_of_corners, parse_four_numbers, parse_size_pair, parse_text
from index_builder.annotations.records import AnnotatedPanel, RawAnnotation


def read(page: Any) -> RawAnnotation | None:
    """Return the page, or None if this is another format.

    `detections` have a label, a score and `box_xyxy`. A file with an `error` reports that the detector failed.
    """
    if not isinstance(page, dict):
        return None
    if "error" in page and "canonical_id" in page and "panels" not in page:
        reason = parse_text(page["error"]) or "no reason given"
        return RawAnnotation(warnings=(f"the detector failed on this page: {reason}",))
    if not isinstance(page.get("detections"), list):
        return None
    warnings, panels = [], []
    for number, item in enumerate(page["detections"], 1):
        if not isinstance(item, dict) or str(item.get("label")).lower() != "panel":
            continue
        box = parse_four_numbers(item.get("box_xyxy"))
        if box is None:
            warnings.append(f"panel {number} dropped: its box is not four numbers")
        else:
            panels.append(AnnotatedPanel(number, box_of_corners(*box), None))
    size = parse_size_pair(page.get("image_size_wh"))
    return RawAnnotation(tuple(panels) or None, None, tuple(warnings), page_size=size, in_reading_order=False)
