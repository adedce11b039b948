"""One damage: the index that is damaged, the questions that it is asked, and what becomes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.damage.kinds import DAMAGES
from index_builder import build_index, repair_index
from retrieval import PanelIndex, verify_index
from retrieval.errors import PanelseekError
from retrieval.overview.lookalikes import load_lookalikes, make_lookalikes
from retrieval.overview.panel_map import load_panel_map, make_panel_map
from retrieval.search.query import Query

BOOKS = ("The Dark Lamp", "The Last Bus to Owl Hill")
"""Sample comics; the first one alone is the older generation."""

TOLERANCE = 2e-3
"""Difference of two numbers in an answer that counts as none: panels encoded in another batch differ less."""

WORDS = ("the lamp is dark", "last bus", "owl hill", "who turned off the light")
OPTIONS: dict[str, Any] = {"ocr": False, "index_kind": "ivfpq", "workers": 0}

Answer = list[Any]


# ---------------------------------------------------------------- intact index


def make_intact(work: Path, encoder: Any) -> Path:
    """Build the index, and keep the files of its first generation in WORK/older."""
    comics, index = work / "comics", work / "intact"
    if (work / "answers.json").exists():
        return index
    samples = Path(__file__).resolve().parents[2] / "sample_data" / "comics"
    for number, book in enumerate(BOOKS):
        shutil.copytree(samples / book, comics / book, dirs_exist_ok=True)
        build_index([comics], index, encoder=encoder, **OPTIONS)
        make_derived(index, encoder)
        if number == 0:
            shutil.copytree(index, work / "older", dirs_exist_ok=True)
    (work / "answers.json").write_text(json.dumps(ask(index, encoder)))
    return index


# ------------------------------------------------------------------- questions


def ask(index: Path, encoder: Any) -> Answer:
    """Return the answers to the fixed questions, without ids: those may change.

    None stands for what is derived and not there; it is made again with the next request.
    """
    picture = Image.open(next((index.parent / "comics" / BOOKS[0]).glob("*-03.jpg"))).convert("RGB")
    with PanelIndex.open(index, encoder=encoder) as opened:
        shown = opened.browse(k=1000)
        by_place = {(p.page_path, p.number): p for p in shown}
        answers: Answer = [[place(panel) for panel in shown], [b.title for b in opened.books()]]
        queries = [Query(text=words, k=5) for words in WORDS]
        queries += [Query(image=picture.crop((0, 0, 400, 300)), k=5), Query(image=picture, text="bus", k=5)]
        queries += [Query(panel=by_place[key].id, k=5) for key in sorted(by_place)[::20]]
        queries += [Query(text="light", k=5, where={"book": "%Lamp%", "has_dialogue": True})]
        for hits in opened.search_many(queries):
            found = [[round(h.score, 4), place(h.panel), list(h.matched_words)] for h in hits]
            answers.append([sorted(found, key=str), hits[0].close if hits else None])
        shapes = [len(opened.thumbnail(panel)) > 0 for panel in shown[::10]]
        return [*answers, shapes, _map(opened), _groups(opened)]


def make_derived(index: Path, encoder: Any) -> None:
    """Store what is made with the first request: the map and the look-alikes."""
    with PanelIndex.open(index, encoder=encoder) as opened:
        make_panel_map(opened)
        make_lookalikes(opened)


def _map(opened: PanelIndex) -> Answer | None:
    drawn = load_panel_map(opened)
    if drawn is None:
        return None
    panels = _panels(opened, drawn.ids)
    points = [[place(panel), *point] for panel, point in zip(panels, drawn.points.tolist(), strict=True)]
    return sorted(points, key=str)


def _groups(opened: PanelIndex) -> int | None:
    groups = load_lookalikes(opened)
    return None if groups is None else len(groups)


def _panels(opened: PanelIndex, ids: Any) -> list[Any]:
    panels = opened.catalog.panels.get(ids.tolist())
    return [panels[i] for i in ids.tolist()]


def place(panel: Any) -> list[Any]:
    """Return the facts of a panel that a person sees."""
    box = [round(float(v), 2) for v in (panel.box.x, panel.box.y, panel.box.w, panel.box.h)]
    return [panel.book, panel.page_path, panel.page_number, panel.number, box, panel.dialogue]


def same(one: Any, right: Any) -> bool:
    """Return True if an answer differs from the right one only in the last digits of numbers, and in what is absent."""
    if one is None:
        return True
    if isinstance(one, list) and isinstance(right, list):
        return len(one) == len(right) and all(map(same, one, right))
    if isinstance(one, float) or isinstance(right, float):
        return isinstance(one, int | float) and isinstance(right, int | float) and abs(one - right) <= TOLERANCE
    return bool(one == right)


# ------------------------------------------------------------------ one damage


def attempt(call: Callable[[], Any]) -> tuple[str, Any]:
    """Return ("done", result), ("sentence", text) or ("traceback", text)."""
    try:
        return "done", call()
    except PanelseekError as error:
        return "sentence", str(error)
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {error}"


def examine(work: Path, number: int, seed: int, encoder: Any, right: Answer) -> dict[str, Any]:
    """Do damage `number` to a copy of the index, and return the outcome of each step."""
    rng = np.random.default_rng([seed, number])
    kind = str(rng.choice(list(DAMAGES), p=[share for _, share in DAMAGES.values()]))
    index = work / "damaged"
    shutil.rmtree(index, ignore_errors=True)
    shutil.copytree(work / "intact", index)
    seen: dict[str, Any] = {"n": number, "kind": kind, "what": DAMAGES[kind][0](rng, index, work / "older")}
    outcome, answer = attempt(lambda: ask(index, encoder))
    seen["asked"] = ("right" if same(answer, right) else "wrong") if outcome == "done" else outcome
    seen["said"] = answer if outcome != "done" else ""
    outcome, report = attempt(lambda: verify_index(index, encoder=encoder, sample=8))
    seen["verified"] = ("sound" if report.sound else "named") if outcome == "done" else outcome
    seen["named"] = [p.found for p in report.problems][:3] if outcome == "done" else report
    if (seen["asked"], seen["verified"]) == ("right", "sound"):
        return seen | {"after": "mended"}  # nothing to mend
    repaired, text = attempt(lambda: repair_index(index, encoder=encoder))
    built, more = attempt(lambda: build_index([work / "comics"], index, encoder=encoder, **OPTIONS))
    seen["repair"], seen["build"] = repaired, built
    seen["repair_said"] = [str(t) for o, t in ((repaired, text), (built, more)) if o != "done"]
    seen["after"] = _after(index, encoder, right) if "traceback" not in (repaired, built) else "traceback"
    return seen


def _after(index: Path, encoder: Any, right: Answer) -> str:
    """Return "mended", "still named", "sentence", "traceback", or "wrong": answers differ and nothing says so."""
    outcome, report = attempt(lambda: verify_index(index, encoder=encoder, sample=0))
    if outcome != "done" or not report.sound:
        return "still named" if outcome == "done" else outcome
    outcome, answer = attempt(lambda: ask(index, encoder))
    return ("mended" if same(answer, right) else "wrong") if outcome == "done" else outcome
