"""Power cuts: the next command ends right on every disk that one may leave, of those that are tried.

`benchmarks/crash_states.py` tries many more.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from benchmarks.crash_states import try_states
from benchmarks.durability.disk import Recording, Tree


@pytest.mark.parametrize("name", ["later build", "remove"])
def test_the_next_command_ends_right(name: str, tmp_path: Path, shim: Path) -> None:
    """Content, answers and thumbnails are right, and nothing that was committed is encoded again."""
    result = try_states(name, tmp_path, shim, 5, seed=5, calls=8)
    assert result.calls > 100
    assert result.tried == 5
    assert result.failed == []


# --------------------------------------------------------------- the model itself


class Log:
    """A record as the shim writes it, made by hand, below the folder /r."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(b"")

    def call(
        self,
        op: str,
        inode: int = 0,
        offset: int = 0,
        length: int = 0,
        path: str = "",
        other: str = "",
        data: bytes = b"",
    ) -> Log:
        """Add one call."""
        sizes = (len(path), len(other), len(data))
        head = op.encode() + struct.pack("<6q", inode, offset, length, *sizes)
        with self.path.open("ab") as file:
            file.write(head + path.encode() + other.encode() + data)
        return self

    def states(self, before: Tree, inodes: dict[int, str], samples: int = 40) -> dict[str, list[Tree]]:
        """Return the states after the last call, by kind."""
        recording = Recording(Path("/r"), "i", before, inodes, self.path)
        found: dict[str, list[Tree]] = {}
        for kind, tree in recording.states(recording.length, random.Random(1), samples):
            found.setdefault(kind, []).append(tree)
        return found


INODES = {1: "", 2: "i", 3: "i/a"}


def test_what_is_synced_is_there(tmp_path: Path) -> None:
    """A synced write is in every state; one after it may be there or not."""
    log = Log(tmp_path / "log").call("W", 3, 0, data=b"new").call("F", 3).call("W", 3, 3, data=b"er")
    states = log.states({"i": None, "i/a": b"old"}, INODES)
    assert states["all kept"] == [{"i": None, "i/a": b"newer"}]
    assert states["all lost"] == [{"i": None, "i/a": b"new"}]
    assert {tree["i/a"] for tree in states["mixed"]} == {b"newer", b"new"}


def test_a_write_is_kept_by_sectors(tmp_path: Path) -> None:
    """Of a write over two sectors each may be kept alone; bytes of a lost one in a longer file are zeros."""
    log = Log(tmp_path / "log").call("W", 3, 0, data=b"x" * 1024)
    states = log.states({"i": None, "i/a": b""}, INODES)
    x, o = b"x" * 512, b"\0" * 512
    assert {b"", x + x, x, o + x} <= {tree["i/a"] for tree in states["mixed"]}


def test_a_rename_before_the_sync_of_its_content(tmp_path: Path) -> None:
    """A file renamed into place without a sync may be empty there, or the old file may still be."""
    log = Log(tmp_path / "log").call("C", 4, path="/r/i/b").call("W", 4, 0, data=b"new")
    states = log.call("R", path="/r/i/b", other="/r/i/a").states({"i": None, "i/a": b"old"}, INODES)
    assert states["names kept, content lost"] == [{"i": None, "i/a": b""}]
    assert states["content kept, names lost"] == [{"i": None, "i/a": b"old"}]
    assert states["all kept"] == [{"i": None, "i/a": b"new"}]


def test_a_rename_that_was_synced(tmp_path: Path) -> None:
    """With content and folder synced there is one state."""
    log = Log(tmp_path / "log").call("C", 4, path="/r/i/b").call("W", 4, 0, data=b"new").call("F", 4)
    states = log.call("R", path="/r/i/b", other="/r/i/a").call("F", 2).states({"i": None, "i/a": b"old"}, INODES)
    assert {str(tree) for trees in states.values() for tree in trees} == {str({"i": None, "i/a": b"new"})}


def test_deleted_and_truncated_files(tmp_path: Path) -> None:
    """A deleted file may be back, and a shortened one long again; folders come with what is in them."""
    log = Log(tmp_path / "log").call("T", 3, 0, 1).call("M", 5, path="/r/i/d").call("C", 6, path="/r/i/d/e")
    log.call("U", path="/r/i/a")
    states = log.states({"i": None, "i/a": b"old"}, INODES)
    assert states["all lost"] == [{"i": None, "i/a": b"old"}]
    assert states["all kept"] == [{"i": None, "i/d": None, "i/d/e": b""}]
    assert {"i": None, "i/a": b"o", "i/d": None, "i/d/e": b""} in states["mixed"]
