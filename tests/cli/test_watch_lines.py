"""Lines of `panelseek watch`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from index_builder import WatchEvent
from ui.output.watch_lines import event_printer

AT = "2026-11-25T20:00:00Z"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"event": "failed", "message": "another build is writing", "path": "my.index", "hint": "wait for it"},
            "failed: my.index: another build is writing. Wait for it.",
        ),
        ({"event": "failed", "message": "KeyError: 'x'"}, "failed: KeyError: 'x'."),
        (
            {"event": "failed", "message": "no source exists now", "paths": ("/a", "/b")},
            "failed: /a, /b: no source exists now.",
        ),
        ({"event": "changed", "paths": ("/a/1.png", "/a/2.png")}, "changed: /a/1.png and 1 more"),
    ],
)
def test_events_for_people(capsys: pytest.CaptureFixture[str], fields: dict[str, Any], line: str) -> None:
    """Path, problem and hint become a sentence."""
    event_printer(as_json=False)(WatchEvent(at=AT, **fields))
    assert capsys.readouterr().out == f"{AT} {line}\n"


def test_events_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has path, problem and hint as fields, and no empty ones."""
    event_printer(as_json=True)(WatchEvent("failed", AT, "another build is writing", "my.index", "wait for it"))
    fields = {"message": "another build is writing", "path": "my.index", "hint": "wait for it"}
    assert json.loads(capsys.readouterr().out) == {"event": "failed", "at": AT, **fields}
