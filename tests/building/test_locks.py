"""Locks of other programs on the SQLite files of an index: waited for, and named if they stay."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from index_builder import remove_source, repair_index
from index_builder.dialogue.lines import OcrResult
from index_builder.dialogue.ocr_cache import OcrCache, OcrCacheWriter
from index_builder.write import CatalogWriter
from retrieval import PanelIndex
from retrieval.errors import IndexDamaged, IndexError_, IndexLocked
from retrieval.overview.rejected_pairs import RejectedPairs
from retrieval.store import sqlite
from retrieval.store.catalog import database
from retrieval.store.catalog.tables import SettingRow
from retrieval.store.layout import catalog_url
from retrieval.store.thumbnails import Thumbnails
from tests.building.library import build, page, panels
from tests.conftest import GridEncoder
from ui.output.errors import error_sentence


@contextmanager
def locked(path: Path, how: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """Lock a SQLite file for writing; the lock ends with the block."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute(how)
        yield connection
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def release_later(connection: sqlite3.Connection, seconds: float) -> None:
    threading.Timer(seconds, lambda: connection.execute("ROLLBACK")).start()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a lock for a fifth of a second only."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)


@pytest.fixture
def built(lib: Path, index: Path) -> Path:
    page(lib / "1", 1, ["hello", "", "", ""])
    build(lib, index)
    return index


def add_page(lib: Path, index: Path) -> int:
    page(lib / "2", 2)
    return build(lib, index).panels


def redraw_page(lib: Path, index: Path) -> int:
    page(lib / "1", 3)
    return build(lib, index).encoded


WRITERS: dict[str, tuple[Callable[[Path, Path], Any], Any]] = {
    "a page added": (add_page, 8),
    "a page redrawn": (redraw_page, 4),
    "a source removed": (lambda lib, index: remove_source(lib, index).panels, 4),
    "repair": (lambda _, index: len(repair_index(index).rebuilt) >= 3, True),
}


@pytest.mark.parametrize("what", WRITERS)
def test_a_writer_waits_for_another_program(lib: Path, built: Path, what: str) -> None:
    """The lock is waited for, however the transaction begins; then the work is done as without it."""
    write, expected = WRITERS[what]
    with locked(built / "catalog.sqlite") as connection:
        release_later(connection, 0.5)
        began = time.monotonic()
        assert write(lib, built) == expected
        assert time.monotonic() - began > 0.4


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.usefixtures("impatient")
def test_a_lock_that_stays_is_named(lib: Path, built: Path, what: str) -> None:
    """The error names the file, what it is, the seconds waited and a suggested fix; the index is as before."""
    write, _ = WRITERS[what]
    with locked(built / "catalog.sqlite"), pytest.raises(IndexLocked) as caught:
        write(lib, built)
    assert error_sentence(caught.value) == (
        f"{built / 'catalog.sqlite'}: another program has the catalog locked; waited 0 seconds. "
        "Close that program or wait for it to end, then do the same again; everything written so far remains."
    )
    assert len(panels(built)) == 4


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists who holds a lock")
@pytest.mark.usefixtures("impatient")
def test_the_program_that_holds_the_lock_is_named(lib: Path, built: Path) -> None:
    """On Linux the error has the name and the number of the process."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(built / "catalog.sqlite")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(IndexLocked, match=rf"python\S* \(process {other.pid}\) has the catalog locked"):
            add_page(lib, built)


@pytest.mark.usefixtures("impatient")
def test_a_reader_is_locked_out_with_a_sentence(lib: Path, built: Path) -> None:
    """Whoever reads while another program has the whole file to itself gets the same sentence, also when opening."""
    with closing(sqlite3.connect(built / "catalog.sqlite")) as catalog:
        catalog.execute("PRAGMA journal_mode = DELETE")
    opened = PanelIndex.open(built, encoder=GridEncoder())
    with opened, locked(built / "catalog.sqlite", "BEGIN EXCLUSIVE"):
        for read in (opened.books, lambda: opened.search(text="hello"), lambda: PanelIndex.open(built)):
            with pytest.raises(IndexLocked, match="another program has the catalog locked"):
                read()
    with PanelIndex.open(built, encoder=GridEncoder()) as again:
        assert again.search(text="hello", k=1)[0].panel.dialogue == "hello"


def test_a_reader_does_not_hold_up_a_build(lib: Path, built: Path) -> None:
    """A reader in the middle of a transaction keeps its state; the build neither waits for it nor fails."""
    with closing(sqlite3.connect(built / "catalog.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM panel").fetchone() == (4,)
        began = time.monotonic()
        assert add_page(lib, built) == 8
        assert time.monotonic() - began < sqlite.BUSY_SECONDS / 3
        assert reader.execute("SELECT count(*) FROM panel").fetchone() == (4,)


def test_a_snapshot_that_is_outdated_cannot_be_written(built: Path) -> None:
    """Why writers begin immediate: SQLite refuses at once (SQLITE_BUSY_SNAPSHOT) what read before another commit."""
    with CatalogWriter.open(catalog_url(built), database.make_engine(catalog_url(built), writable=True)) as catalog:
        with Session(catalog.engine) as session, session.begin():
            session.get(SettingRow, "dpi")
            catalog.write_settings(language="de")
            session.add(SettingRow(key="late", value=1))
            with pytest.raises(IndexLocked):
                session.flush()
        with database.write_session(catalog.engine) as session:
            session.get(SettingRow, "dpi")
            with locked_out(built / "catalog.sqlite"):
                session.add(SettingRow(key="late", value=1))
        assert catalog.settings().language == "de"


@contextmanager
def locked_out(path: Path) -> Iterator[None]:
    """Assert that no other connection can write meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.usefixtures("impatient")
def test_locked_rejected_pairs(built: Path) -> None:
    """Neither reading nor writing them takes a lock for damage."""
    pairs = RejectedPairs(built)
    pairs.add(1, [2])
    with locked(pairs.path, "BEGIN EXCLUSIVE"):
        for use in (pairs.pairs, lambda: pairs.add(1, [3]), lambda: pairs.remove(1, [2])):
            with pytest.raises(IndexLocked, match="another program has the list of rejected pairs locked"):
                use()
    assert pairs.pairs() == {(1, 2)}


@pytest.mark.usefixtures("impatient")
def test_locked_thumbnails_are_not_deleted(lib: Path, built: Path) -> None:
    """A locked file of thumbnails is not taken for a damaged one: the build ends with a sentence, and all stay."""
    thumbnails = Thumbnails(built)
    before = thumbnails.stored_rows()
    with locked(thumbnails.path), pytest.raises(IndexLocked, match=r"thumbnails\.sqlite: another program has the file"):
        add_page(lib, built)
    assert thumbnails.stored_rows() == before
    assert add_page(lib, built) == 8
    assert len(thumbnails.stored_rows()) == 8


def test_a_locked_ocr_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The build goes on without it, says so once, and waits once only."""
    monkeypatch.setattr("index_builder.dialogue.ocr_cache._TIMEOUT", 0.1)
    cache = OcrCache(tmp_path)
    cache.put_many([OcrResult(b"a", "engine", (), 1.0)])
    with locked(cache.path, "BEGIN EXCLUSIVE"), OcrCacheWriter(tmp_path, 1) as writer:
        assert cache.get(b"a", "engine") is None
        for page_sha256 in (b"b", b"c", b"d"):
            writer.add(OcrResult(page_sha256, "engine", (), 1.0))
    assert [record.message.count("cannot be written (database is locked)") for record in caplog.records] == [1]
    assert cache.get(b"a", "engine") == ()
    assert cache.get(b"b", "engine") is None


# ------------------------------------------------------------------ odd file systems


@pytest.fixture
def no_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without shared memory, where a write-ahead log is impossible: SQLite's dot-file locks."""
    real = sqlite3.connect

    def connect(path: Any, **more: Any) -> sqlite3.Connection:
        uri = path if more.get("uri") else f"file:{path}?"
        return real(f"{uri}&vfs=unix-dotfile", **more | {"uri": True})

    monkeypatch.setattr(sqlite3, "connect", connect)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", connect)


def test_an_index_where_a_write_ahead_log_is_impossible(lib: Path, index: Path, no_shared_memory: None) -> None:
    """Building, searching, repairing and building again work; thumbnails and rejected pairs too."""
    page(lib / "1", 1, ["hello", "", "", ""])
    assert build(lib, index).panels == 4
    assert add_page(lib, index) == 8
    assert len(repair_index(index).rebuilt) >= 3
    RejectedPairs(index).add(1, [2])
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        hit = opened.search(text="hello", k=1)[0]
        assert opened.thumbnail(hit.panel)[:4] == b"RIFF"
    assert RejectedPairs(index).pairs() == {(1, 2)}
    with closing(sqlite3.connect(index / "catalog.sqlite")) as catalog:
        assert catalog.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_an_index_moved_to_where_a_write_ahead_log_is_impossible(
    lib: Path, built: Path, request: pytest.FixtureRequest
) -> None:
    """An index built elsewhere is searched as it is, and built on with a rollback journal."""
    request.getfixturevalue("no_shared_memory")
    with PanelIndex.open(built, encoder=GridEncoder()) as opened:
        assert opened.thumbnail(opened.search(text="hello", k=1)[0].panel)[:4] == b"RIFF"
    assert add_page(lib, built) == 8
    assert len(Thumbnails(built).stored_rows()) == 8


def test_a_folder_without_room_for_the_log(lib: Path, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that may write the files but not make others says so; nothing suggests to delete the index."""

    def refuse(connection: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr(sqlite, "enable_wal", refuse)
    with pytest.raises(IndexError_, match="the catalog cannot be opened") as caught:
        add_page(lib, built)
    assert not isinstance(caught.value, IndexDamaged)
    assert "allow writing to the file and to its folder" in str(caught.value.hint)


def test_changes_that_were_not_merged_are_not_ignored(built: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """A copy that has a log and cannot be written is refused: as immutable it would show an older state."""
    copy = tmp_path / "copy"
    copy.mkdir()
    with closing(sqlite3.connect(built / "catalog.sqlite")) as catalog:
        catalog.execute("UPDATE book SET title = 'new'")
        catalog.commit()
        for name in ("catalog.sqlite", "catalog.sqlite-wal"):
            (copy / name).write_bytes((built / name).read_bytes())
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with closing(sqlite.connect_to_existing(built / "catalog.sqlite")) as catalog:
        assert catalog.execute("SELECT title FROM book").fetchone() == ("new",)
    real = sqlite._connect
    monkeypatch.setattr(sqlite, "_connect", lambda path, mode, timeout: real(path, mode + "&vfs=unix-dotfile", timeout))
    with pytest.raises(IndexError_, match="the catalog cannot be opened"):
        database.has_schema(database.make_engine(catalog_url(copy)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("writable", ["", "catalog.sqlite writer.lock"])
def test_an_index_of_another_user(lib: Path, built: Path, writable: str) -> None:
    """A user who may only read searches, also while another has the index open; a build says what is missing."""
    with tempfile.TemporaryDirectory() as folder:  # unlike those of pytest, its parents are open to all
        index = Path(shutil.copytree(built, Path(folder) / "my.index"))
        page(Path(folder) / "comics" / "2", 2)
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for name in writable.split():
            (index / name).chmod(0o666)
        with PanelIndex.open(index, encoder=GridEncoder()):
            assert as_nobody(lambda: first_line_of(index)) == "hello"
        assert as_nobody(lambda: first_line_of(index)) == "hello"
        refused = as_nobody(lambda: build(Path(folder) / "comics", index))
        assert re.search(r"my\.index.*: the (index|catalog) cannot be written \(", refused)
        assert len(panels(index)) == 4
        index.chmod(0o700)
        assert "my.index: the folder of the index cannot be read (Perm" in as_nobody(lambda: first_line_of(index))


def first_line_of(index: Path) -> str:
    with PanelIndex.open(index, encoder=GridEncoder()) as opened:
        return opened.search(text="hello", k=1)[0].panel.dialogue


def as_nobody(work: Callable[[], Any]) -> str:
    """Return the result of some work, or its error, in a process of a user who owns nothing."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            text = str(work())
        except BaseException as error:
            text = str(error)
        os.write(writer, text.encode())
        os._exit(0)
    os.waitpid(process, 0)
    os.close(writer)
    with os.fdopen(reader) as result:
        return result.read()
