"""How well words are read on annotated comics, and whether they find their panels again.

    python benchmarks/dialogue.py --markdown --cache readings

The comics are looked for in PANELSEEK_COMICS (default ../shared/data/comics beside the checkout): the pages in English
that run from left to right. Words are compared as bags of the tokens that searching compares (`tokens`:
case, accents, apostrophes and punctuation undone), panel by panel, over the panels whose words are given, those without
words included. With found boxes a given panel is compared with the found one that matches it (IoU 0.5); words of other
found panels count as wrongly read. Searching: the pages alone, without their annotations, are built into an index with
`small`, and five words in a row of each panel's given text are asked; a hit is right when it is on that page and
matches the panel (IoU 0.5) or covers it. `--cache` keeps the readings, so that a second run reads nothing.
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
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from annotated_pages import comics_folder, iou, match, or_whole_page
from numpy.typing import NDArray

from index_builder import build_index
from index_builder.dialogue import OcrSettings, Words, read_words
from index_builder.dialogue.assignment import common
from index_builder.dialogue.ocr_cache import NAME
from index_builder.dialogue.ocr_engine import Engine, load_engine
from index_builder.panels import find_panels
from retrieval import PanelIndex, Query
from retrieval.images.decode import open_image
from retrieval.records import Box, Panel
from retrieval.search.ranking.text_match import tokens

ASKED = 5
COVERS = 0.9
"""Of a given panel, so much lies in one that covers it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its given panels; a text is None where nobody wrote it down."""

    series: str
    path: Path
    boxes: list[Box]
    texts: list[str | None]


@dataclass
class Figures:
    """Sums over panels whose words are given: words in common, given and read, for given and for found boxes."""

    pages: int = 0
    panels: int = 0
    given: int = 0
    right: int = 0
    read: int = 0
    right_found: int = 0
    read_found: int = 0
    apart: int = 0

    def add(self, other: Figures) -> None:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    def as_dict(self) -> dict[str, float]:
        return {
            "pages": self.pages,
            "panels": self.panels,
            "words": self.given,
            "recall": round(self.right / max(1, self.given), 3),
            "precision": round(self.right / max(1, self.read), 3),
            "recall, found boxes": round(self.right_found / max(1, self.given), 3),
            "precision, found boxes": round(self.right_found / max(1, self.read_found), 3),
            "words kept apart": self.apart,
        }


def english_pages(root: Path, only: str) -> Iterator[Page]:
    """The annotated pages in English that run from left to right."""
    for note in sorted(root.rglob("*.json")):
        if note.name == "index.json" or only not in str(note):
            continue
        page = json.loads(note.read_text())
        if not page.get("panels") or (page.get("language"), page.get("reading_direction")) != ("en", "ltr"):
            continue
        texts = [panel.get("text") for panel in page["panels"]]
        boxes = [Box(*panel["bbox"]) for panel in page["panels"]]
        yield Page(note.relative_to(root).parts[0], note.with_name(page["page"]), boxes, texts)


def measure(page: Page, how: OcrSettings) -> Figures:
    data = page.path.read_bytes()
    picture = np.asarray(open_image(data))
    content = hashlib.sha256(data).digest()
    found = or_whole_page(find_panels(picture), picture)
    given = read_words(picture, content, page.boxes, how).words
    again = read_words(picture, content, found, how).words
    places = match(page.boxes, found, 0.5)
    told = [i for i, text in enumerate(page.texts) if text is not None]
    figures = Figures(pages=1, panels=len(told))
    for i in told:
        truth = Counter(tokens(page.texts[i] or ""))
        figures.given += truth.total()
        figures.read += len(tokens(given[i].dialogue))
        figures.apart += len(tokens(given[i].effects))
        figures.right += (truth & said(given[i])).total()
        figures.right_found += (truth & said(again[places[i]])).total() if i in places else 0
    unknown = {places[i] for i in range(len(page.boxes)) if i in places and page.texts[i] is None}
    figures.read_found = sum(said(words).total() for j, words in enumerate(again) if j not in unknown)
    return figures


def said(words: Words) -> Counter[str]:
    return Counter(tokens(words.dialogue))


def searched(pages: list[Page], cache: Path, root: Path, seed: int) -> dict[str, float]:
    """R@1 and R@10 of five words in a row, in an index of the pages without their annotations."""
    with tempfile.TemporaryDirectory() as name:
        comics, index = Path(name) / "comics", Path(name) / "an.index"
        for page in pages:
            place = comics / page.path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page.path, place)
        index.mkdir()
        shutil.copyfile(cache / NAME, index / NAME)
        build_index([comics], index, encoder="small", thumbnails=False)
        draw = random.Random(seed)
        asked = [
            (words, page.path.relative_to(root).as_posix(), box)
            for page in pages
            for box, text in zip(page.boxes, page.texts, strict=True)
            if (words := five(text or "", draw))
        ]
        with PanelIndex.open(index) as opened:
            answers = opened.search_many([Query(text=words, k=10) for words, _, _ in asked])
            ranks = [
                next((hit.rank for hit in hits if right(hit.panel, path, box)), 0)
                for (_, path, box), hits in zip(asked, answers, strict=True)
            ]
    first, ten = (sum(0 < rank <= limit for rank in ranks) / max(1, len(ranks)) for limit in (1, 10))
    return {"panels asked": len(ranks), "R@1": round(first, 3), "R@10": round(ten, 3)}


def five(text: str, draw: random.Random) -> str:
    """Five words in a row of a text, "" where there are fewer."""
    words = text.split()
    if len(words) < ASKED:
        return ""
    start = draw.randrange(len(words) - ASKED + 1)
    return " ".join(words[start : start + ASKED])


def right(panel: Panel, path: str, box: Box) -> bool:
    if not path.endswith(panel.source):
        return False
    return iou(panel.box, box) >= 0.5 or common(panel.box, box) >= COVERS * box.w * box.h


def pace(pages: list[Page], engine: Engine) -> dict[str, float]:
    """Seconds of one core for pages read whole, and read panel by panel; both sides in turns."""
    whole = parts = 0.0
    for page in pages:
        picture = np.asarray(open_image(page.path))
        cuts = [cut for box in page.boxes if (cut := cut_out(picture, box)).size]
        start = time.process_time()
        engine.read(picture)
        between = time.process_time()
        for cut in cuts:
            engine.read(cut, as_it_is=True)
        whole, parts = whole + between - start, parts + time.process_time() - between
    count = max(1, len(pages))
    return {"pages": len(pages), "s whole": round(whole / count, 2), "s by panels": round(parts / count, 2)}


def cut_out(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    x, y = max(0, round(box.x)), max(0, round(box.y))
    return picture[y : y + round(box.h), x : x + round(box.w)]


def tables(asked: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    root = comics_folder().resolve()
    pages = list(english_pages(root, asked.only))
    asked.cache.mkdir(parents=True, exist_ok=True)
    how = OcrSettings(asked.cache, "auto", 1)
    series: dict[str, Figures] = defaultdict(Figures)
    for page in pages:
        figures = measure(page, how)
        series[page.series].add(figures)
        series["all"].add(figures)
    words = {name: series[name].as_dict() for name in sorted(series, key=lambda name: (name == "all", name))}
    found = {"words": words, "search": {"five words": searched(pages, asked.cache, root, asked.seed)}}
    if asked.timed:
        found["pace"] = {"one core": pace(pages[:: max(1, len(pages) // asked.timed)][: asked.timed], load_engine(1))}
    return found


def show(rows: dict[str, dict[str, float]], markdown: bool) -> None:
    names = list(next(iter(rows.values())))
    lines = [("", *names), *((name, *(str(row[key]) for key in names)) for name, row in rows.items())]
    if markdown:
        lines.insert(1, ("---",) * len(lines[0]))
        print("\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n")
        return
    for line in lines:
        print(f"{line[0]:22}" + "".join(f"{cell:>24}" for cell in line[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only pages with this in their path")
    parser.add_argument("--cache", type=Path, default=Path("readings"), help="folder that keeps the readings")
    parser.add_argument("--timed", type=int, default=12, help="pages to time; 0 leaves that out")
    parser.add_argument("--seed", type=int, default=0, help="which words are asked")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print Markdown tables")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    found = tables(asked)
    if asked.json:
        print(json.dumps(found, indent=1))
    for rows in () if asked.json else found.values():
        show(rows, asked.markdown)


if __name__ == "__main__":
    main()
