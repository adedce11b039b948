"""A tiny library with one hostile book, and an encoder that can be slow."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.protocol import QueryInput
from retrieval.records import View
from tests.conftest import GridEncoder, draw_page, panel_boxes

HOSTILE = "<img src=x onerror=window.hacked=1>"
HOSTILE_BOOK = "Evil <img src=x onerror=window.hacked=2> & ${window.hacked=3} {{value}}"

BOOKS: dict[str, list[list[str]]] = {
    "Harbour": [
        ["The rain never stops here", "Bring the lantern", "", "Who goes there?"],
        ["Nobody saw the ship", "", "A letter for you", "Bring more rain"],
    ],
    "Orchard": [["Apples fall in autumn", "The ladder broke", "", "Good night, garden"]],
    HOSTILE_BOOK: [[f"Danger {HOSTILE} shouted", "${window.hacked=4} `quoted` danger", "", "ordinary words"]],
}


@dataclass(frozen=True)
class Site:
    """A server that may build, its index, its comics, and the folder it may build from."""

    url: str
    index: Path
    comics: Path
    root: Path


class SlowGridEncoder(GridEncoder):
    """Takes a second for queries with the word "slowly", so that two of them run at once."""

    def encode_queries(self, queries: Sequence[QueryInput], view: View) -> NDArray[np.float32]:
        if any("slowly" in (query.text or "") for query in queries):
            time.sleep(1.0)
        return super().encode_queries(queries, view)


def draw_library(folder: Path) -> Path:
    """Draw the books above as folders of pages with annotations. Returns the folder."""
    for place, (book, pages) in enumerate(BOOKS.items()):
        for number, texts in enumerate(pages, 1):
            page = folder / book / f"{number:03}.png"
            page.parent.mkdir(parents=True, exist_ok=True)
            picture = draw_page(10 * place + number, len(texts))
            picture.save(page)
            panels = [{"bbox": b, "text": t} for b, t in zip(panel_boxes(len(texts)), texts, strict=True)]
            about = {"image_width": picture.width, "image_height": picture.height, "panels": panels}
            page.with_suffix(".json").write_text(json.dumps(about))
    return folder


def draw_book(folder: Path, pages: dict[str, int]) -> None:
    """Draw pages by name and seed, four panels each."""
    folder.mkdir(parents=True)
    for name, seed in pages.items():
        draw_page(seed).save(folder / f"{name}.png")
        boxes = [{"bbox": box, "text": ""} for box in panel_boxes(4)]
        about = {"image_width": 400, "image_height": 600, "panels": boxes}
        (folder / f"{name}.json").write_text(json.dumps(about))
