"""Errors of the disk: a sentence each time, nothing is taken for damage, and the same command goes on afterwards.

`benchmarks/disk_errors.py` makes every call of each command fail.
"""

from __future__ import annotations

import errno
import os
import pickle
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from benchmarks.disk_errors import fail_calls
from index_builder.maintenance.repair import repair_index
from index_builder.plan.plan import Plan
from index_builder.write import lock, writer_lock
from retrieval import verify_index
from retrieval.books.formats.spool import Spool
from retrieval.errors import IndexDamaged, IndexError_, PanelseekError, ResourceError, is_limit
from retrieval.files import sync, write_array
from retrieval.overview.rejected_pairs import RejectedPairs
from retrieval.store import thumbnails
from retrieval.store.ann import ivfpq
from retrieval.store.derived import save_derived
from retrieval.store.generation import open_generation
from retrieval.store.thumbnails import Thumbnails
from retrieval.store.vectors import VectorStore
from tests.building.library import build, page, panels, put, speckled
from tests.building.test_moves import as_if_built_at_once
from tests.conftest import GridEncoder


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_each_of_some_calls_fails(error: str, tmp_path: Path, shim: Path) -> None:
    """A build of changed comics ends with a sentence, and the next one ends right."""
    count, results = fail_calls("later build", error, tmp_path, shim, 5, seed=3)
    assert count > 50
    assert [result["problems"] for result in results] == [[]] * 5
    assert any(result["text"] for result in results)


# ------------------------------------------------------------------- thumbnails


def full_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite find the disk full as soon as the file of thumbnails would grow."""
    real = thumbnails.write_transaction

    @contextmanager
    def write_transaction(*arguments: Any, **more: Any) -> Iterator[sqlite3.Connection]:
        with real(*arguments, **more) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
            yield connection

    monkeypatch.setattr(thumbnails, "write_transaction", write_transaction)


def test_a_full_disk_keeps_the_thumbnails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thumbnails that are there stay; the error names the file and has a hint."""
    store = Thumbnails(tmp_path)
    store.put([(n, bytes(5000)) for n in range(4)])
    with monkeypatch.context() as patch:
        full_from_now_on(patch)
        with pytest.raises(IndexError_, match=r"cannot be written .*full") as caught:
            store.put([(n, bytes(50_000)) for n in range(4, 8)])
        assert caught.value.path == str(store.path)
        assert "run the same command again" in str(caught.value.hint)
    assert store.stored_rows() == {0, 1, 2, 3}
    store.put([(4, b"x")])
    assert store.stored_rows() == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("change", ["put", "copy", "remove", "truncate"])
def test_a_damaged_file_of_thumbnails_is_replaced(tmp_path: Path, change: str) -> None:
    """Damage is not an error: thumbnails are derived."""
    store = Thumbnails(tmp_path)
    put(store.path, b"no database" * 500)
    argument: Any = {"put": [(1, b"x")], "copy": [(1, 2)], "remove": [1], "truncate": 1}[change]
    getattr(store, change)(argument)
    assert store.stored_rows() == ({1} if change == "put" else set())


@pytest.mark.parametrize("change", ["put", "copy", "remove", "truncate"])
def test_a_file_without_its_table(tmp_path: Path, change: str) -> None:
    """A process that died in its first instant leaves an empty file, which is no damage."""
    store = Thumbnails(tmp_path)
    put(store.path, b"")
    argument: Any = {"put": [(1, b"x")], "copy": [(1, 2)], "remove": [1], "truncate": 1}[change]
    getattr(store, change)(argument)
    assert store.stored_rows() == ({1} if change == "put" else set())


def test_a_build_on_a_full_disk_goes_on_later(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch whose thumbnails do not fit is not written; the next build ends as if nothing had happened."""
    page(lib / "1", 1)
    build(lib, index)
    for n in range(2, 8):
        page(lib / str(n), n)
    with monkeypatch.context() as patch:
        full_from_now_on(patch)
        with pytest.raises(IndexError_, match="cannot be written"):
            build(lib, index)
    assert len(Thumbnails(index).stored_rows()) == 4
    assert build(lib, index).pages_new == 6
    assert len(Thumbnails(index).stored_rows()) == 28
    as_if_built_at_once([lib], index)


# ---------------------------------------------------------- limits are no damage


def full_spools(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let every write to a temporary file fail."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("retrieval.temporary.tempfile.TemporaryFile", fail)


def packed(path: Path, *seeds: int) -> Path:
    """Write a compressed TAR of pictures, which is unpacked to be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for n, seed in enumerate(seeds):
            file = put(path.parent.parent / "picture.png", speckled(seed))
            archive.add(file, f"{n}.png")
    return path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE])
def test_no_room_to_unpack_is_no_damaged_page(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A build without room for temporary files ends with a sentence about their folder; no page counts as missing."""
    packed(lib / "a.cbt", 1, 2)
    put(lib / "b.png", speckled(9))
    build(lib, index, page_is_panel=True)
    before = {panel.id for panel in panels(index)}
    packed(lib / "a.cbt", 1, 3)
    with monkeypatch.context() as patch:
        full_spools(patch, number)
        with pytest.raises(ResourceError, match="temporary files cannot be written") as caught:
            build(lib, index, page_is_panel=True)
        assert "TMPDIR" in str(caught.value.hint)
    assert {panel.id for panel in panels(index)} == before
    report = build(lib, index, page_is_panel=True)
    assert (report.panels, report.skipped, report.pages_changed) == (3, (), 1)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_is_no_damaged_page(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A page that cannot be opened because of a limit ends the build, and keeps its panels."""
    put(lib / "1.png", speckled(1))
    build(lib, index, page_is_panel=True)
    put(lib / "1.png", speckled(2))
    with monkeypatch.context() as patch:

        def fail(*_: object) -> bytes:
            raise OSError(number, os.strerror(number), "1.png")

        patch.setattr("retrieval.books.pages.read_file", fail)
        with pytest.raises(ResourceError, match=os.strerror(number)) as caught:
            build(lib, index, page_is_panel=True)
        assert caught.value.path is not None
        assert caught.value.path.endswith("1.png")
    assert len(panels(index)) == 1
    assert build(lib, index, page_is_panel=True).pages_changed == 1


def test_a_disk_error_while_a_page_is_read_is_named(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page on a bad sector is skipped with what the system says; the others are indexed, and it may come back."""
    put(lib / "1.png", speckled(1))
    put(lib / "2.png", speckled(2))
    with monkeypatch.context() as patch:
        from retrieval.books import pages

        real = pages.read_file

        def fail(folder: Path, name: str, *limits: Any) -> bytes:
            if name == "1.png":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(folder, name, *limits)

        patch.setattr(pages, "read_file", fail)
        report = build(lib, index, page_is_panel=True)
    assert (report.panels, len(report.skipped)) == (1, 1)
    assert "Input/output error" in report.skipped[0][1]
    assert build(lib, index, page_is_panel=True).panels == 2


def test_limits_are_told_from_other_errors() -> None:
    """A limit is found also behind other errors; a missing file is none."""
    inner = OSError(errno.ENOSPC, "full")
    outer = PanelseekError("cannot be read")
    outer.__cause__ = inner
    assert is_limit(inner)
    assert is_limit(outer)
    assert is_limit(ResourceError("full"))
    assert not is_limit(OSError(errno.EIO, "bad sector"))
    assert not is_limit(FileNotFoundError(errno.ENOENT, "missing"))
    assert not is_limit(None)
    assert isinstance(pickle.loads(pickle.dumps(ResourceError("full", "/tmp", "free space"))), ResourceError)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_is_no_damaged_index(
    lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Vectors and manifest that cannot be opened because of a limit are not called damaged."""
    page(lib / "1", 1)
    build(lib, index)
    real = Path.stat

    def fail(self: Path, **more: Any) -> os.stat_result:
        if self.suffix == ".f16":
            raise OSError(number, os.strerror(number), str(self))
        return real(self, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", fail)
        with pytest.raises(ResourceError, match=os.strerror(number)):
            VectorStore(index / "vectors").read("fused", np.arange(2))
    with monkeypatch.context() as patch:

        def unreadable(*_: object) -> str:
            raise OSError(number, os.strerror(number))

        patch.setattr(Path, "read_text", unreadable)
        with pytest.raises(ResourceError, match=r"manifest\.json"):
            open_generation(index, 1)


def test_no_room_for_worker_processes(lib: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Semaphores need room in shared memory; without it the build says how to do without workers."""
    page(lib / "1", 1)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("index_builder.decode.workers.ProcessPoolExecutor", fail)
        with pytest.raises(ResourceError, match="worker processes cannot be started") as caught:
            build(lib, index, workers=2)
    assert "--workers 0" in str(caught.value.hint)
    assert build(lib, index).panels == 4


@pytest.mark.parametrize("make", [Spool, Plan])
def test_no_temporary_file(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spools name the folder for temporary files when none can be made."""
    full_spools(monkeypatch, errno.ENOSPC)
    with pytest.raises(ResourceError, match="No space left on device") as caught:
        make()
    assert caught.value.path


# ---------------------------------------------------------------- single writers


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "full"), "free space"),
        (OSError(errno.EDQUOT, "quota"), "quota"),
        (OSError(errno.EROFS, "read-only", "my.index/vectors/fused-00000.f16"), "allow writing"),
        (OSError(errno.EMFILE, "files", "my.index/index_id"), "ulimit -n"),
        (OSError(errno.EIO, "bad"), "check the disk"),
    ],
)
def test_errors_under_the_lock(index: Path, error: OSError, told: str) -> None:
    """Each becomes a sentence with the file that the system names, else the index, and has a hint."""
    with pytest.raises(IndexError_) as caught, writer_lock(index):
        raise error
    assert caught.value.path == (error.filename or str(index))
    assert caught.value.problem.startswith("the file" if error.filename else "the index")
    assert os.strerror(error.errno or 0) in caught.value.problem
    assert told in str(caught.value.hint)
    assert "run the same command again" in str(caught.value.hint)
    with writer_lock(index):
        pass


def test_other_errors_pass_the_lock(index: Path) -> None:
    """A reader of the output that ended, and errors without a number, are no errors of the disk."""
    for error in (BrokenPipeError(errno.EPIPE, "pipe"), OSError("from a library")):
        with pytest.raises(type(error)) as caught, writer_lock(index):
            raise error
        assert caught.value is error
    assert lock.writer_lock is writer_lock


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_noticed_by_every_writer() -> None:
    """FAISS and numpy report a full disk with its number."""
    ann = faiss.IndexIVFPQ(faiss.IndexFlatL2(512), 512, 1, 64, 8)
    ann.train(np.random.default_rng(1).random((300, 512), np.float32))
    for write in (
        lambda: ivfpq._write(ann, Path("/dev/full")),
        lambda: write_array(Path("/dev/full"), np.zeros((2, 9), np.int64)),
    ):
        with pytest.raises(OSError, match="No space left") as caught:
            write()
        assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize(("number", "ignored"), [(errno.EINVAL, True), (errno.EACCES, True), (errno.EIO, False)])
def test_folders_that_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, ignored: bool
) -> None:
    """Some file systems do not sync folders, which is no error; files must be synced everywhere."""

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    file = put(tmp_path / "file", b"x")
    monkeypatch.setattr("retrieval.files.os.fsync", fail)
    if ignored:
        sync(tmp_path)
    else:
        with pytest.raises(OSError, match="Input/output error"):
            sync(tmp_path)
    with pytest.raises(OSError, match=os.strerror(number)):
        sync(file)


def test_a_map_that_does_not_fit(tmp_path: Path) -> None:
    """Arrays that cannot be written are an error with the file; the older file stays."""
    (tmp_path / "generations" / "1").mkdir(parents=True)
    save_derived(tmp_path, 1, "map.npz", points=np.zeros(3))
    kept = (tmp_path / "generations" / "1" / "map.npz").read_bytes()
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "full")

        patch.setattr("retrieval.store.derived.np.savez_compressed", fail)
        with pytest.raises(IndexError_, match="cannot be written") as caught:
            save_derived(tmp_path, 1, "map.npz", points=np.zeros(3))
    assert not isinstance(caught.value, IndexDamaged)
    assert str(caught.value.path).endswith("map.npz")
    assert (tmp_path / "generations" / "1" / "map.npz").read_bytes() == kept
    assert len(list((tmp_path / "generations" / "1").iterdir())) == 1


def test_rejected_pairs(tmp_path: Path) -> None:
    """An empty file has no pairs; a damaged one is refused when it is read and when it is written."""
    pairs = RejectedPairs(tmp_path)
    put(pairs.path, b"")
    assert pairs.pairs() == set()
    pairs.add(2, [1])
    assert pairs.pairs() == {(1, 2)}
    put(pairs.path, b"no database" * 500)
    with pytest.raises(IndexDamaged, match="damaged"):
        pairs.pairs()
    with pytest.raises(IndexDamaged, match="damaged"):
        pairs.add(2, [1])


def test_an_empty_index_id_is_written_again(lib: Path, index: Path) -> None:
    """A power cut may have left the file empty, and a killed process a partial file next to it."""
    page(lib / "1", 1)
    build(lib, index)
    known = (index / "index_id").read_text()
    put(index / "index_id", b"")
    put(index / "index_id.123.partial", b"x")
    assert verify_index(index, encoder=GridEncoder()).problems == ()
    build(lib, index)
    assert (index / "index_id").read_text() == known
    assert not list(index.glob("*.partial"))
    repair_index(index)
