"""Publishing while a build runs: what is written can be searched before the build ends."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import select

from index_builder.write import CatalogWriter, Publisher, WritableIndex, encode
from index_builder.write.running import publish
from retrieval import PanelIndex
from retrieval.build_state import FILE, LOCK, read_build_state, write_build_state
from retrieval.errors import IndexDamaged
from retrieval.filters import Filter
from retrieval.progress import Progress
from retrieval.search.query import QueryFields
from retrieval.store.catalog.catalog import Catalog
from retrieval.store.catalog.tables import TextChangeRow
from retrieval.store.layout import catalog_url
from retrieval.verify import verify_index
from tests.building.library import build, page
from tests.building.test_interrupted import Stopped, same_as_clean, stop_at, tidy
from tests.conftest import GridEncoder
from ui.output.notes import build_notes


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds publish after every batch at the end of a book."""
    monkeypatch.setattr(publish, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(publish, "GROWTH", 1.0)
    monkeypatch.setattr(publish, "SHARE", 1e9)
    monkeypatch.setattr(encode, "_PANELS_PER_COMMIT", 8)


class Publishing:
    """A publisher over an empty index, with a clock that tests set and publications of a chosen length."""

    def __init__(self, index: Path, monkeypatch: pytest.MonkeyPatch, *, searched: bool = False) -> None:
        self.now, self.seconds = 0.0, 1.0
        monkeypatch.setattr(publish, "publish_generation", self._publish)
        monkeypatch.setattr(publish, "FIRST_SECONDS", 20.0)
        catalog = CatalogWriter.create(catalog_url(index))
        catalog.write_settings(generation=1 if searched else None)
        self.opened = WritableIndex(index, catalog)
        monkeypatch.setattr(WritableIndex, "next_row", lambda _: 1_000_000 if searched else 0)
        self.publisher = Publisher(self.opened, {}, 0.0, lambda: self.now)

    def _publish(self, *_: object) -> int:
        self.now += self.seconds
        return 1

    def at(self, now: float, panels: int, *, between_books: bool = True) -> bool:
        """Return True if a publication is due then, and publish."""
        self.now = now
        due = self.publisher.is_due(panels, between_books=between_books)
        if due:
            self.publisher.publish(panels)
        return due


def test_the_first_comes_within_a_minute_and_the_next_ones_at_growing_intervals(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two books if one ends in time, never without new panels."""
    index.mkdir()
    run = Publishing(index, monkeypatch)
    assert not run.at(19, 100)
    assert not run.at(21, 0)
    assert not run.at(21, 100, between_books=False)
    assert run.at(36, 100, between_books=False)
    assert run.publisher.searchable == 100
    assert not run.at(53, 200)
    assert not run.at(60, 100)
    assert run.at(60, 200)
    times = [now for now in range(61, 3600) if run.at(now, now + 140)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) >= 5
    assert gaps == sorted(gaps)


def test_publishing_takes_no_more_than_its_share(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All publications together, each expected to grow with the panels."""
    index.mkdir()
    run = Publishing(index, monkeypatch)
    run.seconds = 8.0
    assert run.at(20, 100)
    spent = 8.0
    for now in range(30, 5000):
        if run.at(now, now * 5):
            spent += run.seconds
            assert spent <= publish.SHARE * now + 1e-9


def test_a_large_index_waits_longer_for_its_first(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that is searched already: a generation of a million rows is not written after 20 seconds."""
    index.mkdir()
    run = Publishing(index, monkeypatch, searched=True)
    assert not run.at(900, 100)
    assert run.at(1001, 100)


def test_a_running_build_answers(big: Path, index: Path, at_once: None) -> None:
    """From the first book on, each time with whole books; in the end all is as without publishing."""
    seen: list[tuple[int, set[str]]] = []

    def look(progress: Progress) -> None:
        if progress.stage != "encode" or not (index / "generations").exists():
            return
        with PanelIndex.open(index, encoder=GridEncoder()) as opened:
            hits = opened.search(text="here", k=100)
            seen.append((opened.generation.number, {hit.panel.book for hit in hits}))

    report = build(big, index, progress=look)
    assert {number for number, _ in seen} >= {1, 2}
    assert next(len(books) for number, books in seen if number == 1) == 1
    assert report.generation >= 3
    tidy(index)
    same_as_clean(big, index)


def test_a_stopped_first_build_can_be_searched(
    big: Path, index: Path, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything published before Ctrl-C or a crash answers; the next build goes on."""
    with monkeypatch.context() as patch:
        stop_at(patch, CatalogWriter, "write_pages", 18)
        with pytest.raises(Stopped):
            build(big, index)
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        assert opened.search(text="page 0")[0].panel.page_path == "book 0/0.png"
        assert 0 < len(opened.search(text="here", k=100)) < 48
    build(big, index)
    tidy(index)
    same_as_clean(big, index)


QUESTIONS: tuple[QueryFields, ...] = (
    {"text": "here page", "k": 60},
    {"text": "word3 here", "view": "dialogue", "k": 60},
    {"text": "page 7", "where": {"book": "book 0"}, "k": 60},
    {"text": "here", "negative_text": "word5", "k": 60},
    {"text": "here", "offset": 10},
)
"""Questions whose answers depend on how many panels have each word."""


def asked(index: Path) -> list[list[tuple[int, float]]]:
    """Return panel id and score of the hits of all questions, in order."""
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        return [[(hit.panel.id, hit.score) for hit in opened.search(**question)] for question in QUESTIONS]


def test_words_change_with_the_generation(
    big: Path, index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Panels that are written but not published change no answer, however many have the words."""
    (tmp_path / "apart").mkdir()
    others = [(big / name).rename(tmp_path / "apart" / name) for name in ("book 1", "book 2")]
    build(big, index)
    before = asked(index)
    for folder in others:
        folder.rename(big / folder.name)
    with monkeypatch.context() as patch:
        patch.setattr(encode, "_PANELS_PER_COMMIT", 8)
        stop_at(patch, CatalogWriter, "write_pages", 3, after=True)
        with pytest.raises(Stopped):
            build(big, index)
    with Catalog.open(catalog_url(index)) as catalog:
        assert catalog.panels.count_matching(Filter()) > 64
        assert catalog.panels.word_counts(["here"]) == {"here": 16}
    assert asked(index) == before
    problems = verify_index(index, encoder=GridEncoder()).problems
    assert {problem.part for problem in problems} == {"generation"}  # it is older than the catalog, and says so
    build(big, index)
    assert asked(index) != before
    with Catalog.open(catalog_url(index)) as catalog, catalog.engine.connect() as connection:
        assert catalog.panels.word_counts(["here"]) == {"here": 48}
        assert connection.execute(select(TextChangeRow)).all() == []
    tidy(index)
    same_as_clean(big, index)


def test_nothing_new_is_not_published(lib: Path, index: Path, at_once: None) -> None:
    """A build that finds everything as it was keeps its generation."""
    for n in range(3):
        page(lib / f"book {n}" / "1", n)
    first = build(lib, index)
    assert build(lib, index).generation == first.generation


def test_the_state_of_a_build(lib: Path, index: Path) -> None:
    """Readers learn of a running build and of a stopped one; the end of a build removes its state."""
    page(lib / "1", 1)
    build(lib, index)
    assert build_notes(index) == []
    write_build_state(index, Progress("encode", 1240, 30_000, "pages", 12.5))
    with FileLock(index / LOCK):
        state = read_build_state(index)
        assert state is not None
        assert (state.running, state.progress.total) == (True, 30_000)
        (note,) = build_notes(index)
        assert note == "A build is running: 1,240 of 30,000 pages encoded, 38:21 left. New panels appear as it goes."
    (note,) = build_notes(index)
    assert note == "The last build was stopped: 1,240 of 30,000 pages encoded. Run it again to go on."
    build(lib, index)
    assert build_notes(index) == []
    assert not (index / FILE).exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"stage": 1}', '{"stage": "a", "done": -1}', '{"stage": "a", "rate": NaN}']
)
def test_a_damaged_state_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert build_notes(tmp_path) == []


def test_a_long_build_stores_its_state(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its fifth second on; a short one writes none."""
    from index_builder.write.running import state_reports

    page(lib / "1", 1)
    states: list[object] = []
    build(lib, index, progress=lambda _: states.append(read_build_state(index)))
    assert states
    assert set(states) == {None}
    monkeypatch.setattr(state_reports, "_FIRST_SECONDS", 0.0)
    page(lib / "2", 2)
    states.clear()
    build(lib, index, progress=lambda _: states.append(read_build_state(index)))
    assert any(state and state.running for state in states)  # type: ignore[attr-defined]


def test_an_index_without_a_generation_says_why(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page(lib / "1", 1)
    with monkeypatch.context() as patch:
        stop_at(patch, CatalogWriter, "write_pages", after=True)
        with pytest.raises(Stopped):
            build(lib, index)
    with pytest.raises(IndexDamaged, match="its first build was interrupted"):
        PanelIndex.open(index)
    (index / FILE).write_text(json.dumps({"stage": "encode", "done": 1, "total": 9, "unit": "pages"}))
    with FileLock(index / LOCK), pytest.raises(IndexDamaged, match="its first build is running"):
        PanelIndex.open(index)
