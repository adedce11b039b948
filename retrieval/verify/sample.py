"""Verification against the comics: panels are encoded again and compared with the stored vectors.

Runs take turns: each continues where the last one stopped, so that repeated runs cover all panels. The place is kept
in `verified.json` in the folder of the index.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder.inputs import panel_input
from retrieval.errors import PanelseekError
from retrieval.files import replace_file
from retrieval.index import PanelIndex
from retrieval.progress import StageProgress
from retrieval.records import Panel, View
from retrieval.store.hints import RESTORE_HINT
from retrieval.verify.records import Problem, Verification
from retrieval.verify.vectors import described

SAMPLE = 32
"""Panels encoded again from their comics by default."""

MIN_COSINE = 0.999
"""Minimum cosine of a stored vector with its new encoding; float16 and batch shape change it by less than 1e-5."""

FILE = "verified.json"
_BATCH = 64
"""Panels encoded at once; whole pages, so a little more."""

_MIX = 0x9E3779B1
"""Odd number near 2^32 divided by the golden ratio: its multiples are spread evenly, so neighbours are far apart."""

_REBUILD = "run `panelseek build` again with the same sources"


def check_sample(run: Verification, index: PanelIndex, sample: int | None) -> Iterator[Problem]:
    """Encode the next `sample` panels of the part again and compare their vectors; None: all panels."""
    places = run.part.select(run.catalog.panels.vector_places())
    ids = np.array([i for i in places.ids.tolist() if i not in run.damaged], np.int64)
    chosen = ids if sample is None else _next_ids(ids, sample, run.folder / FILE)
    by_page: dict[int, list[Panel]] = defaultdict(list)
    for panel in run.catalog.panels.get(chosen.tolist()).values():
        by_page[panel.page_id].append(panel)
    report = StageProgress(run.progress, "encoding again", "panels", len(chosen))
    batch: list[tuple[Panel, Any]] = []
    run.checked["panels_encoded_again"] = 0
    for place, group in enumerate(by_page.values(), 1):
        batch += _readable(index, group, run.notes)
        if len(batch) >= _BATCH or place == len(by_page):
            yield from _compare(run, index, batch)
            run.checked["panels_encoded_again"] += len(batch)
            report(run.checked["panels_encoded_again"])
            batch = []


def _next_ids(ids: NDArray[np.int64], count: int, file: Path) -> NDArray[np.int64]:
    """Return the `count` ids that follow those of the last run in a fixed order of all, and store the place."""
    keys = ids * _MIX % 2**32
    order = np.argsort(keys, kind="stable")
    start = int(np.searchsorted(keys[order], _last_key(file), side="right"))
    chosen = np.roll(order, -start)[:count]
    if len(chosen):
        last = json.dumps({"last_key": int(keys[chosen[-1]])})
        with suppress(OSError):  # an index that cannot be written: each run takes the same panels
            replace_file(file, lambda temporary: temporary.write_text(last))
    return ids[np.sort(chosen)]


def _last_key(file: Path) -> int:
    try:
        return int(json.loads(file.read_text())["last_key"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return -1


def _readable(index: PanelIndex, panels: list[Panel], notes: list[str]) -> list[tuple[Panel, Any]]:
    """Return the panels of one page as encoder input; none and a note if the page cannot be read."""
    try:
        page = index.page_image(panels[0].page_id)
    except PanelseekError as error:
        notes.append(f"not compared with its comic: {error}")
        return []
    inputs = [(p, panel_input(page, p.box, p.dialogue, p.number)) for p in panels]
    return [(p, item) for p, item in inputs if item is not None]


def _compare(run: Verification, index: PanelIndex, panels: list[tuple[Panel, Any]]) -> Iterator[Problem]:
    """Encode panels and compare with the stored vectors."""
    if not panels:
        return
    encoded = index.encoder.encode([item for _, item in panels])
    for view in View:
        stored = run.vectors.read(view, np.array([p.vector_row for p, _ in panels], np.int64))
        cosines = np.einsum("pd,pd->p", stored, encoded.view(view))
        # text that the encoder cannot read has no vector; indexes of earlier releases have one for it
        empty = ~encoded.view(view).any(axis=1) & (~stored.any(axis=1) | (view is View.DIALOGUE))
        for (panel, _), cosine in zip(panels, np.where(empty, 1.0, cosines), strict=True):
            if not cosine >= MIN_COSINE:
                text = f"{described(panel.id, panel)} has {view} cosine {cosine:.4f} with its comic now"
                hint = f"{_REBUILD}; if that does not help, {RESTORE_HINT}"
                yield Problem("vectors", text, hint, False, panel.page_path)
