"""A whole evaluation, over small drawn comics and over the sample comics."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from index_builder import build_index
from retrieval import PanelIndex
from retrieval.errors import SourceError, UsageError
from retrieval.evaluation import Settings, evaluate
from retrieval.evaluation.queries import query_panels, read_rephrased, text_query
from retrieval.progress import Progress
from sample_data import COMICS
from tests.conftest import GridEncoder, draw_page, panel_boxes
from ui.cli.main import main

LINES = [
    f"the {word} fox came home after seven days" for word in ("red", "old", "sly", "wet", "shy", "sad", "odd", "big")
]


@pytest.fixture
def comics(tmp_path: Path) -> Path:
    """Two books of one page, four panels each, every panel with its own line."""
    for book in range(2):
        folder = tmp_path / "comics" / f"book {book}"
        folder.mkdir(parents=True)
        draw_page(book).save(folder / "1.png")
        lines = LINES[4 * book :]
        panels = [{"bbox": box, "text": text} for box, text in zip(panel_boxes(4), lines, strict=False)]
        annotation = {"image_width": 400, "image_height": 600, "panels": panels}
        (folder / "1.json").write_text(json.dumps(annotation))
    return tmp_path / "comics"


@pytest.fixture
def index(comics: Path, tmp_path: Path) -> Path:
    build_index([comics], tmp_path / "an.index", encoder=GridEncoder(), workers=0, ocr=False)
    return tmp_path / "an.index"


def opened(index: Path) -> PanelIndex:
    return PanelIndex.open(index, encoder=GridEncoder())


def test_what_is_exact_is_found_and_what_is_not_is_counted(index: Path) -> None:
    """A thumbnail is found by its colours, a mirrored one not by a hash of places; words find their panel."""
    seen: list[Progress] = []
    with opened(index) as library:
        report = evaluate(library, Settings(sample=None), seen.append)
    rows = {(row.query_type, row.method): row for row in (*report.distortions, *report.dialogue)}
    assert rows["jpeg", "index"].r1 == 1.0
    assert rows["jpeg", "index"].queries == 8
    assert rows["jpeg", "exact"].r1 == 1.0
    assert rows["mirror", "perceptual hash"].r1 < 1.0
    assert rows["half remembered", "index"].r10 == 1.0
    assert rows["half remembered", "words alone"].queries == 8
    assert rows["jpeg", "12 x 12 grid"].r1 == 1.0
    assert {row.method for row in report.distortions} >= {"index", "exact", "perceptual hash", "colour histogram"}
    assert {row.method for row in report.detection} >= {"index", "12 x 12 grid"}
    assert {stage.stage for stage in seen} == {"baselines", "distortions", "dialogue", "neighbours"}
    assert seen[-1].done == seen[-1].total == 8
    assert json.loads(json.dumps(report.as_dict()))["panels"] == 8


def test_two_runs_agree(index: Path) -> None:
    """The seed decides everything but the time."""
    with opened(index) as library:
        settings = Settings(sample=4, seed=5, baselines=False)
        first, second = (evaluate(library, settings).as_dict() for _ in range(2))
    assert first.pop("seconds") > 0
    second.pop("seconds")
    assert first == second


def test_neighbours_are_counted_by_hand(index: Path) -> None:
    """Of the 7 others 3 stand on the same page, which is the whole book here."""
    with opened(index) as library:
        report = evaluate(library, Settings(only="neighbours"))
    rows = {row.method: row for row in report.neighbours}
    assert rows["index"].same_page == rows["index"].same_book == pytest.approx(3 / 7)
    assert report.collapse is not None
    assert report.collapse.pages == 2
    assert report.distortions == report.dialogue == ()


def test_the_sample_is_spread_over_books_and_only_chosen_books_are_queries(index: Path) -> None:
    """Two of each book; a pattern or a part of the path picks books; an unknown one is an error."""
    with opened(index) as library:
        assert sorted(p.book[-6:] for p in query_panels(library, 4, 0)) == 2 * ["book 0"] + 2 * ["book 1"]
        for pattern in ("book 1", "%1", "comics/book 1"):
            assert {p.book[-6:] for p in query_panels(library, None, 0, [pattern])} == {"book 1"}
        with pytest.raises(UsageError, match=r"no book matches nowhere"):
            query_panels(library, None, 0, ["nowhere"])


def test_identical_dialogue_counts_as_right(comics: Path, tmp_path: Path) -> None:
    """Panels with the same dialogue count for each other."""
    shutil.copytree(comics / "book 0", comics / "book 2")
    build_index([comics], tmp_path / "twins.index", encoder=GridEncoder(), workers=0, ocr=False)
    with opened(tmp_path / "twins.index") as library:
        report = evaluate(library, Settings(sample=None, distortions=("half remembered",), baselines=False))
    assert {(row.method, row.queries) for row in report.dialogue} >= {("index", 12)}
    assert next(row for row in report.dialogue if row.method == "index").r10 == 1.0


def test_missing_comics_are_reported(index: Path, comics: Path) -> None:
    """An error when none can be read; a note when some cannot."""
    shutil.rmtree(comics / "book 0")
    with opened(index) as library:
        report = evaluate(library, Settings(distortions=("jpeg",), baselines=False))
    assert "4 query panels could not be read" in report.notes[0]
    shutil.rmtree(comics / "book 1")
    with opened(index) as library, pytest.raises(SourceError, match=r"none of the 8 query panels"):
        evaluate(library, Settings(distortions=("jpeg",), baselines=False))


def test_an_index_without_panels_is_an_error(index: Path) -> None:
    """Every page is missing, so there is no query."""
    with closing(sqlite3.connect(index / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE page SET missing = 1")
    with opened(index) as library, pytest.raises(UsageError, match="holds no panels"):
        evaluate(library)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [({"sample": 0}, "1 or more"), ({"only": "x"}, "distortions, dialogue"), ({"distortions": ("x",)}, "crop60")],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object], expected: str) -> None:
    """When made, with what would be right."""
    with pytest.raises(UsageError) as refused:
        Settings(**wrong)  # type: ignore[arg-type]
    assert expected in f"{refused.value.problem} {refused.value.hint}"


def test_text_queries_are_what_they_are_called() -> None:
    """Five in a row; six of ten in order; with OCR errors but alike; the same in every run; too short makes none."""
    line = "one two three four five six seven eight nine ten"
    five = text_query(line, "five words", seed=1, key="a")
    half = text_query(line, "half remembered", seed=1, key="a")
    noisy = text_query(line, "ocr noise", seed=1, key="a")
    assert five is not None
    assert half is not None
    assert noisy is not None
    assert len(five.split()) == 5
    assert five in line
    assert len(half.split()) == 6
    assert [w for w in line.split() if w in half.split()] == half.split()
    assert noisy != line
    assert noisy == text_query(line, "ocr noise", seed=1, key="a")
    assert text_query("too few words here", "five words", seed=1, key="a") is None


def test_the_rephrased_lines_are_in_the_sample_comics() -> None:
    """At least 60, each naming a panel once, and none repeating its line."""
    entries = read_rephrased(COMICS.parent / "rephrased.json")
    assert len(entries) >= 60
    assert len({(e.book, e.page, e.panel) for e in entries}) == len(entries)
    assert all(e.rephrased.casefold() not in e.line.casefold() for e in entries)


@pytest.mark.parametrize("text", ["{", "{}", '[{"book": "x"}]'])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """With its name and what was expected."""
    (tmp_path / "lines.json").write_text(text)
    with pytest.raises(UsageError, match=r"lines\.json"):
        read_rephrased(tmp_path / "lines.json")


def test_the_command_on_the_sample_comics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run prints every part; all rephrased lines are found in the library, and exact words come first."""
    folder = tmp_path / "sample.index"
    build_index([COMICS], folder, encoder="small", workers=0, ocr=False)
    main(["evaluate", "--index", str(folder), "--sample", "3", "--quiet", "--no-baselines", "--json"])
    report = json.loads(capsys.readouterr().out)
    rows = {(row["query_type"], row["method"]): row for row in report["distortions"] + report["dialogue"]}
    assert rows["rephrased", "index"]["queries"] == len(read_rephrased(COMICS.parent / "rephrased.json"))
    assert rows["jpeg", "index"]["r1"] >= 0.5
    assert rows["five words", "index"]["r10"] == 1.0
    assert report["collapse"]["verdict"] in ("healthy", "weak alignment", "collapsed")
    assert report["notes"] == []
    main(
        [
            "evaluate",
            "--index",
            str(folder),
            "--sample",
            "1",
            "--quiet",
            "--distortions",
            "jpeg,five words",
            "--markdown",
        ]
    )
    printed = capsys.readouterr().out
    assert "| query | method | queries | R@1 | R@10 | MRR |" in printed
    assert "| jpeg | untrained network |" in printed
    assert "| five words | BM25 (FTS5) |" in printed


def test_only_annotated_panels_are_queries(tmp_path: Path) -> None:
    """Two boxes drawn by hand on one page; the panels detected on the other are not queries; without any, an error."""
    comics = tmp_path / "comics" / "book"
    comics.mkdir(parents=True)
    for n in range(2):
        draw_page(n).save(comics / f"{n}.png")
    boxes = [{"bbox": list(box), "text": ""} for box in panel_boxes(4)[:2]]
    (comics / "0.json").write_text(json.dumps({"image_width": 400, "image_height": 600, "panels": boxes}))
    build_index([tmp_path / "comics"], tmp_path / "i", encoder=GridEncoder(), workers=0, ocr=False)
    with opened(tmp_path / "i") as library:
        for annotated, queries in ((True, 2), (False, 6)):
            settings = Settings(distortions=("jpeg",), baselines=False, annotated=annotated)
            assert {row.queries for row in evaluate(library, settings).distortions} == {queries}
    (comics / "0.json").unlink()
    build_index([tmp_path / "comics"], tmp_path / "i", encoder=GridEncoder(), workers=0, ocr=False)
    with opened(tmp_path / "i") as library, pytest.raises(UsageError, match="no annotated panel") as refused:
        evaluate(library, Settings(only="distortions", annotated=True))
    assert refused.value.hint == "leave out --annotated"
