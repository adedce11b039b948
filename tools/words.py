"""Wording check: list banned phrases in documents, docstrings, comments and messages as `file:line`.

Usage: `python tools/words.py [PATH ...]`; without paths it reads the documents and all packages.
Exit status 1 if there is a hit. Code examples in documents are skipped. Documents must also be wrapped at 120 columns.
Python: docstrings, comments and strings of several words. Scripts, styles: comments and such strings. Templates: all.
Tests: docstrings and comments only, because their strings are data, such as dialogue of comics. `tests/pinned` and the
test of this program are left out: their texts are recorded queries and banned phrases.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
DOCUMENTS = ("README.md", "CHANGELOG.md", "docs")
PACKAGES = ("retrieval", "index_builder", "ui", "tools", "benchmarks", "sample_data", "tests")
UNCHECKED = ("sample_data/books", "tools/sample_comics/books", "tests/pinned", "tests/docs/test_words.py")
"""Folders and files whose texts are dialogue of the sample comics, recorded queries, or banned phrases."""
COLUMNS = 120

BANNED: dict[str, str] = {
    r"\btold\b": "reported, given, separated",
    r"\b(?:nobody|somebody)\b": "name the person, or use None, unknown",
    r"\bstrangers?\b": "unrelated panels, impostor scores",
    r"\bsaid\b": "dialogue, annotation, reported",
    r"\b(?:panels?|pictures?|quer(?:y|ies)|questions?|words?|pages?|books?|that|who) asks?\b": "is the query",
    r"\basked (?:with|for|by|of|apart|about)\b": "requested, searched for",
    r"\bworth\b": "boost, weight",
    r"\bway out\b": "hint, suggested fix",
    r"\b(?:kept|keeps?|keeping|took|taken) apart\b": "excluded, rejected",
    r"\bby now\b": "cached, already",
    r"\bsmall pictures?\b": "thumbnail",
    r"\bglued\b": "run-together",
    r"\bpeers?\b": "baseline",
    r"\bmisread(?:ings?)?\b": "OCR error",
    r"\bgently\b": "at low priority",
    r"\bspot by spot\b": "pixel-wise",
    r"\bcloser look\b": "geometric verification",
    r"\btak(?:e|es|en|ing) (?:words )?away\b": "exclude, remove",
    r"\bpanel finder\b": "panel detector",
    r"\bfates?\b": "page status",
    r"\bdoubt(?:s|ful|ed)?\b": "low confidence, warning",
    r"\bgone pages?\b": "missing pages",
    r"\bback again\b": "restored",
    r"\bbeside\b": "next to, with",
    r"\blikest\b": "best, most similar",
    r"\bhow far (?:it|work|they) (?:is|are)\b": "progress",
    r"\bwhere there (?:is|are) (?:none|no|one|some)\b": "if there is",
    r"(?<!there )\b(?:is|are) no (?:scan|dialogue|strip|picture|panel|question)s?\b": "is not a",
    r"\b(?:lettering\.sqlite|closeness\.json|lookalikes\.sqlite)\b": "the new file name",
    r"\b(?:pictures?|thumbnails?) for the page\b": "for the web app",
    r"\bthe page's (?:map|API|port)\b": "the web app's",
    r"\b(?:open|show|start|reach)(?:s|es)? the page(?= in a browser| at |[.\"']| unless)": "the web app",
    r"\b(?:the page (?:listens|asks|answers|loads)|search page)\b": "the web app",
    r"\baddress the page\b": "the web app",
    r"\breturn whether\b": "return True if",
    r"\b(?:return|yield) what\b": "name the thing that is returned",
}
"""Banned phrase (regular expression, any case) -> what to write instead."""

RIDDLE = re.compile(r"What\b")
"""Beginning of a docstring that poses a riddle instead of naming its subject."""

ALLOWED: dict[str, str] = {
    "no doubt": "ordinary English",
    "peer address": "network term: the other end of a connection",
}
"""Exact phrases that contain a banned word -> why they may stay."""

_RULES = [(re.compile(pattern, re.IGNORECASE), better) for pattern, better in BANNED.items()]
_ALLOWED = re.compile("|".join(map(re.escape, ALLOWED)), re.IGNORECASE)
_CODE_SPAN = re.compile(r"`[^`]*`")
_LINK_TARGET = re.compile(r"\]\([^)]*\)")
_IN_SCRIPT = re.compile(r"""/\*.*?\*/|(?<!:)//[^\n]*|"[^"\n]* [^"\n]*"|'[^'\n]* [^'\n]*'|`[^`]* [^`]*`""", re.DOTALL)
"""Comments of JavaScript and CSS, and strings of several words."""


class Hit(NamedTuple):
    """A line to reword; `line` counts from 1."""

    path: Path
    line: int
    found: str
    better: str


def check_text(path: Path, text: str, first_line: int = 1) -> Iterator[Hit]:
    """Yield every banned phrase of a text, also those that run over a line break."""
    text = _ALLOWED.sub(lambda match: " " * len(match[0]), text)
    flat = re.sub(r"\n[ \t#>|]*", lambda match: "\n" + "\0" * (len(match[0]) - 1), text)
    joined = flat.replace("\0", "").replace("\n", " ")
    starts = [len(part.replace("\0", "")) for part in flat.split("\n")]
    for rule, better in _RULES:
        for match in rule.finditer(joined):
            yield Hit(path, first_line + _line_of(match.start(), starts), match[0], better)


def _line_of(position: int, lengths: Sequence[int]) -> int:
    """Return the number, from 0, of the line that holds a position of the joined text."""
    for number, length in enumerate(lengths):
        if position <= length:
            return number
        position -= length + 1
    return len(lengths) - 1


def check_document(path: Path) -> Iterator[Hit]:
    """Yield the hits of a Markdown file: banned phrases outside code, and lines that are too long."""
    lines = path.read_text(encoding="utf-8").splitlines()
    prose, fenced = [], False
    for number, line in enumerate(lines, 1):
        fence = line.startswith("```")
        fenced ^= fence
        is_code = fenced or fence or re.match(r" {4}(?![-*\d])", line)
        prose.append("" if is_code else line)
        if len(line) > COLUMNS and _can_be_wrapped(line):
            yield Hit(path, number, f"{len(line)} columns", f"at most {COLUMNS}")
    text = "\n".join(prose)
    for pattern in (_CODE_SPAN, _LINK_TARGET):
        text = pattern.sub(lambda match: re.sub(r"[^\n]", "_", match[0]), text)
    yield from check_text(path, text)


def _can_be_wrapped(line: str) -> bool:
    """Return False for a table row and for a line that is one unbreakable word, such as a link."""
    return not line.startswith("|") and " " in line.strip()[:COLUMNS]


def check_module(path: Path) -> Iterator[Hit]:
    """Yield the hits of a Python file: docstrings, comments and string literals of more than one word."""
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from check_text(path, token.string, token.start[0])
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                if RIDDLE.match(text):
                    yield Hit(path, node.lineno, "What", "a noun phrase or an imperative")
                yield from check_text(path, text, node.lineno)
            case ast.Constant(value=str(text)) if " " in text.strip() and not path.is_relative_to(TESTS):
                yield from check_text(path, text, node.lineno)


def check_script(path: Path) -> Iterator[Hit]:
    """Yield the hits of a JavaScript or CSS file: comments and strings of several words."""
    source = path.read_text(encoding="utf-8")
    for match in _IN_SCRIPT.finditer(source):
        yield from check_text(path, match[0], 1 + source.count("\n", 0, match.start()))


def check_template(path: Path) -> Iterator[Hit]:
    """Yield the hits of an HTML template."""
    yield from check_text(path, path.read_text(encoding="utf-8"))


CHECKS: dict[str, Callable[[Path], Iterator[Hit]]] = {
    ".md": check_document,
    ".py": check_module,
    ".js": check_script,
    ".css": check_script,
    ".html": check_template,
    ".jinja": check_template,
}
"""File name extension -> check."""


def files_of(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files to check at or below the paths, in order; this file has the phrases and is left out."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            place = file.resolve().as_posix()
            unchecked = any(f"/{name}/" in f"{place}/" for name in UNCHECKED)
            if file.suffix in CHECKS and not unchecked and file.resolve() != Path(__file__).resolve():
                yield file


def check(paths: Sequence[Path]) -> list[Hit]:
    """Return the hits of all files at or below the paths, in order of file and line."""
    hits = [hit for file in files_of(paths) for hit in CHECKS[file.suffix](file)]
    return sorted(set(hits), key=lambda hit: (hit.path, hit.line, hit.found))


def main(arguments: Sequence[str]) -> int:
    """Print every hit and their number per top folder. Return the exit status."""
    paths = [Path(argument).resolve() for argument in arguments]
    hits = check(paths or [ROOT / name for name in (*DOCUMENTS, *PACKAGES)])
    counts: Counter[str] = Counter()
    for hit in hits:
        inside = hit.path.relative_to(ROOT) if hit.path.is_relative_to(ROOT) else hit.path
        counts[inside.parts[0]] += 1
        print(f"{inside}:{hit.line}: {hit.found!r}: write {hit.better}")
    for name, count in counts.items():
        print(f"{count:5} in {name}", file=sys.stderr)
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
