"""How well the panel finder does on annotated comics.

    python benchmarks/panel_finder.py --markdown
    python benchmarks/panel_finder.py --variant scanned

The comics are looked for in PANELSEEK_COMICS (default ../shared/data/comics beside the checkout). Matching is one to
one. A page on which nothing is found counts as one box of the whole page, as in a build. Time is that of one core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field, fields

import cv2
from annotated_pages import HELD_OUT, AnnotatedPage, annotated_pages, comics_folder, exactly_right, match, or_whole_page
from page_variants import VARIANTS, variant

from index_builder.panels import FINDER, examine

LEVELS = (0.5, 0.75)


@dataclass
class Figures:
    """Sums over pages. `complete`: all panels found at IoU 0.5 and no other; `ordered`: these in reading order too.

    `doubted`: pages of low confidence; `doubted_wrong`: those of them that are not exactly right at IoU 0.75.
    """

    pages: int = 0
    truth: int = 0
    found: int = 0
    matched: int = 0
    matched_well: int = 0
    complete: int = 0
    exact: int = 0
    ordered: int = 0
    doubted: int = 0
    doubted_wrong: int = 0
    seconds: float = 0.0
    slowest: float = field(default=0.0, metadata={"join": max})

    def add(self, other: Figures) -> None:
        for item in fields(self):
            join = item.metadata.get("join", lambda a, b: a + b)
            setattr(self, item.name, join(getattr(self, item.name), getattr(other, item.name)))

    def as_dict(self) -> dict[str, float]:
        """The figures as they are shown."""
        boxes = max(1, self.truth + self.found)
        return {
            "pages": self.pages,
            "panels": self.truth,
            "f1_50": round(2 * self.matched / boxes, 3),
            "f1_75": round(2 * self.matched_well / boxes, 3),
            "complete_50": self.complete,
            "exact_75": self.exact,
            "ordered": self.ordered,
            "doubted": self.doubted,
            "doubted_wrong": self.doubted_wrong,
            "ms_a_page": round(1000 * self.seconds / max(1, self.pages)),
            "ms_slowest": round(1000 * self.slowest),
        }


def measure(page: AnnotatedPage) -> Figures:
    start = time.process_time()
    outcome = examine(page.picture, right_to_left=page.right_to_left)
    seconds = time.process_time() - start
    found, truth = or_whole_page(outcome.boxes, page.picture), page.boxes
    places = match(truth, found, LEVELS[0])
    complete = exactly_right(truth, found, LEVELS[0])
    exact = exactly_right(truth, found, LEVELS[1])
    return Figures(
        pages=1,
        truth=len(truth),
        found=len(found),
        matched=len(places),
        matched_well=len(match(truth, found, LEVELS[1])),
        complete=complete,
        exact=exact,
        ordered=complete and [places[i] for i in range(len(truth))] == sorted(places.values()),
        doubted=outcome.doubtful,
        doubted_wrong=outcome.doubtful and not exact,
        seconds=seconds,
        slowest=seconds,
    )


def table(name: str, only: str) -> dict[str, Figures]:
    """Figures by series, then "tuned on", "held out" and "all"."""
    series: dict[str, Figures] = defaultdict(Figures)
    sums: dict[str, Figures] = {row: Figures() for row in ("tuned on", "held out", "all")}
    for page in annotated_pages(comics_folder(), only):
        figures = measure(variant(page, name))
        series[page.series].add(figures)
        sums["held out" if page.series.endswith(HELD_OUT) else "tuned on"].add(figures)
        sums["all"].add(figures)
    return dict(sorted(series.items())) | sums


HEADINGS = ("pages", "panels", "F1@0.5", "F1@0.75", "complete", "exact", "ordered", "doubted", "wrong", "ms", "slowest")


def show(rows: dict[str, Figures], markdown: bool) -> None:
    lines = [("series", *HEADINGS)]
    lines += [(name, *(str(value) for value in figures.as_dict().values())) for name, figures in rows.items()]
    if markdown:
        lines.insert(1, ("---",) * len(lines[0]))
        print("\n".join("| " + " | ".join(line) + " |" for line in lines))
        return
    print(f"finder {FINDER}; complete: every panel at IoU 0.5 and no other; exact: at 0.75; ordered: of the complete;")
    print("doubted: low confidence; wrong: of the doubted, not exact; ms of one core a page")
    for first, *rest in lines:
        print(f"{first:22}" + "".join(f"{cell:>9}" for cell in rest))


def main() -> None:
    parser = argparse.ArgumentParser(description="How well the panel finder does on annotated comics.")
    parser.add_argument("--only", default="", help="only pages with this in their path")
    parser.add_argument("--variant", choices=VARIANTS, default="plain", help="alter the pages first")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    rows = table(asked.variant, asked.only)
    if asked.json:
        print(json.dumps({"finder": FINDER, "rows": {name: row.as_dict() for name, row in rows.items()}}, indent=1))
    else:
        show(rows, asked.markdown)


if __name__ == "__main__":
    main()
