"""The worker process of one checkout, which runs commands with the checkout that PYTHONPATH names."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

NEGATIVE_NAMES = ("negative_text", "without")
THUMBNAIL_NAMES = ("thumbnails", "small_pictures")
"""Names of one thing in different versions, the newest first."""

Reply = dict[str, Any]


class Worker:
    """Commands over the checkout that PYTHONPATH names; each returns its times and its answer."""

    def __init__(self) -> None:
        from index_builder import build_index
        from retrieval import PanelIndex, load_encoder

        self._build_index, self._open = build_index, PanelIndex.open
        self._encoder = load_encoder("small", device="cpu")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        self._negative = ""
        self._index: Any = None
        self._panels: list[Any] = []
        self._pictures: dict[str, Image.Image] = {}

    def build(self, sources: Sequence[str], index: str) -> Reply:
        """Build an index in a folder."""

        def call() -> Any:
            return self._build_index(sources, index, encoder=self._encoder, ocr=False, workers=0)

        return timed(call, lambda report: [report.pages, report.panels])

    def use(self, index: str) -> Reply:
        """Open the index that is searched; return how many panels it has and the dialogues of some."""
        self._index = self._open(index, encoder=self._encoder)
        self._panels = self._index.browse(k=100_000)
        said = [panel.dialogue for panel in self._panels if len(panel.dialogue.split()) > 5]
        return {"panels": len(self._panels), "said": said[:: max(1, len(said) // 12)][:12]}

    def open(self, index: str) -> Reply:
        """Open an index and close it."""
        return timed(lambda: self._open(index).close(), lambda _: None)

    def browse(self, **question: Any) -> Reply:
        """List panels without a query."""
        return timed(lambda: self._index.browse(**question), lambda panels: [panel.id for panel in panels])

    def thumbnails(self, first: int, count: int) -> Reply:
        """Read thumbnails of panels that follow each other."""
        panels = self._panels[first : first + count]
        read = next((getattr(self._index, name) for name in THUMBNAIL_NAMES if hasattr(self._index, name)), None)
        if read is None:
            return timed(lambda: [self._index.thumbnail(panel) for panel in panels], len)
        return timed(lambda: read(panels), len)

    def search(self, **question: Any) -> Reply:
        """Search with text, a picture file, a panel given by its place in browsing order, or negative text."""
        if "image" in question:
            question["image"] = self._picture(question["image"])
        if "panel" in question:
            question["panel"] = self._panels[question["panel"]].id
        if "negative" in question:
            negative = question.pop("negative")
            self._negative = self._negative or self._name_of_negative(question)
            question[self._negative] = negative
        return timed(lambda: self._index.search(**question), lambda hits: [hit.panel.id for hit in hits])

    def _picture(self, path: str) -> Image.Image:
        if path not in self._pictures:
            with Image.open(path) as picture:
                self._pictures[path] = picture.convert("RGB")
        return self._pictures[path]

    def _name_of_negative(self, question: Mapping[str, Any]) -> str:
        for name in NEGATIVE_NAMES[:-1]:
            try:
                self._index.search(**question, **{name: "nothing"})
            except TypeError:
                continue
            return name
        return NEGATIVE_NAMES[-1]


def timed(call: Callable[[], Any], answer: Callable[[Any], Any]) -> Reply:
    """Return wall and processor seconds of a call, and a summary of its answer."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "answer": answer(found)}


def serve() -> None:
    """Answer JSON lines from standard input; whatever libraries print goes to standard error."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr
    import retrieval

    worker = Worker()
    print(json.dumps({"from": str(Path(str(retrieval.__file__)).resolve().parents[1])}), file=out, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        reply = getattr(worker, command.pop("do"))(**command)
        print(json.dumps(reply), file=out, flush=True)
