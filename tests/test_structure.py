"""The size rules of docs/development.md: modules in a folder, lines in a file, public methods of a class.

The folder `tests` is an exception: it has one file per subject, with long tables of cases that belong together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("retrieval", "index_builder", "ui", "tools", "benchmarks")

MAX_MODULES = 12
MAX_LINES = 300
MAX_PUBLIC_METHODS = 20
MAX_FUNCTION_LINES = 60

LARGE_FILES = {
    "tools/sample_comics/books": "drawings: one comic each, panel by panel",
    "tools/sample_comics/draw": "drawings: figures, heads, props and balloons as coordinates",
}
"""Folders whose files may be longer, and why."""

LARGE_FOLDERS = {"benchmarks": "programs that are run by name and do not import each other"}
"""Folders that may have more modules, and why."""


def files(*suffixes: str) -> Iterator[Path]:
    """Return the files of all rooms with one of these suffixes."""
    for room in ROOMS:
        yield from (path for path in sorted((ROOT / room).rglob("*")) if path.suffix in suffixes)


def relative(path: Path) -> str:
    """Return a path from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_long() -> None:
    """Python, CSS, JavaScript and templates have at most 300 lines, except drawings."""
    long = {
        relative(path): count
        for path in files(".py", ".css", ".js", ".html")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert [name for name in long if not name.startswith(tuple(LARGE_FILES))] == [], long


def test_no_folder_is_crowded() -> None:
    """A folder has at most 12 modules, `__init__.py` not counted."""
    folders = {path.parent for path in files(".py")}
    counts = {relative(f): len([p for p in f.glob("*.py") if p.name != "__init__.py"]) for f in folders}
    assert {name: n for name, n in counts.items() if n > MAX_MODULES and name not in LARGE_FOLDERS} == {}


def test_no_class_is_large() -> None:
    """A class has at most 20 public methods and properties."""
    large = {}
    for path in files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                public = [method.name for method in methods if not method.name.startswith("_")]
                if len(public) > MAX_PUBLIC_METHODS:
                    large[f"{relative(path)}: {node.name}"] = len(public)
    assert large == {}


def test_no_function_is_long() -> None:
    """A function has at most 60 lines."""
    long = {}
    for path in files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= MAX_FUNCTION_LINES:
                    long[f"{relative(path)}: {node.name}"] = node.end_lineno - node.lineno + 1
    assert {name: n for name, n in long.items() if not name.startswith(tuple(LARGE_FILES))} == {}


@pytest.mark.parametrize("exceptions", [LARGE_FILES, LARGE_FOLDERS])
def test_exceptions_are_needed(exceptions: dict[str, str]) -> None:
    """Every named exception is a folder that exists and breaks the rule."""
    for name in exceptions:
        folder = ROOT / name
        assert folder.is_dir()
        crowded = len([p for p in folder.glob("*.py") if p.name != "__init__.py"]) > MAX_MODULES
        long = any(len(p.read_text(encoding="utf-8").splitlines()) > MAX_LINES for p in folder.rglob("*.py"))
        assert crowded or long
