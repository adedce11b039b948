"""Accuracy of OCR text on annotated comics, and how well a search by that text finds the panels.

    python benchmarks/dialogue.py --markdown --cache ocr

The comics are read from PANELSEEK_COMICS (default: ../shared/data/comics next to the checkout). Only English pages that
run from left to right are used.

Text is compared panel by panel as bags of search tokens (`tokens`), which ignore case, accents, apostrophes and
punctuation. Panels with annotated text count, also if that text is empty. With detected boxes, an annotated panel is
compared with the detected one that matches it (IoU 0.5); text of the other detected panels counts as wrong.

Search: the pages without their annotations are indexed with `small`. Five consecutive words of each panel's annotated
text are one query. A hit is correct if it is on that page and matches the panel (IoU 0.5) or covers it.

`--cache` keeps the OCR lines, so that a second run needs no OCR.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from annotated_pages import comics_folder, iou, match, or_whole_page
from numpy.typing import NDArray

from index_builder import build_index
from index_builder.dialogue import OcrSettings, PanelText, panel_texts, recognize_page
from index_builder.dialogue.assignment import intersection_area
from index_builder.dialogue.lines import Line
from index_builder.dialogue.ocr_cache import FILE, OcrCache
from index_builder.dialogue.ocr_engine import OcrEngine, load_engine
from index_builder.panels import detect_panels
from retrieval import PanelIndex, Query
from retrieval.images.decode import open_image
from retrieval.records import Box, Panel
from retrieval.store.catalog.text import tokens

QUERY_WORDS = 5
"""Words of a query, consecutive in the annotated text."""

MIN_COVERAGE = 0.9
"""Share of an annotated panel that must lie in a hit that covers it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its annotated panels. A text is None if it is not annotated."""

    series: str
    path: Path
    boxes: list[Box]
    texts: list[str | None]


@dataclass
class TextScores:
    """Sums over panels with annotated text, in tokens.

    annotated: tokens of the annotated text; ocr: of the OCR text; correct: of both, for annotated boxes.
    ocr_detected, correct_detected: the same for detected boxes. other: tokens classified as no dialogue.
    """

    pages: int = 0
    panels: int = 0
    annotated: int = 0
    correct: int = 0
    ocr: int = 0
    correct_detected: int = 0
    ocr_detected: int = 0
    other: int = 0

    def add(self, scores: TextScores) -> None:
        """Add the sums of other pages."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(scores, item.name))

    def as_dict(self) -> dict[str, float]:
        """Return one row of the table."""
        return {
            "pages": self.pages,
            "panels": self.panels,
            "words": self.annotated,
            "recall": round(self.correct / max(1, self.annotated), 3),
            "precision": round(self.correct / max(1, self.ocr), 3),
            "recall, detected boxes": round(self.correct_detected / max(1, self.annotated), 3),
            "precision, detected boxes": round(self.correct_detected / max(1, self.ocr_detected), 3),
            "words, no dialogue": self.other,
        }


def english_pages(root: Path, only: str) -> Iterator[Page]:
    """Yield the annotated English pages that run from left to right. only: part of their path."""
    for note in sorted(root.rglob("*.json")):
        if note.name == "index.json" or only not in str(note):
            continue
        page = json.loads(note.read_text())
        if not page.get("panels") or (page.get("language"), page.get("reading_direction")) != ("en", "ltr"):
            continue
        texts = [panel.get("text") for panel in page["panels"]]
        boxes = [Box(*panel["bbox"]) for panel in page["panels"]]
        yield Page(note.relative_to(root).parts[0], note.with_name(page["page"]), boxes, texts)


def measure(page: Page, settings: OcrSettings) -> TextScores:
    """Run OCR on one page and compare its text with the annotated one."""
    data = page.path.read_bytes()
    image = np.asarray(open_image(data))
    result = recognize_page(image, hashlib.sha256(data).digest(), settings)
    if not result.from_cache:
        OcrCache(settings.cache_folder).put_many([result])
    detected = or_whole_page(detect_panels(image).boxes, image)
    return compare(page, result.lines, detected, (image.shape[1], image.shape[0]))


def compare(page: Page, lines: Sequence[Line], detected: list[Box], size: tuple[int, int]) -> TextScores:
    """Compare the text of OCR lines with the annotated one. detected: boxes of panels. size: of the page in pixels."""
    texts = panel_texts(lines, page.boxes, size)
    detected_texts = panel_texts(lines, detected, size)
    matches = match(page.boxes, detected, 0.5)
    with_text = [i for i, text in enumerate(page.texts) if text is not None]
    scores = TextScores(pages=1, panels=len(with_text))
    for i in with_text:
        truth = Counter(tokens(page.texts[i] or ""))
        scores.annotated += truth.total()
        scores.ocr += bag(texts[i]).total()
        scores.other += len(tokens(texts[i].sound_effects))
        scores.correct += (truth & bag(texts[i])).total()
        scores.correct_detected += (truth & bag(detected_texts[matches[i]])).total() if i in matches else 0
    unknown = {matches[i] for i in range(len(page.boxes)) if i in matches and page.texts[i] is None}
    scores.ocr_detected = sum(bag(text).total() for j, text in enumerate(detected_texts) if j not in unknown)
    return scores


def bag(text: PanelText) -> Counter[str]:
    """Return the bag of search tokens of the dialogue."""
    return Counter(tokens(text.dialogue))


def search_recall(pages: list[Page], cache: Path, root: Path, seed: int) -> dict[str, float]:
    """Return R@1 and R@10 of five-word queries in an index of the pages without their annotations."""
    with tempfile.TemporaryDirectory() as name:
        comics, index = Path(name) / "comics", Path(name) / "an.index"
        for page in pages:
            copy = comics / page.path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page.path, copy)
        index.mkdir()
        shutil.copyfile(cache / FILE, index / FILE)
        build_index([comics], index, encoder="small", thumbnails=False)
        random_words = random.Random(seed)
        queries = [
            (words, page.path.relative_to(root).as_posix(), box)
            for page in pages
            for box, text in zip(page.boxes, page.texts, strict=True)
            if (words := consecutive_words(text or "", random_words))
        ]
        with PanelIndex.open(index) as opened:
            results = opened.search_many([Query(text=words, k=10) for words, _, _ in queries])
            ranks = [
                next((hit.rank for hit in hits if is_correct(hit.panel, path, box)), 0)
                for (_, path, box), hits in zip(queries, results, strict=True)
            ]
    recall_1, recall_10 = (sum(0 < rank <= limit for rank in ranks) / max(1, len(ranks)) for limit in (1, 10))
    return {"queries": len(ranks), "R@1": round(recall_1, 3), "R@10": round(recall_10, 3)}


def consecutive_words(text: str, random_words: random.Random) -> str:
    """Return five consecutive words of a text, "" if it has fewer."""
    words = text.split()
    if len(words) < QUERY_WORDS:
        return ""
    start = random_words.randrange(len(words) - QUERY_WORDS + 1)
    return " ".join(words[start : start + QUERY_WORDS])


def is_correct(panel: Panel, path: str, box: Box) -> bool:
    """Return True if a panel is on the page at `path` and matches or covers the box."""
    if not path.endswith(panel.page_path):
        return False
    return iou(panel.box, box) >= 0.5 or intersection_area(panel.box, box) >= MIN_COVERAGE * box.w * box.h


def time_ocr(pages: list[Page], engine: OcrEngine) -> dict[str, float]:
    """Return seconds of one core per page, for OCR of whole pages and of single panels, measured alternately."""
    by_page = by_panel = 0.0
    for page in pages:
        image = np.asarray(open_image(page.path))
        crops = [part for box in page.boxes if (part := crop(image, box)).size]
        start = time.process_time()
        engine.recognize(image)
        middle = time.process_time()
        for part in crops:
            engine.recognize(part, resize=False)
        by_page, by_panel = by_page + middle - start, by_panel + time.process_time() - middle
    count = max(1, len(pages))
    return {"pages": len(pages), "s by page": round(by_page / count, 2), "s by panel": round(by_panel / count, 2)}


def crop(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the part of an image inside a box."""
    x, y = max(0, round(box.x)), max(0, round(box.y))
    return image[y : y + round(box.h), x : x + round(box.w)]


def tables(arguments: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Return the rows of each table by name."""
    root = comics_folder().resolve()
    pages = list(english_pages(root, arguments.only))
    arguments.cache.mkdir(parents=True, exist_ok=True)
    settings = OcrSettings(arguments.cache, "auto", 1)
    series: dict[str, TextScores] = defaultdict(TextScores)
    for page in pages:
        scores = measure(page, settings)
        series[page.series].add(scores)
        series["all"].add(scores)
    words = {name: series[name].as_dict() for name in sorted(series, key=lambda name: (name == "all", name))}
    recall = search_recall(pages, arguments.cache, root, arguments.seed)
    result = {"words": words, "search": {"five words": recall}}
    if arguments.timed:
        sample = pages[:: max(1, len(pages) // arguments.timed)][: arguments.timed]
        result["speed"] = {"one core": time_ocr(sample, load_engine(1))}
    return result


def show(rows: dict[str, dict[str, float]], markdown: bool) -> None:
    """Print one table."""
    names = list(next(iter(rows.values())))
    lines = [("", *names), *((name, *(str(row[key]) for key in names)) for name, row in rows.items())]
    if markdown:
        lines.insert(1, ("---",) * len(lines[0]))
        print("\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n")
        return
    for line in lines:
        print(f"{line[0]:22}" + "".join(f"{cell:>26}" for cell in line[1:]))


def run(
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], dict[str, Any]],
    report: Callable[[argparse.Namespace, dict[str, Any]], None] | None = None,
) -> None:
    """Parse the command line, measure, and print the tables in the form that was chosen. report: prints the JSON."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print Markdown tables")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    result = measure(arguments)
    if arguments.json:
        if report is not None:
            report(arguments, result)
        else:
            print(json.dumps(result, indent=1))
        return
    for rows in result.values():
        show(rows, arguments.markdown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="use only pages with this in their path")
    parser.add_argument("--cache", type=Path, default=Path("ocr"), help="keep OCR lines in this folder")
    parser.add_argument("--timed", type=int, default=12, help="time OCR on this many pages; 0: skip")
    parser.add_argument("--seed", type=int, default=0, help="choose the words of the queries")
    run(parser, tables)


if __name__ == "__main__":
    main()
