"""The documents say what the code does."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from ui.cli.main import panelseek

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = panelseek.commands


def blocks(text: str) -> list[str]:
    """Fenced and indented code of a Markdown text."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL)
    return fenced + re.findall(r"(?:^ {4}.*\n)+", text, flags=re.MULTILINE)


def shown_commands() -> list[tuple[str, str]]:
    """(document, command line) of every `panelseek ...` in a code block."""
    found = []
    for document in DOCUMENTS:
        for block in blocks(document.read_text()):
            lines = [line.strip().removeprefix("$ ").removeprefix(".venv/bin/") for line in block.splitlines()]
            found += [(document.name, line) for line in lines if line.startswith("panelseek ")]
    return found


def long_options(command: click.Command) -> set[str]:
    return {o for p in command.params if isinstance(p, click.Option) for o in (*p.opts, *p.secondary_opts)}


@pytest.mark.parametrize(("document", "line"), shown_commands())
def test_every_shown_command_is_understood(document: str, line: str) -> None:
    """A command in the documents names a command and options that exist, with values they take."""
    _, name, *arguments = shlex.split(line)
    if name == "demo" or "--help" in arguments:
        assert name in COMMANDS
        return
    context = COMMANDS[name].make_context(name, list(arguments))
    assert context.params


def test_every_option_is_documented() -> None:
    """docs/command-line.md has a section for each command that names each of its options, and no others."""
    text = (ROOT / "docs" / "command-line.md").read_text()
    sections = dict(re.findall(r"^## panelseek (\w+)[^\n]*\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    assert set(sections) == set(COMMANDS)
    for name, command in COMMANDS.items():
        table = "\n".join(line.split("|")[1] for line in sections[name].splitlines() if line.startswith("| `"))
        documented = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", table))
        assert documented == long_options(command) - {"--index"}, name


def test_the_file_tree_is_the_real_one() -> None:
    """Every path in the README's tree exists, and every module of the three packages is in it."""
    tree = re.search(r"## The parts\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree
    listed, package = set(), ""
    for line in tree[1].splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            package = name
            listed |= {part for part in line.split() if part.endswith("/")}
        else:
            listed.add(package + name)
    for path in listed:
        assert (ROOT / path).exists(), path
    for folder in ("retrieval", "index_builder", "ui"):
        for path in (ROOT / folder).iterdir():
            if path.name.startswith("_") or not (path.is_dir() or path.suffix == ".py"):
                continue
            assert f"{folder}/{path.name}{'/' if path.is_dir() else ''}" in listed


def test_links_lead_somewhere() -> None:
    """Relative links and pictures in the documents exist."""
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[\w-]+)?\)", document.read_text()):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_python_examples_parse_and_import() -> None:
    """Python in the documents is Python, and what it imports from Panelseek exists."""
    for document in DOCUMENTS:
        for block in re.findall(r"```python\n(.*?)```", document.read_text(), flags=re.DOTALL):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("retrieval", "index_builder"):
                    module = __import__(node.module, fromlist=["x"])
                    assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


def test_the_readme_commands_use_what_the_project_has() -> None:
    """The two commands install with the pinned versions and run a script and a command that exist."""
    text = (ROOT / "README.md").read_text()
    demo = re.search(r"<!-- demo command -->\n```bash\n(.*?)\n```", text)
    test = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", text)
    assert demo
    assert test
    assert demo[1].endswith(".venv/bin/panelseek demo")
    assert test[1].endswith(".venv/bin/python tools/check.py")
    assert all("-c constraints.txt" in command for command in (demo[1], test[1]))
    assert (ROOT / "tools" / "check.py").exists()


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    return {re.split(r"[<>=!~\[ ]", item)[0].lower().replace("_", "-") for item in wanted}


def test_every_import_is_declared() -> None:
    """No module is imported that pyproject.toml does not ask for."""
    names = {"PIL": "pillow", "cv2": "opencv-python-headless", "faiss": "faiss-cpu"}
    own = {"retrieval", "index_builder", "ui", "sample_data", "conftest"}
    import sys

    used = set()
    for folder in ("retrieval", "index_builder", "ui", "sample_data"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    used |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    used.add(node.module.split(".")[0])
    wanted = {names.get(m, m).lower().replace("_", "-") for m in used - own - set(sys.stdlib_module_names)}
    assert wanted <= declared(), wanted - declared()


def test_constraints_pin_what_is_declared() -> None:
    """constraints.txt gives one exact version to every declared package, and holds no addresses."""
    lines = (ROOT / "constraints.txt").read_text().split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert declared() <= pinned, declared() - pinned


def test_json_examples_are_json() -> None:
    """Annotation examples in the quickstart can be copied into a file."""
    text = (ROOT / "docs" / "quickstart.md").read_text()
    examples = [block for block in blocks(text) if block.strip().startswith("{")]
    found = [json.loads(part) for block in examples for part in re.split(r"\n\s*\n", block) if part.strip()]
    assert len(found) == 2
    assert all("panels" in page for page in found)
