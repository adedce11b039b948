"""Collections in the web app without a browser: their functions, their exports, and what hostile values do."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from index_builder import build_index, remove_source
from retrieval import PanelIndex
from retrieval.collections import Collections, add_panels, places_of, remove_panels
from retrieval.collections.export import LEFT_OUT, TABLE
from retrieval.collections.store import FILE
from retrieval.errors import IndexDamaged, SourceError, UsageError
from tests.conftest import GridEncoder
from ui.web import memory
from ui.web.collections import handlers, markup
from ui.web.collections.export import export_routes
from ui.web.collections.wiring import server_functions
from ui.web.memory import memory_limits, set_memory
from ui.web.shell.pictures import picture_routes

HOSTILE_NAMES = (
    "<script>bad()</script>",
    "\" onload='bad() javascript:bad() {{ bad() }}",
    "x" * 200,
    "\u202eexe.gnp \u05e9\u05dc\u05d5\u05dd",
    "\U0001f388\u200d\U0001f3ff / .. \\ : *",
)


@pytest.fixture
def library(tmp_path: Path, index: PanelIndex) -> Iterator[PanelIndex]:
    """A copy of the index, since these tests write into its folder."""
    shutil.copytree(index.folder, tmp_path / "my.index")
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as opened:
        yield opened


def client(index: PanelIndex) -> TestClient:
    return TestClient(Starlette(routes=[*export_routes(index), *picture_routes(index)]))


def some(index: PanelIndex, count: int, book: str = "Harbour") -> list[int]:
    return [panel.id for panel in index.browse({"book": book}, k=count)]


# ------------------------------------------------------------------------ keeping


def test_a_star_keeps_and_a_choice_names_the_collection(library: PanelIndex) -> None:
    """The star's collection is listed before it exists; the state counts every collection."""
    panel = some(library, 1)[0]
    assert handlers.kept_states(library, {"panels": [panel]}) == {}
    assert handlers.choices(library, {"panel": panel}).choices == (handlers.Choice("Starred", False, exists=False),)
    assert handlers.keep(library, {"panel": panel, "name": "Ships", "kept": True}) == handlers.KeptState(
        False, 1, "Ships"
    )
    assert handlers.keep(library, {"panel": str(panel), "kept": True}) == handlers.KeptState(True, 2, "Ships")
    found = handlers.choices(library, {"panel": panel}).choices
    assert [(choice.name, choice.kept) for choice in found] == [("Starred", True), ("Ships", True)]
    handlers.keep(library, {"panel": panel, "name": "ships", "kept": False, "exists": True})
    assert handlers.keep(library, {"panel": panel, "kept": False}) is None
    assert [each.panels for each in Collections(library.folder).summaries()] == [0, 0]


def test_a_tick_does_not_bring_back_what_another_visitor_renamed(library: PanelIndex) -> None:
    panel = some(library, 1)[0]
    handlers.keep(library, {"panel": panel, "name": "Ships", "kept": True})
    handlers.change_collection(library, {"name": "Ships", "do": "rename", "new": "Boats"})
    with pytest.raises(UsageError, match="no collection 'Ships'"):
        handlers.keep(library, {"panel": panel, "name": "Ships", "kept": True, "exists": True})
    assert [each.name for each in Collections(library.folder).summaries()] == ["Boats"]


def test_visitors_at_once_lose_nothing(library: PanelIndex) -> None:
    """Eight at once, each with panels of their own and a collection that all of them make."""
    panels = some(library, 8)
    problems: list[BaseException] = []

    def visit(panel: int) -> None:
        try:
            for _ in range(5):
                handlers.keep(library, {"panel": panel, "kept": False})
                handlers.keep(library, {"panel": panel, "kept": True})
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=visit, args=(panel,)) for panel in panels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(member.panel for member in Collections(library.folder).members("Starred")) == sorted(panels)


@pytest.mark.parametrize("panel", [0, -1, 10**20, "1; drop", None, [1], {"a": 1}, True, 2**63])
def test_values_that_are_no_panel(library: PanelIndex, panel: object) -> None:
    with pytest.raises(UsageError, match="no longer in the library"):
        handlers.keep(library, {"panel": panel, "kept": True})
    assert handlers.kept_states(library, {"panels": [panel]}) == {}
    assert not (library.folder / FILE).exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\0b", 7, None])
def test_names_that_cannot_be_used(library: PanelIndex, name: object) -> None:
    panel = some(library, 1)[0]
    with pytest.raises(UsageError, match="name of the collection"):
        handlers.keep(library, {"panel": panel, "name": name, "kept": True})
    assert Collections(library.folder).summaries() == []


def test_half_a_character_is_stored_as_a_question_mark(library: PanelIndex) -> None:
    """JavaScript can send half of a pair, which no file and no database stores."""
    panel = some(library, 1)[0]
    state = handlers.keep(library, {"panel": panel, "name": "a\ud83c", "kept": True})
    assert state is not None
    assert state.first == "a?"
    assert handlers.open_collection(library, {"open": "a\ud83c"}).name == "a?"


def test_a_panel_that_was_indexed_anew_is_still_kept(comics: Path, library: PanelIndex) -> None:
    """Under another id it is neither kept twice nor stays when it is removed."""
    panel = some(library, 1)[0]
    add_panels(library, "Ships", [panel])
    remove_source(str(comics), library.folder)
    build_index([comics], library.folder, encoder=GridEncoder(), workers=0, ocr=False)
    library.refresh()
    anew = some(library, 1)[0]
    assert anew != panel
    assert [place.name for place in places_of(library, [anew])[anew]] == ["Ships"]
    assert add_panels(library, "SHIPS", [anew]) == 0
    assert remove_panels(library, "ships", [anew]) == 1
    assert Collections(library.folder).members("Ships") == []


# ------------------------------------------------------------------------ the tab


def test_the_list_and_an_open_collection(library: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four faces each; batches of panels; a panel that is gone is named and can be removed."""
    monkeypatch.setattr(handlers, "PANELS_PER_BATCH", 4)
    ids = some(library, 6)
    add_panels(library, "Ships", ids)
    Collections(library.folder).create("Empty")
    listed = handlers.list_collections(library, {})
    assert [(cover.name, cover.count, len(cover.faces)) for cover in listed.covers] == [
        ("Empty", 0, 0),
        ("Ships", 6, 4),
    ]
    _forget(library, ids[1])
    opened = handlers.open_collection(library, {"open": "SHIPS"})
    assert (opened.name, opened.total, opened.next_start) == ("Ships", 6, 4)
    assert [kept.panel.id if kept.panel else None for kept in opened.members] == [ids[0], None, ids[2], ids[3]]
    html = markup.open_collection(opened)
    assert "No longer in the library" in html
    assert "page 1 · panel 2" in html
    assert f'href="?tab=collections&amp;open=Ships&amp;panel={ids[0]}"' in html
    rest = handlers.open_collection(library, {"open": "Ships", "start": 4})
    assert [kept.panel.id for kept in rest.members if kept.panel] == ids[4:]
    handlers.change_collection(library, {"name": "Ships", "do": "remove", "panel": 987654})
    assert handlers.open_collection(library, {"open": "Ships"}).total == 5


def _forget(index: PanelIndex, panel: int) -> None:
    """Let a member name a panel and a page that no index has."""
    import sqlite3

    with sqlite3.connect(index.folder / FILE) as file:
        file.execute("UPDATE member SET panel = 987654, digest = 'none' WHERE panel = ?", (panel,))
    file.close()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Nowhere", "do": "delete"},
        {"name": "Nowhere", "do": "rename", "new": "Boats"},
        {"name": "Nowhere", "do": "remove", "panel": 1},
        {"name": "Ships", "do": "rename", "new": "starred"},
        {"name": "Ships", "do": "rename", "new": "  "},
        {"name": "Ships", "do": "explode"},
        {"name": ["Ships"], "do": "delete"},
        {},
    ],
)
def test_changes_that_make_no_sense_change_nothing(library: PanelIndex, change: dict[str, Any]) -> None:
    add_panels(library, "Ships", some(library, 2))
    add_panels(library, "Starred", some(library, 1))
    before = Collections(library.folder).summaries()
    with pytest.raises(UsageError):
        handlers.change_collection(library, change)
    assert Collections(library.folder).summaries() == before
    with pytest.raises(UsageError, match="no longer there"):
        handlers.open_collection(library, {"open": "Nowhere"})


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_stay_text(library: PanelIndex, name: str) -> None:
    """On the list, in the choices and in an open collection; the way back by address works."""
    panel = some(library, 1)[0]
    handlers.keep(library, {"panel": panel, "name": name, "kept": True})
    pages = (
        markup.covers(handlers.list_collections(library, {})),
        markup.choices(handlers.choices(library, {"panel": panel})),
        markup.open_collection(handlers.open_collection(library, {"open": name})),
    )
    for html in pages:
        assert "<script" not in html
        assert not re.search(r"<[^>\"]*(\"[^\"]*\"[^>\"]*)*\sonload=", html)
    assert handlers.open_collection(library, {"open": name}).name == " ".join(name.split())


def test_damage_is_a_sentence_and_the_search_goes_on(library: PanelIndex, caplog: pytest.LogCaptureFixture) -> None:
    """The functions of the scripts answer with a sentence; the reason and the path are in the log alone."""
    (library.folder / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(IndexDamaged):
        handlers.list_collections(library, {})
    answers = {function.__name__: function for function in server_functions(library)}
    for name, payload in (
        ("keep_choices", {"panel": 1}),
        ("keep_panel", {"panel": 1, "kept": True}),
        ("collection_list", {}),
        ("collection_panels", {"open": "Ships"}),
        ("collection_change", {"name": "Ships", "do": "delete"}),
    ):
        answer = json.dumps(answers[name](payload))
        assert "Collections cannot be read or changed right now" in answer
        assert str(library.folder) not in answer
    assert answers["kept_states"]({"panels": [1]}) == {}
    assert FILE in caplog.text
    export = client(library).get("/collections/export/zip?name=Ships")
    assert (export.status_code, export.text[:32]) == (503, "Collections cannot be read or ch")


# ------------------------------------------------------------------------ exports


def test_exports_of_every_kind(library: PanelIndex) -> None:
    """Named after the collection; nothing stays in the temporary folder."""
    ids = some(library, 3)
    add_panels(library, "Ships & sea", ids)
    before = set(Path(tempfile.gettempdir()).iterdir())
    get = client(library).get
    answer = get("/collections/export/zip?name=ships%20%26%20SEA")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == 4
        rows = list(csv.DictReader(io.StringIO(archive.read(TABLE).decode("utf-8-sig"))))
        assert [int(row["panel_id"]) for row in rows] == ids
        assert Image.open(io.BytesIO(archive.read(rows[0]["picture"]))).size == (170, 270)
    answer = get("/collections/export/csv?name=Ships %26 sea")
    assert answer.content.startswith(b"\xef\xbb\xbfplace,book")
    assert "filename*=UTF-8''Ships%20%26%20sea.csv" in answer.headers["content-disposition"]
    assert len(get("/collections/export/json?name=Ships %26 sea").json()["panels"]) == 3
    left = {name for name in set(Path(tempfile.gettempdir()).iterdir()) - before if "panelseek-export" in name.name}
    assert left == set()


def test_what_cannot_be_exported_is_named_in_the_zip(library: PanelIndex) -> None:
    ids = some(library, 3)
    add_panels(library, "Ships", ids)
    _forget(library, ids[1])
    answer = client(library).get("/collections/export/zip?name=Ships")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read(LEFT_OUT).decode() == ("Harbour, page 1, panel 2: its comics are no longer in the index\n")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_file_names_are_safe(library: PanelIndex, name: str) -> None:
    """No line break, no folder, no mark that turns the direction, and short."""
    add_panels(library, name, some(library, 1))
    answer = client(library).get(f"/collections/export/csv?name={quote(name)}")
    assert answer.status_code == 200
    disposition = answer.headers["content-disposition"]
    found = re.fullmatch(r"attachment; filename=\"([^\"\\/:*<>|]{1,90})\"; filename\*=UTF-8''([\w.~%-]+)", disposition)
    assert found
    assert "%2F" not in found[2]
    assert "%E2%80%AE" not in found[2]


def test_exports_that_are_refused(library: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown names and endings, more pictures than the server has room for, and too many at once: a sentence each."""
    add_panels(library, "Ships", some(library, 3))
    get = client(library).get
    assert get("/collections/export/zip").status_code == 404
    assert get("/collections/export/exe?name=Ships").status_code == 404
    unknown = get("/collections/export/zip?name=Nowhere")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert unknown.text.startswith("There is no collection 'Nowhere'")
    monkeypatch.setattr(memory.MemoryLimits, "export", property(lambda self: 1000))
    too_large = get("/collections/export/zip?name=Ships")
    assert too_large.status_code == 503
    assert "take more than 0 MB" in too_large.text
    monkeypatch.undo()
    limits = memory.limits()
    try:
        set_memory(memory_limits(0.5))
        with memory.exporting(), memory.exporting(), memory.exporting(), memory.exporting():
            budget = memory._PROCESS.exports
            with pytest.raises(UsageError, match="busy"), budget.claim(1, wait=0.01):
                pass
    finally:
        set_memory(limits)
    assert get("/collections/export/zip?name=Ships").status_code == 200  # the refused ones hold nothing


def test_a_panel_as_a_file(library: PanelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is in the comic; unknown ids and comics that are gone are sentences."""
    panel = some(library, 2)[1]
    answer = client(library).get(f"/pictures/panel/{panel}.png")
    assert (answer.headers["content-type"], answer.content[:4]) == ("image/png", b"\x89PNG")
    assert Image.open(io.BytesIO(answer.content)).size == (170, 270)
    assert 'filename="Harbour p1 panel 2.png"' in answer.headers["content-disposition"]
    unknown = client(library).get("/pictures/panel/999999.png")
    assert (unknown.status_code, unknown.text) == (404, "This panel is no longer in the library.")
    monkeypatch.setattr(library, "panel_image", _unreadable)
    gone = client(library).get(f"/pictures/panel/{panel}.png")
    assert gone.status_code == 404
    assert gone.text.startswith("This comic file cannot be read.")


class _LockedApp(Starlette):
    auth: Any = object()
    cookie_id = "c"
    tokens: ClassVar[dict[str, str]] = {"right": "ann"}


def _unreadable(_: Any) -> Any:
    raise SourceError("the file is gone", "/secret/comics/001.png")


def test_behind_a_password_only_who_has_logged_in_exports(library: PanelIndex) -> None:
    add_panels(library, "Ships", some(library, 1))
    locked = TestClient(_LockedApp(routes=[*export_routes(library), *picture_routes(library)]))
    for path in ("/collections/export/csv?name=Ships", "/pictures/panel/1.png"):
        locked.cookies.clear()
        assert locked.get(path).status_code == 401
        locked.cookies.set("access-token-unsecure-c", "right")
        assert locked.get(path).status_code == 200
