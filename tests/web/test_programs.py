"""Programs and models: the examples of docs/api.md against a running server, and what they cannot do."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retrieval import PanelIndex
from retrieval.errors import PictureError, UsageError
from tests.web.serving import ROOT
from ui.web.api import handlers


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), flags=re.DOTALL)


def ran(code: str, url: str, folder: Path) -> str:
    """What an example prints, run as it stands, but for the server's address."""
    code = code.replace("http://127.0.0.1:7860/", url)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_examples_of_the_endpoint(url: str, tmp_path: Path, panel_picture: Path, index: PanelIndex) -> None:
    """Words find the panel that says them; a picture in base64 finds its own."""
    words, picture, _ = examples()
    assert ran(words, url, tmp_path).startswith("Harbour 1 2 1.0")
    (tmp_path / "panel.png").write_bytes(panel_picture.read_bytes())
    orchard = index.browse({"book": "Orchard"}, k=1)[0].id
    assert json.loads(ran(picture, url, tmp_path))[0] == orchard


def test_the_example_of_the_tool(url: str, tmp_path: Path) -> None:
    """A real MCP client over HTTP sees one tool and searches with it."""
    said = ran(examples()[2], url, tmp_path).splitlines()
    assert said[0] == "['search_panels']"
    assert said[1].startswith("Harbour 1.0")


def test_the_tool_neither_reads_files_nor_fetches(url: str, tmp_path: Path) -> None:
    """Paths and addresses in place of a picture are refused with a sentence; so is a tool that is not ours."""
    code = examples()[2].replace("found = await", "await tried(session)\n            found = await")
    tried = """
async def tried(session):
    for name, asked in (
        ("search_panels", {"picture": "/etc/hostname"}),
        ("search_panels", {"picture": "http://192.0.2.1/a.png"}),
        ("search_panels", {"picture": "data:image/png;base64,aGVsbG8="}),
        ("for_programs", {"picture": "http://192.0.2.1/a.png"}),
    ):
        answer = await session.call_tool(name, asked)
        print("refused" if answer.isError else "took it", answer.content[0].text[:300])
"""
    said = ran(code.replace("\n\nasync def main", f"\n{tried}\n\nasync def main"), url, tmp_path)
    refused = [line for line in said.splitlines() if line.startswith(("refused", "took it"))]
    assert len(refused) == 4
    assert all(line.startswith("refused") for line in refused), refused
    assert "not base64" in refused[0]
    assert "not base64" in refused[1]
    assert "Not a picture: starts with 'hello'" in refused[2]


def test_programs_narrow_page_and_take_away(index: PanelIndex) -> None:
    """Filters, paging, one a book and words taken away work as on the command line."""
    found = handlers.search(index, {"text": "rain", "where": {"book": "Harbour"}, "count": 2, "offset": 0})
    assert {hit["book"] for hit in found["hits"]} == {"Harbour"}
    assert found["query"] == {"text": "rain", "where": {"book": "Harbour"}, "count": 2, "offset": 0, "picture": False}
    second = handlers.search(index, {"text": "rain", "where": {"book": "Harbour"}, "count": 1, "offset": 1})
    assert second["hits"] == found["hits"][1:]
    one_each = handlers.search(index, {"text": "rain", "one_per": "book"})
    assert len({hit["book"] for hit in one_each["hits"]}) == len(one_each["hits"]) == 3
    without = handlers.search(index, {"text": "bring rain", "without": "bring"})
    assert without["hits"][0]["dialogue"] == "The rain never stops here"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "nothing to search for"),
        ({"text": "a", "count": 101}, "count takes a whole number from 1 to 100; found 101"),
        ({"text": "a", "count": "9"}, "count takes a whole number"),
        ({"text": "a", "offset": -1}, "offset takes a whole number from 0"),
        ({"text": "a", "where": ["book"]}, "where takes filters by name"),
        ({"text": "a", "where": {"colour": 1}}, "no filter is called colour"),
        ({"panel": 10**9}, "the index has no panel"),
    ],
)
def test_questions_without_sense(index: PanelIndex, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        handlers.search(index, asked)


def test_pictures_are_bounded(monkeypatch: pytest.MonkeyPatch, forged: Path) -> None:
    """Neither too many bytes nor too many pixels, whatever the header says."""
    with pytest.raises(PictureError, match="3600 megapixels"):
        handlers.picture(base64.b64encode(forged.read_bytes()).decode())
    monkeypatch.setattr(handlers, "MAX_BYTES", 100)
    with pytest.raises(PictureError, match="send a smaller one"):
        handlers.picture("A" * 400)
