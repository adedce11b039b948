"""Accuracy and speed of the panel detector on annotated comics.

    python benchmarks/panel_detector.py --markdown
    python benchmarks/panel_detector.py --variant scanned

The comics are read from PANELSEEK_COMICS (default: ../shared/data/comics next to the checkout). Boxes are matched one
to one. A page without detected panels counts as one box of the whole page, as in a build. Times are for one core.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass, field, fields

import cv2
from annotated_pages import HELD_OUT, AnnotatedPage, annotated_pages, comics_folder, exactly_right, match, or_whole_page
from figures.rows import Figures
from page_variants import VARIANTS, variant

from index_builder.panels import DETECTOR_VERSION, detect_panels

LEVELS = (0.5, 0.75)
"""Intersection over union from which boxes match: loosely, and well."""


@dataclass
class DetectionScores:
    """Sums over pages.

    - complete: pages with all panels at IoU 0.5 and no other.
    - exact: the same at IoU 0.75.
    - ordered: complete pages in the right reading order.
    - low_confidence: pages with a low confidence.
    - low_confidence_wrong: those of them that are not exact.
    - seconds: process time of all pages.
    - slowest: process time of one page.
    """

    pages: int = 0
    annotated: int = 0
    detected: int = 0
    matched: int = 0
    matched_well: int = 0
    complete: int = 0
    exact: int = 0
    ordered: int = 0
    low_confidence: int = 0
    low_confidence_wrong: int = 0
    seconds: float = 0.0
    slowest: float = field(default=0.0, metadata={"join": max})

    def add(self, other: DetectionScores) -> None:
        """Add the sums of other pages."""
        for item in fields(self):
            join = item.metadata.get("join", lambda a, b: a + b)
            setattr(self, item.name, join(getattr(self, item.name), getattr(other, item.name)))

    def as_dict(self) -> dict[str, float]:
        """Return one row of the table."""
        boxes = max(1, self.annotated + self.detected)
        return {
            "pages": self.pages,
            "panels": self.annotated,
            "f1_50": round(2 * self.matched / boxes, 3),
            "f1_75": round(2 * self.matched_well / boxes, 3),
            "complete_50": self.complete,
            "exact_75": self.exact,
            "ordered": self.ordered,
            "low_confidence": self.low_confidence,
            "low_confidence_wrong": self.low_confidence_wrong,
            "ms_a_page": round(1000 * self.seconds / max(1, self.pages)),
            "ms_slowest": round(1000 * self.slowest),
        }


def measure(page: AnnotatedPage) -> DetectionScores:
    """Detect the panels of one page and compare them with the annotated ones."""
    start = time.process_time()
    detection = detect_panels(page.picture, right_to_left=page.right_to_left)
    seconds = time.process_time() - start
    boxes, truth = or_whole_page(detection.boxes, page.picture), page.boxes
    matches = match(truth, boxes, LEVELS[0])
    complete = exactly_right(truth, boxes, LEVELS[0])
    exact = exactly_right(truth, boxes, LEVELS[1])
    return DetectionScores(
        pages=1,
        annotated=len(truth),
        detected=len(boxes),
        matched=len(matches),
        matched_well=len(match(truth, boxes, LEVELS[1])),
        complete=complete,
        exact=exact,
        ordered=complete and [matches[i] for i in range(len(truth))] == sorted(matches.values()),
        low_confidence=detection.low_confidence,
        low_confidence_wrong=detection.low_confidence and not exact,
        seconds=seconds,
        slowest=seconds,
    )


def score_table(variant_name: str, only: str) -> dict[str, DetectionScores]:
    """Return the scores by series, then "tuned on", "held out" and "all"."""
    series: dict[str, DetectionScores] = defaultdict(DetectionScores)
    sums: dict[str, DetectionScores] = {row: DetectionScores() for row in ("tuned on", "held out", "all")}
    for page in annotated_pages(comics_folder(), only):
        scores = measure(variant(page, variant_name))
        series[page.series].add(scores)
        sums["held out" if page.series.endswith(HELD_OUT) else "tuned on"].add(scores)
        sums["all"].add(scores)
    return dict(sorted(series.items())) | sums


HEADINGS = ("pages", "panels", "F1@0.5", "F1@0.75", "complete", "exact", "ordered", "low", "wrong", "ms", "slowest")


def show(rows: dict[str, DetectionScores], markdown: bool) -> None:
    """Print the table."""
    lines = [("series", *HEADINGS)]
    lines += [(name, *(str(value) for value in scores.as_dict().values())) for name, scores in rows.items()]
    if markdown:
        lines.insert(1, ("---",) * len(lines[0]))
        print("\n".join("| " + " | ".join(line) + " |" for line in lines))
        return
    print(f"detector {DETECTOR_VERSION}; complete: all panels at IoU 0.5 and no other; exact: the same at IoU 0.75;")
    print("ordered: complete, in order; low: low confidence; wrong: low confidence, not exact; ms: one core, per page")
    for first, *rest in lines:
        print(f"{first:22}" + "".join(f"{cell:>9}" for cell in rest))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the panel detector on annotated comics.")
    parser.add_argument("--only", default="", help="use only pages with this in their path")
    parser.add_argument("--variant", choices=VARIANTS, default="plain", help="alter the pages first")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the rows as JSON")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    figures = Figures("panel_detector", arguments.json)
    rows = score_table(arguments.variant, arguments.only)
    show(rows, arguments.markdown)
    found = rows["all"].as_dict()
    figures.add("panels of a page on one core", found["ms_a_page"], "ms", reason=f"{found['pages']} pages")
    figures.add("panels of the slowest page", found["ms_slowest"], "ms")
    figures.add("panels found, F1 at IoU 0.75", found["f1_75"], "")


if __name__ == "__main__":
    main()
