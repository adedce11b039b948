"""The wording check finds banned phrases with their line, and the documents have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import words

ROOT = Path(__file__).parents[2]


def found(path: Path) -> list[tuple[int, str]]:
    return [(hit.line, hit.found) for hit in words.check([path])]


def test_the_documents_are_worded_well() -> None:
    """README, changelog and docs have no banned phrase and no line over 120 columns."""
    hits = words.check([ROOT / name for name in words.DOCUMENTS])
    assert not hits, "\n".join(f"{hit.path.relative_to(ROOT)}:{hit.line}: {hit.found!r}: {hit.better}" for hit in hits)


def test_a_document_is_checked_outside_code(tmp_path: Path) -> None:
    """Prose is checked, also over a line break; code spans, code blocks and link targets are not."""
    document = tmp_path / "a.md"
    document.write_text(
        "# Title\n\nKeep `told` and [this](strangers.md).\n\n```\nnobody\n```\n\n    nobody\n\n"
        "It is kept\napart and fine.\n\n| a | what is worth it |\n"
    )
    assert found(document) == [(11, "kept apart"), (14, "worth")]


def test_long_lines_are_found(tmp_path: Path) -> None:
    """A line over 120 columns is a hit, except table rows and single words such as links."""
    document = tmp_path / "a.md"
    long = "word " * 25
    document.write_text(f"{long}\n| {long} |\n<https://example.org/{'x' * 120}>\n")
    assert found(document) == [(1, "125 columns")]


def test_a_module_is_checked_in_docstrings_comments_and_messages(tmp_path: Path) -> None:
    """Names and single words are not checked: they are data or code."""
    module = tmp_path / "a.py"
    module.write_text(
        '"""A module.\n\nPanels that ask.\n"""\n\n'
        "told = {'said': 1}  # what nobody needs\n"
        "message = f'{told} small pictures'\n"
    )
    assert found(module) == [(3, "that ask"), (6, "nobody"), (7, "small pictures")]


def test_riddles_are_found(tmp_path: Path) -> None:
    """A docstring names its subject; it does not begin with "What", and does not return what or whether."""
    module = tmp_path / "a.py"
    module.write_text(
        '"""What it is."""\n\n\ndef f():\n    """Return what is there."""\n\n\n'
        'def g():\n    """Return whether it is so."""\n    print("What a day")\n'
    )
    assert found(module) == [(1, "What"), (5, "Return what"), (9, "Return whether")]


def test_scripts_and_templates_are_checked(tmp_path: Path) -> None:
    """Comments and messages of JavaScript, and all of a template."""
    script, template = tmp_path / "a.js", tmp_path / "a.html"
    script.write_text("const said = 1; // what nobody sees\nshow('No way out here');\n")
    template.write_text("<p>\nThe peers</p>\n")
    assert found(script) == [(1, "nobody"), (2, "way out")]
    assert found(template) == [(2, "peers")]


@pytest.mark.parametrize("phrase", sorted(words.ALLOWED))
def test_allowed_phrases_are_no_hits(phrase: str, tmp_path: Path) -> None:
    """Each allowed phrase contains a banned one, so that the list stays short, and is not reported."""
    document = tmp_path / "a.md"
    document.write_text(f"{phrase}\n")
    assert found(document) == []
    assert any(rule.search(phrase) for rule, _ in words._RULES)


def test_the_command_reports_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 1 with hits and 0 without."""
    document = tmp_path / "a.md"
    document.write_text("glued words\n")
    assert words.main([str(document)]) == 1
    assert "a.md:1: 'glued': write run-together" in capsys.readouterr().out
    document.write_text("run-together words\n")
    assert words.main([str(document)]) == 0
