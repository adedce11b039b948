"""The documents say what the code does."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from dataclasses import fields
from inspect import isfunction
from pathlib import Path

import click
import pytest

from index_builder import BuildOptions
from retrieval import Filter, PanelIndex, Query
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


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    """Relative links, pictures and headings that the documents link to exist."""
    for document in [*DOCUMENTS, ROOT / "CHANGELOG.md"]:
        for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([\w-]+))?\)", document.read_text()):
            if target.startswith("http"):
                continue
            place = document.parent / target if target else document
            assert place.exists(), f"{document.name}: {target}"
            assert not anchor or anchor in anchors(place), f"{document.name}: {target}#{anchor}"


def test_every_named_file_exists() -> None:
    """Every file or folder of the repository that README and docs name is there."""
    rooms = "benchmarks|docs|index_builder|retrieval|sample_data|tests|tools|ui"
    missing = [
        f"{document.name}: {path}"
        for document in DOCUMENTS
        for path in re.findall(rf"(?<![\w./-])(?:{rooms})/[\w./-]*\w", document.read_text())
        if not (ROOT / path).exists()
    ]
    assert missing == []


def test_the_methods_of_an_index_are_listed() -> None:
    """docs/python.md has every public method of `PanelIndex`, in the table or in the examples above it."""
    text = (ROOT / "docs" / "python.md").read_text()
    methods = {name for name, value in vars(PanelIndex).items() if isfunction(value) and not name.startswith("_")}
    table = re.search(r"(?:^\|.*\n)+", text[text.index("\n### Threads and other methods\n") :], flags=re.MULTILINE)
    assert table
    listed = {name for row in table[0].splitlines() for name in re.findall(r"`(\w+)\(", row.split("|")[1])}
    shown = {"search", "search_many"}
    assert listed == methods - shown
    assert all(f"index.{name}(" in text for name in shown)


def test_the_readme_leads_to_everything() -> None:
    """The README is short and links every document, the changelog, the model card and the Comic Analysis repository."""
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 90
    assert all(f"](docs/{path.name})" in text for path in (ROOT / "docs").glob("*.md"))
    assert "](CHANGELOG.md)" in text
    assert "](https://huggingface.co/RichardScottOZ/comic-panel-encoder-v1)" in text
    assert "](https://github.com/RichardScottOZ/Comic-Analysis)" in text


def test_a_word_has_one_meaning() -> None:
    """The glossary has each word once, with its meaning in one line."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs" / "glossary.md").read_text(), flags=re.MULTILINE)
    names = [name for name, meaning in rows if name != "word" and set(meaning) != {"-"}]
    assert len(names) > 60
    assert len(names) == len(set(names))


def first_column(document: str, heading: str) -> set[str]:
    """Return the names in backticks in the first column of the first table below a heading."""
    text = (ROOT / "docs" / document).read_text()
    section = text[text.index(f"\n{heading}\n") :]
    table = re.search(r"(?:^\|.*\n)+", section, flags=re.MULTILINE)
    assert table
    return {name for row in table[0].splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_search_options_are_those_of_a_query() -> None:
    """docs/python.md has every field of `Query` but the query itself, and every filter."""
    queried = {"text", "image", "panel"}
    assert first_column("python.md", "## Search") == {field.name for field in fields(Query)} - queried
    assert first_column("python.md", "### Filters") == {field.name for field in fields(Filter)}


def test_the_build_options_are_listed() -> None:
    """docs/python.md names every field of `BuildOptions`."""
    text = (ROOT / "docs" / "python.md").read_text()
    listed = re.search(r"`index_builder.BuildOptions`: (.*?)\.\s", text, flags=re.DOTALL)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == {field.name for field in fields(BuildOptions)}


def defined(file: str, name: str) -> ast.FunctionDef:
    """Return a function of a module, also one inside another function."""
    nodes = ast.walk(ast.parse((ROOT / file).read_text()))
    return next(node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name)


def test_the_arguments_of_the_endpoint_are_listed() -> None:
    """docs/api.md has every argument of `search_panels`."""
    arguments = {argument.arg for argument in defined("ui/web/api/wiring.py", "search_panels").args.args}
    assert first_column("api.md", "## The endpoint") == arguments


def test_the_json_of_a_hit_is_as_documented() -> None:
    """The example in docs/command-line.md has every key of a hit."""
    keys = {
        key.value
        for node in ast.walk(defined("ui/output/hit_json.py", "hit_as_dict"))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    text = (ROOT / "docs" / "command-line.md").read_text()
    example = re.search(r'"hits": \[\{(.*?)"gate": \{', text, flags=re.DOTALL)
    assert example
    assert set(re.findall(r'"(\w+)": ', example[0])) - {"hits"} == keys


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
