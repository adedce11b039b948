"""Run one scenario in a process that has the shim: once recorded, or again and again with calls that fail.

    python -m benchmarks.durability.traced record SCENARIO FOLDER
    python -m benchmarks.durability.traced errors SCENARIO FOLDER CLEAN KINDS ERRNO LASTING CALL...

`errors` prints one line of JSON for each call; the call 0 counts the calls of these kinds.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import retrieval.search.searcher  # noqa: F401 (imported now, so that no import fails)
from benchmarks.durability.scenarios import SCENARIOS, Scenario, sentence
from benchmarks.durability.shim import arm, calls, failed
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.layout import catalog_url
from retrieval.store.thumbnails import Thumbnails


def main() -> None:
    """Run what the command line says."""
    mode, name, folder, *rest = sys.argv[1:]
    scenario = SCENARIOS[name]
    place = scenario.place(Path(folder))
    if mode == "record":
        scenario.act(place)
        return
    kept = Path(f"{folder}.kept")
    shutil.copytree(folder, kept)
    clean, kinds, number, lasting = Path(rest[0]), int(rest[1]), int(rest[2]), rest[3] == "1"
    for call in map(int, rest[4:]):
        if os.fork() == 0:
            try:
                print(json.dumps(_fail(scenario, Path(folder), clean, kinds, number, lasting, call)), flush=True)
            finally:
                os._exit(0)
        os.wait()
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)


def _fail(
    scenario: Scenario, folder: Path, clean: Path, kinds: int, number: int, lasting: bool, call: int
) -> dict[str, Any]:
    """Run a scenario whose n-th call fails, then the next command; return the call, the sentence, and what is wrong."""
    place = scenario.place(folder)
    found, text, report = [], "", None
    before = _named_thumbnails(place.index)
    arm(kinds, call or 10**9, number, lasting=lasting)
    try:
        report = scenario.act(place)
    except BaseException as error:
        text = str(error)
        found.append(sentence(error))
    count, what = calls(), failed()
    arm(0, 0, 0, lasting=False)
    if getattr(report, "skipped", ()):
        found.append(f"taken for damage: {report.skipped}")
    if scenario.sources == ("comics", "more") and before - _stored(place.index):
        found.append("thumbnails were thrown away")
    if call:
        try:
            found += scenario.problems(place, clean, ["needed 1000"])
        except Exception as error:
            found.append(f"the next command failed: {type(error).__name__}: {error}")
    return {"call": call, "calls": count, "what": what, "text": text, "problems": [f for f in found if f]}


def _named_thumbnails(index: Path) -> set[int]:
    """Return the rows of thumbnails of panels that no scenario changes: those of the second source."""
    if not (index / "catalog.sqlite").exists():
        return set()
    with Catalog.open(catalog_url(index)) as catalog:
        ids, rows = catalog.panels.vector_rows()
        panels = catalog.panels.get(ids.tolist())
    return {int(r) for i, r in zip(ids, rows, strict=True) if panels[int(i)].page_path.startswith("other")} & _stored(
        index
    )


def _stored(index: Path) -> set[int]:
    return Thumbnails(index).stored_rows()


if __name__ == "__main__":
    main()
