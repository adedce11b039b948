"""Named collections: kept through builds and moved comics, exported with pictures and citations."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import unicodedata
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from index_builder import remove_source
from retrieval import PanelIndex, verify_index
from retrieval.collections import Collections, CollectionSummary, add_panels, export_collection, kept_panels
from retrieval.collections.store import FILE
from retrieval.errors import IndexDamaged, UsageError
from tests.building.library import build, by_place, page
from tests.conftest import GridEncoder
from ui.cli.main import main


@pytest.fixture
def index_folder(tmp_path: Path) -> Path:
    """Two books of drawn pages with four panels each."""
    page(tmp_path / "comics" / "Harbour" / "1", 1, ["=SUM(1)", "a line", "", "ship ahoy"])
    page(tmp_path / "comics" / "Harbour" / "2", 2)
    page(tmp_path / "comics" / "Orchard" / "1", 3, ["apples", "", "", ""])
    build(tmp_path / "comics", tmp_path / "my.index")
    return tmp_path / "my.index"


def opened(folder: Path) -> PanelIndex:
    return PanelIndex.open(folder, encoder=GridEncoder())


def ids(folder: Path, *places: tuple[str, int]) -> list[int]:
    found = by_place(folder)
    return [found[place].id for place in places]


def test_what_is_added_is_listed_in_order(index_folder: Path) -> None:
    first, second = ids(index_folder, ("Orchard/1.png", 2), ("Harbour/1.png", 1))
    kept = Collections(index_folder)
    assert kept.summaries() == []
    with opened(index_folder) as index:
        assert add_panels(index, "Ships", [first, second, first]) == 2
        assert add_panels(index, "Ships", [second]) == 0
        assert kept.create("Empty")
        assert not kept.create("empty")
        assert [each.panel.id for each in kept_panels(index, "SHIPS") if each.panel] == [first, second]
        assert kept_panels(index, "Empty") == []
    assert kept.summaries() == [CollectionSummary("Empty", 0), CollectionSummary("Ships", 2)]
    assert kept.remove("Ships", [first, 999]) == 1
    assert [member.panel for member in kept.members("Ships")] == [second]
    assert kept.delete("Ships") == 1
    with pytest.raises(UsageError, match="no collection 'Ships'") as error:
        kept.members("Ships")
    assert error.value.hint == "there are 'Empty'"


def test_names_are_one_whatever_their_case_and_unicode_form(index_folder: Path) -> None:
    kept = Collections(index_folder)
    kept.create(unicodedata.normalize("NFD", "Été  à Paris"))
    assert kept.members("ÉTÉ À PARIS") == []
    kept.rename("été à paris", "Hiver")
    kept.create("Other")
    with pytest.raises(UsageError, match="already"):
        kept.rename("Other", "HIVER")
    kept.rename("Hiver", "HIVER")
    assert [each.name for each in kept.summaries()] == ["HIVER", "Other"]
    for name in ("", "   ", "x" * 201, "a\0b"):
        with pytest.raises(UsageError, match="name of the collection"):
            kept.create(name)


def test_an_unknown_panel_adds_nothing(index_folder: Path) -> None:
    (known,) = ids(index_folder, ("Harbour/1.png", 1))
    with opened(index_folder) as index, pytest.raises(UsageError, match="no panel has the id 998, 999"):
        add_panels(index, "Ships", [known, 998, 999])
    assert Collections(index_folder).summaries() == []


def test_a_collection_outlasts_builds_moves_and_a_new_index_of_the_comics(index_folder: Path, tmp_path: Path) -> None:
    (ship,) = ids(index_folder, ("Harbour/1.png", 4))
    with opened(index_folder) as index:
        add_panels(index, "Ships", [ship])
    (tmp_path / "comics" / "Harbour").rename(tmp_path / "comics" / "Port")
    page(tmp_path / "comics" / "A new book" / "1", 9)
    build(tmp_path / "comics", index_folder)
    with opened(index_folder) as index:
        (kept,) = kept_panels(index, "Ships")
        assert kept.panel is not None
        assert (kept.panel.id, kept.panel.book) == (ship, "Port")
    remove_source(tmp_path / "comics", index_folder)
    with opened(index_folder) as index:
        (gone,) = kept_panels(index, "Ships")
        assert (gone.panel, gone.member.book, gone.member.page, gone.member.number) == (None, "Harbour", 1, 4)
    build(tmp_path / "comics", index_folder)
    with opened(index_folder) as index:
        (again,) = kept_panels(index, "Ships")
        assert again.panel is not None
        assert again.panel.id != ship
        assert again.panel.dialogue == "ship ahoy"


def test_a_zip_has_pictures_and_citations(index_folder: Path, tmp_path: Path) -> None:
    chosen = ids(index_folder, ("Harbour/1.png", 1), ("Orchard/1.png", 1))
    with opened(index_folder) as index:
        add_panels(index, "Mine", chosen)
        found = export_collection(index, "mine", tmp_path / "out.zip")
        assert (found.panels, found.left_out) == (2, ())
        expected = index.panel_image(by_place(index_folder)["Orchard/1.png", 1])
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("citations.csv").decode("utf-8-sig"))))
        assert [row["picture"] for row in rows] == ["001 Harbour p1 panel 1.png", "002 Orchard p1 panel 1.png"]
        picture = Image.open(io.BytesIO(archive.read(rows[1]["picture"])))
        assert picture.tobytes() == expected.tobytes()
        assert sorted(archive.namelist()) == sorted(["citations.csv", *(row["picture"] for row in rows)])
    assert (rows[1]["book"], rows[1]["page"], rows[1]["text"]) == ("Orchard", "1", "apples")
    assert rows[1]["file"] == "Orchard/1.png"
    assert rows[0]["text"] == "'=SUM(1)"  # no formula for a spreadsheet
    assert [path.name for path in tmp_path.glob("out*")] == ["out.zip"]


def test_json_and_csv_have_the_same_rows(index_folder: Path, tmp_path: Path) -> None:
    with opened(index_folder) as index:
        add_panels(index, "Mine", ids(index_folder, ("Harbour/1.png", 2)))
        export_collection(index, "Mine", tmp_path / "out.json")
        export_collection(index, "Mine", tmp_path / "out.CSV")
        with pytest.raises(UsageError, match=r"ends in \.txt"):
            export_collection(index, "Mine", tmp_path / "out.txt")
        with pytest.raises(UsageError, match="cannot be written"):
            export_collection(index, "Mine", tmp_path / "no folder" / "out.csv")
    (row,) = json.loads((tmp_path / "out.json").read_text())["panels"]
    (same,) = csv.DictReader(io.StringIO((tmp_path / "out.CSV").read_text("utf-8-sig")))
    assert {name: str(value) for name, value in row.items()} == same


def test_unreadable_comics_are_left_out_and_named(
    index_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(index_folder) as index:
        add_panels(index, "Mine", ids(index_folder, ("Harbour/1.png", 2), ("Orchard/1.png", 1)))
        (tmp_path / "comics" / "Harbour" / "1.png").unlink()
        found = export_collection(index, "Mine", tmp_path / "out.zip")
        assert found.panels == 1
        assert [name for name, _ in found.left_out] == ["Harbour, page 1, panel 2"]

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(index, "panel_image", stop)
        with pytest.raises(KeyboardInterrupt):
            export_collection(index, "Mine", tmp_path / "stopped.zip")
    assert not list(tmp_path.glob("stopped*"))


def test_damage_is_named(index_folder: Path) -> None:
    path = index_folder / FILE
    Collections(index_folder).create("Mine")
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO member VALUES (1, 1, 'no number', '', 0, 0, 1, 1, 'Book', 1, 1)")
    with pytest.raises(IndexDamaged, match="collections"):
        Collections(index_folder).members("Mine")
    path.write_bytes(b"no database" * 100)
    with pytest.raises(IndexDamaged, match="collections"):
        Collections(index_folder).summaries()
    report = verify_index(index_folder, encoder=GridEncoder(), sample=0)
    assert [problem.part for problem in report.problems] == ["collections"]


def test_the_command(index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists, adds, shows, exports and deletes; the index may be named before or after the subcommand."""
    (ship,) = ids(index_folder, ("Harbour/1.png", 4))
    at = ["--index", str(index_folder)]

    def run(*arguments: str) -> str:
        main(["collections", *arguments])
        return capsys.readouterr().out

    assert "no collections yet" in run(*at)
    assert run("add", "Ships", str(ship), *at) == "Ships: 1 panel added\n"
    assert run(*at) == "Ships: 1 panel\n"
    assert json.loads(run(*at, "--json")) == {"collections": [{"name": "Ships", "panels": 1}]}
    assert run(*at, "show", "ships").strip() == f"{ship}  Harbour, page 1, panel 4  ship ahoy"
    assert json.loads(run("show", "ships", *at, "--json"))["panels"][0]["dialogue"] == "ship ahoy"
    out = str(tmp_path / "ships.zip")
    assert json.loads(run("export", "Ships", out, *at, "--json", "--quiet")) == {
        "path": out,
        "panels": 1,
        "left_out": [],
    }
    assert run("rename", "Ships", "Boats", *at) == "Ships is now Boats\n"
    assert run("remove", "Boats", str(ship), *at) == "Boats: 1 panel taken out\n"
    assert run("delete", "Boats", *at) == "Boats: deleted, with 0 panels\n"
    with pytest.raises(SystemExit) as stop:
        main(["collections", "show", "Boats", *at])
    assert stop.value.code == 2
    assert "There is no collection 'Boats'" in capsys.readouterr().err
