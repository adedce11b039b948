"""The whole way over real comics with the embedded encoder: build, find every panel again, ask what is pinned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index_builder import BuildReport, build_index
from retrieval import Panel, PanelIndex, Query, View
from retrieval.encoder.protocol import Encoder
from retrieval.store.catalog.text import tokens
from tests.pinned import adapter, record
from tests.pinned.test_pinned import REAL, check_answers, check_contents, kinds


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    loaded: Encoder = adapter.encoder()
    return loaded


@pytest.fixture(scope="module")
def built(real_comics: Path, tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> tuple[Path, BuildReport]:
    folder = tmp_path_factory.mktemp("real") / "real.index"
    return folder, build_index([real_comics], folder, encoder=encoder, ocr=False, workers=1)


@pytest.fixture(scope="module")
def recorded(built: tuple[Path, BuildReport], encoder: Encoder) -> dict[str, Any]:
    """The answers to the pinned questions now."""
    folder, report = built
    return record.record_index(folder, adapter.report_values(report), encoder)


@pytest.fixture(scope="module")
def index(built: tuple[Path, BuildReport], encoder: Encoder) -> Iterator[PanelIndex]:
    with PanelIndex.open(built[0], encoder=encoder) as index:
        yield index


@pytest.fixture(scope="module")
def panels(index: PanelIndex) -> list[Panel]:
    return index.browse(k=100_000)


def test_every_page_is_indexed(built: tuple[Path, BuildReport], real_comics: Path) -> None:
    """All 247 pages and 26 slices of a strip, joined to 22, are in, each with a panel; annotated ones with theirs."""
    _, report = built
    assert (report.pages, report.skipped) == (247 + 22, ())
    assert report.panels >= report.pages
    assert report.panels_with_dialogue >= 500


def test_panels_are_found_by_their_own_crops(index: PanelIndex, panels: list[Panel]) -> None:
    """Every third panel is the first hit of its own crop, with score >= 0.999; an identical one may share the rank."""
    asking = panels[::3]
    for start in range(0, len(asking), 64):
        part = asking[start : start + 64]
        answers = index.search_many([Query(image=index.panel_image(p), k=2) for p in part])
        for panel, hits in zip(part, answers, strict=True):
            assert hits[0].score >= 0.999, panel
            assert panel.id in {h.panel.id for h in hits if h.score >= hits[0].score - 1e-5}, panel


def test_words_find_the_panel_that_says_them(index: PanelIndex, panels: list[Panel]) -> None:
    """Five words in a row from a panel's dialogue find, as the first hit, a panel with these words."""
    with_dialogue = [p for p in panels if len(tokens(p.dialogue)) >= 7][::7]
    asked = [" ".join(p.dialogue.split()[1:6]) for p in with_dialogue]
    assert len(asked) >= 50
    wrong = []
    for words, hits in zip(asked, index.search_many([Query(text=words, k=1) for words in asked]), strict=True):
        wanted = " ".join(tokens(words))
        if wanted not in " ".join(tokens(hits[0].panel.dialogue)):
            wrong.append((words, hits[0].panel.dialogue))
    assert not wrong


def test_exact_search_is_exhaustive_search(index: PanelIndex, panels: list[Panel]) -> None:
    """The exact path gives what NumPy gives over the stored vectors: same order, same scores.

    In `picture` the highest score of a panel's own vector and its region vectors counts.
    """
    shard = {view: np.fromfile(index.folder / "vectors" / f"{view}-00000.f16", "<f2").reshape(-1, 512) for view in View}
    stored = {view: rows.astype(np.float64) for view, rows in shard.items()}
    basis = np.fromfile(index.folder / "vectors" / "regions.basis.f32", "<f4").reshape(-1, 512)
    files = sorted((index.folder / "vectors").glob("regions-*.i8"))
    regions = np.concatenate([np.fromfile(file, "i1") for file in files]).reshape(len(panels), -1, len(basis))
    windows = regions[[p.vector_row for p in panels]].astype(np.float32) @ basis
    windows /= np.linalg.norm(windows, axis=2, keepdims=True)
    for view in (View.PICTURE, View.FUSED):
        rows = stored[view][[p.vector_row for p in panels]]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        for panel, query in list(zip(panels, rows, strict=True))[::97]:
            scores = rows @ query
            if view is View.PICTURE:
                scores = np.maximum(scores, (windows @ query.astype(np.float32)).max(axis=1))
            hits = index.search(panel=panel.id, view=view, exact=True, k=10)
            best = np.sort(scores)[::-1][:10]
            assert np.allclose([h.score for h in hits], best, atol=1e-5)
            found = {p.id: s for p, s in zip(panels, scores, strict=True)}
            assert np.allclose([found[h.panel.id] for h in hits], best, atol=1e-5)


def test_it_holds_what_it_held(recorded: dict[str, Any]) -> None:
    """The report, books, pages, panels and thumbnails are the stored ones."""
    check_contents(REAL["real"], recorded)


@pytest.mark.parametrize("kind", [kind for _, kind in kinds(REAL)])
def test_questions_are_answered_as_before(recorded: dict[str, Any], kind: str) -> None:
    """Every pinned question of a kind gets its stored answer."""
    check_answers(REAL["real"]["answers"], recorded["answers"], kind)
