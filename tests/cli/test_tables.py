"""Reports that the commands print."""

from __future__ import annotations

from typing import Any

import pytest

from retrieval.verify import Problem, VerifyReport
from ui.output.tables import holdings, print_info, print_verification
from ui.output.terminal import one_line

INFO: dict[str, Any] = {
    "index": "my.index",
    "books": 1,
    "pages": 2,
    "panels": 8,
    "panels_with_dialogue": 1,
    "low_confidence_pages": 0,
    "missing_pages": 1,
    "encoder": {"name": "grid", "fingerprint": "grid-1", "provisional": False},
    "generation": 3,
    "last_build": None,
    "bytes": 2**21,
    "views": {"picture": {"panels": 8, "index_type": "exact", "recall_at_10": 1.0}},
    "sources": ["/comics"],
    "skipped": [{"path": "a\nb.png", "reason": "not an image"}] * 21,
}


def test_info_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts with their nouns, missing pages, and the first skipped files, each on its line."""
    print_info(INFO)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "my.index: 1 book, 2 pages, 8 panels"
    assert "dialogue: 1 panel" in lines
    assert "generation 3, built unknown, 2.0 MiB on disk" in lines
    assert "missing: 1 page, kept in case the files come back" in lines
    assert lines.count(r"  a\nb.png: not an image") == 20
    assert lines[-1] == "  and 1 more (all of them with --json)"
    assert not any(line.startswith("gate:") for line in lines)


def test_verification_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Part, path, problem and hint of each damage; JSON keeps them as fields."""
    damage = Problem("generation", "the file is missing", "run `panelseek verify --repair`", True, "my.index/a.npy")
    report = VerifyReport((damage,), (), {"panels": 8})
    print_verification(report)
    assert capsys.readouterr().out.splitlines() == [
        "checked: 8 panels",
        "generation: my.index/a.npy: the file is missing. Run `panelseek verify --repair`.",
        "1 problem",
    ]
    problem = {"part": damage.part, "path": damage.path, "found": damage.found, "hint": damage.hint}
    assert report.as_dict()["problems"] == [problem]


def test_info_of_a_constant_gate(capsys: pytest.CaptureFixture[str]) -> None:
    """Weights that say nothing about a panel are shown once, for the encoder."""
    gate = {"picture": 0.49, "dialogue": 0.49, "composition": 0.02}
    print_info({**INFO, "encoder": {**INFO["encoder"], "gate": gate}})
    assert "gate: fixed weights 0.49 / 0.49 / 0.02, the same for every panel" in capsys.readouterr().out


def test_counts_have_their_nouns() -> None:
    assert holdings(1, 1234, 0) == "1 book, 1,234 pages, 0 panels"


def test_text_from_comics_cannot_steer_a_terminal() -> None:
    assert one_line("a\x1b[2J\nb") == r"a\x1b[2J\nb"
