"""docs/development.md matches the code: its tree lists every room, and its walks name functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
PACKAGES = ("retrieval", "index_builder", "ui")


def entries(text: str) -> list[tuple[str, str]]:
    """Return (file, name) of every `path.py: name` and `path.py` in backticks; name is "" if there is none."""
    return re.findall(r"`([\w/]+\.py)(?::\s+([\w.]+))?`", text)


def tree(text: str) -> list[str]:
    """Return the folders of the fenced tree as paths from the root, such as `retrieval/books/formats`."""
    block = re.search(r"## The file tree\n.*?```\n(.*?)```", text, re.DOTALL)
    assert block
    folders: list[str] = []
    parents: list[str] = []
    for line in block[1].splitlines():
        entry = re.match(r"( *)(\w+)/ {2,}\S", line)
        assert entry, f"not an indented folder with its purpose: {line!r}"
        depth = len(entry[1]) // 2
        parents = [*parents[:depth], entry[2]]
        folders.append("/".join(parents))
    return folders


def definition(path: Path, name: str) -> ast.AST | None:
    """Return the node that defines `function`, `Class` or `Class.method` in a file; None if there is none."""
    node: ast.AST | None = ast.parse(path.read_text(encoding="utf-8"))
    for part in name.split("."):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        body = getattr(node, "body", [])
        node = next((item for item in body if isinstance(item, kinds) and item.name == part), None)
    return node


@pytest.mark.parametrize(("file", "name"), entries(TEXT))
def test_every_step_of_the_walk_exists(file: str, name: str) -> None:
    """The file exists and defines the function, class or method."""
    assert (ROOT / file).is_file(), f"docs/development.md names a missing file: {file}"
    if name:
        assert definition(ROOT / file, name), f"docs/development.md: {file} does not define {name}"


def test_both_walks_are_there() -> None:
    """A query and a page are each followed through at least twelve steps, every one with a function."""
    for heading in ("one query", "one page"):
        walk = re.search(rf"## A short walk: {heading}\n(.*?)(?=\n## |\Z)", TEXT, re.DOTALL)
        assert walk
        steps = [line for line in walk[1].splitlines() if re.match(r"\| \d+\.", line)]
        assert len(steps) >= 12
        assert all(len(entries(step)) == 1 for step in steps)
        assert [int(step[2:].split(".")[0]) for step in steps] == list(range(1, len(steps) + 1))


def test_the_tree_has_every_room_once() -> None:
    """Every folder in the tree exists, and every package folder of the three packages is in it."""
    listed = tree(TEXT)
    assert len(listed) == len(set(listed))
    missing = [folder for folder in listed if not (ROOT / folder).is_dir()]
    assert not missing, f"folders in docs/development.md that do not exist: {missing}"
    rooms = {
        path.parent.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert rooms <= set(listed), f"rooms that docs/development.md lacks: {sorted(rooms - set(listed))}"


def test_a_missing_name_is_noticed() -> None:
    """The lookup finds functions and methods, and nothing else."""
    path = ROOT / "retrieval" / "index.py"
    assert definition(path, "PanelIndex.open")
    assert definition(path, "PanelIndex")
    assert definition(path, "PanelIndex.no_such_method") is None
    assert entries("see `a/b.py: C.d` and `e.py`, not `f.txt`") == [("a/b.py", "C.d"), ("e.py", "")]
