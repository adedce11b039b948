"""A model of a disk: from a record of writes, syncs and names, every state that a power cut may leave.

What was not synced may be lost, kept, or kept in part, in any combination: writes by sectors, names (new, renamed,
deleted) one by one. A file is synced by a sync of it, a name by a sync of its folder.
"""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Tree = dict[str, bytes | None]
"""Content by path below the root; None for a folder."""

_IGNORED = ("-shm", "writer.lock")
"""Endings of files without content that lasts."""


@dataclass(eq=False)
class Node:
    """A file or a folder. Before the record began it had `content` (None: a folder) and `entries`."""

    content: bytes | None = b""
    entries: dict[str, Node] = field(default_factory=dict)
    changes: list[tuple[int, str, int, Any]] = field(default_factory=list)
    synced: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class NameChange:
    """A name in a folder that now means another node, or none; a rename has two."""

    time: int
    steps: tuple[tuple[Node, str, Node | None], ...]

    @property
    def folder(self) -> Node:
        """The folder whose sync makes the change durable."""
        return self.steps[-1][0]


class Recording:
    """A record, read into nodes; `length` is the number of its calls, `marks` are (time, label)."""

    def __init__(self, root: Path, only: str, before: Tree, inodes: dict[int, str], record: Path) -> None:
        """Read a record of a folder. only: the name in it whose states are wanted."""
        self._root = str(root)
        self._only = only
        self.top = Node(None)
        self._live: dict[int, Node] = {}
        self._now: dict[int, dict[str, Node]] = {}
        self.names: list[NameChange] = []
        self.marks: list[tuple[int, str]] = []
        self.length = 0
        self._take_before(before, inodes)
        for call in _calls(record):
            self._take(*call)

    def _take_before(self, before: Tree, inodes: dict[int, str]) -> None:
        nodes = {"": self.top}
        for path in sorted(before):
            nodes[path] = Node(before[path])
            parent, _, name = path.rpartition("/")
            nodes[parent].entries[name] = nodes[path]
        self._live = {inode: nodes[path] for inode, path in inodes.items()}
        for node in nodes.values():
            self._now[id(node)] = dict(node.entries)

    def _take(self, op: str, inode: int, offset: int, length: int, path: str, other: str, data: bytes) -> None:
        if op == "K":
            self.marks.append((self.length, path))
            return
        self.length += 1
        node = self._live.get(inode)
        if op in "WTZ" and node is not None:
            node.changes.append((self.length, op, offset, data if op == "W" else length))
        elif op == "F" and node is not None:
            node.synced.append(self.length)
        elif op in "CM":
            made = self._live[inode] = Node(None if op == "M" else b"")
            self._now[id(made)] = {}
            self._name((path, made))
        elif op in "UX":
            self._name((path, None))
        elif op == "R":
            folder, name = self._find(path)
            moved = self._now[id(folder)].get(name)
            if moved is not None:
                self._name((path, None), (other, moved))

    def _name(self, *steps: tuple[str, Node | None]) -> None:
        found = []
        for path, node in steps:
            folder, name = self._find(path)
            if node is None:
                self._now[id(folder)].pop(name, None)
            else:
                self._now[id(folder)][name] = node
            found.append((folder, name, node))
        self.names.append(NameChange(self.length, tuple(found)))

    def _find(self, path: str) -> tuple[Node, str]:
        """Return the folder of a path as it is now, and the name there; names outside the root go nowhere."""
        parts = path.removeprefix(self._root).strip("/").split("/") if path.startswith(self._root) else []
        node = self.top
        for part in parts[:-1]:
            node = self._now[id(node)].get(part) or Node(None)
            self._now.setdefault(id(node), {})
        return node, parts[-1] if parts else ""

    # ------------------------------------------------------------------ states

    def states(self, time: int, dice: random.Random, samples: int) -> Iterator[tuple[str, Tree]]:
        """Return (kind, tree) of states that a power cut right after a call may leave; `samples` of them random."""
        yield "all kept", self._state(time, lambda: 1.0, lambda: True)
        yield "all lost", self._state(time, lambda: 0.0, lambda: False)
        yield "names kept, content lost", self._state(time, lambda: 0.0, lambda: True)
        yield "content kept, names lost", self._state(time, lambda: 1.0, lambda: False)
        for _ in range(samples):
            chance = dice.random()
            yield (
                "mixed",
                self._state(time, lambda: dice.choice((0.0, 0.5, 1.0)), lambda c=chance: dice.random() < c, dice),  # type: ignore[misc]
            )

    def _state(self, time: int, share: Any, keep: Any, dice: random.Random | None = None) -> Tree:
        """Return a state: share() of each unsynced write is kept, and an unsynced name if keep() is True."""
        entries: dict[int, dict[str, Node]] = {}
        for change in self.names:
            if change.time > time:
                break
            if any(change.time < synced <= time for synced in change.folder.synced) or keep():
                for folder, name, node in change.steps:
                    current = entries.setdefault(id(folder), dict(folder.entries))
                    if node is None:
                        current.pop(name, None)
                    else:
                        current[name] = node
        tree: Tree = {}
        self._fill(tree, self.top, "", entries, time, share, dice)
        return tree

    def _fill(self, tree: Tree, folder: Node, prefix: str, entries: Any, time: int, share: Any, dice: Any) -> None:
        for name, node in sorted(entries.get(id(folder), folder.entries).items()):
            if name.endswith(_IGNORED) or (folder is self.top and name != self._only):
                continue
            tree[prefix + name] = None
            if node.content is None:
                self._fill(tree, node, f"{prefix}{name}/", entries, time, share, dice)
            else:
                tree[prefix + name] = _content(node, time, share, dice)


def _content(node: Node, time: int, share: Any, dice: random.Random | None) -> bytes:
    """Return the bytes of a file: all synced changes, and a share of the others."""
    synced = max((at for at in node.synced if at <= time), default=0)
    content = bytearray(node.content or b"")
    for at, op, offset, value in node.changes:
        if at > time:
            break
        kept = 1.0 if at < synced else share()
        if op == "W":
            _write(content, offset, value, kept, dice)
        elif kept > 0 and op == "T":
            content = content[:value].ljust(value, b"\0")
        elif kept > 0:
            content[offset : offset + value] = bytes(len(content[offset : offset + value]))
    return bytes(content)


def _write(content: bytearray, offset: int, data: bytes, kept: float, dice: random.Random | None) -> None:
    """Write the sectors of some data that are kept; a lost sector in a file that grew is zeros."""
    if kept <= 0:
        return
    sector = dice.choice((512, 4096)) if dice else 512
    start = offset
    while start < offset + len(data):
        end = min((start // sector + 1) * sector, offset + len(data))
        if kept >= 1 or (dice is not None and dice.random() < kept):
            if len(content) < end:
                content.extend(bytes(end - len(content)))
            content[start:end] = data[start - offset : end - offset]
        start = end


def _calls(record: Path) -> Iterator[tuple[str, int, int, int, str, str, bytes]]:
    """Read the records that `shim.c` writes."""
    data, place = record.read_bytes(), 0
    while place < len(data):
        op = chr(data[place])
        inode, offset, length, *sizes = struct.unpack_from("<6q", data, place + 1)
        place += 49
        parts = []
        for size in sizes:
            parts.append(data[place : place + size])
            place += size
        yield op, inode, offset, length, parts[0].decode(), parts[1].decode(), parts[2]


def read_tree(root: Path) -> tuple[Tree, dict[int, str]]:
    """Return the content of a folder, and the paths in it by inode."""
    tree: Tree = {}
    inodes = {root.stat().st_ino: ""}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        tree[relative] = None if path.is_dir() else path.read_bytes()
        inodes[path.stat().st_ino] = relative
    return tree, inodes


def write_tree(root: Path, tree: Tree) -> None:
    """Write a state into an empty folder."""
    root.mkdir(parents=True)
    for path, content in tree.items():
        if content is None:
            (root / path).mkdir(parents=True, exist_ok=True)
        else:
            (root / path).write_bytes(content)


def tree_hash(tree: Tree) -> str:
    """Return a hash of a state, to leave out those that were tried."""
    sha256 = hashlib.sha256()
    for path, content in sorted(tree.items()):
        sha256.update(f"{path}\0{-1 if content is None else len(content)}\0".encode())
        sha256.update(content or b"")
    return sha256.hexdigest()
