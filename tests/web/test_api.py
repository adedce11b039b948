"""The API and the MCP tool: the examples of docs/api.md against a running server, and what they cannot do."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from retrieval import PanelIndex, Query
from retrieval.errors import PictureError, UsageError
from tests.web.loops import run_coroutine
from tests.web.serving import ROOT
from ui.web.api import handlers
from ui.web.app import build_app


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), flags=re.DOTALL)


def ran(code: str, url: str, folder: Path) -> str:
    """Return the output of an example, run as it stands, but for the server's address."""
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
        ("search_panels", {"image": "/etc/hostname"}),
        ("search_panels", {"image": "http://192.0.2.1/a.png"}),
        ("search_panels", {"image": "data:image/png;base64,aGVsbG8="}),
        ("search", {"image": "http://192.0.2.1/a.png"}),
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
    assert "starts with 'hello'" in refused[2]


def test_filters_paging_grouping_and_exclusions(index: PanelIndex) -> None:
    """They work as on the command line."""
    found = handlers.search(index, {"text": "rain", "where": {"book": "Harbour"}, "k": 2, "offset": 0})
    assert {hit["book"] for hit in found["hits"]} == {"Harbour"}
    assert found["query"] == {"text": "rain", "where": {"book": "Harbour"}, "k": 2, "offset": 0, "image": False}
    second = handlers.search(index, {"text": "rain", "where": {"book": "Harbour"}, "k": 1, "offset": 1})
    assert second["hits"] == found["hits"][1:]
    one_each = handlers.search(index, {"text": "rain", "group_by": "book"})
    assert len({hit["book"] for hit in one_each["hits"]}) == len(one_each["hits"]) == 3
    without = handlers.search(index, {"text": "bring rain", "negative": "bring"})
    assert without["hits"][0]["dialogue"] == "The rain never stops here"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "nothing to search for"),
        ({"text": "a", "k": 101}, "k takes a whole number from 1 to 100; found 101"),
        ({"text": "a", "k": "9"}, "k takes a whole number"),
        ({"text": "a", "offset": -1}, "offset takes a whole number from 0"),
        ({"text": "a", "where": ["book"]}, "where takes filters by name"),
        ({"text": "a", "where": {"colour": 1}}, "no filter is called colour"),
        ({"panel": 10**9}, "the index has no panel"),
        ({"text": "a", "k": "A" * 30_000}, "k is longer than 20,000 characters"),
        ({"text": "a", "where": {"book": ["A" * 30_000]}}, "where is longer than 20,000 characters"),
        ({"text": "a", "where": {"A" * 30_000: 1}}, "where is longer than 20,000 characters"),
    ],
)
def test_searches_that_make_no_sense(index: PanelIndex, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        handlers.search(index, asked)


def test_pictures_are_bounded(monkeypatch: pytest.MonkeyPatch, forged: Path) -> None:
    """Neither too many bytes nor too many pixels, whatever the header says."""
    with pytest.raises(PictureError, match="3600 megapixels") as refused:
        handlers.decode_base64(base64.b64encode(forged.read_bytes()).decode())
    assert refused.value.hint == "use another image"
    monkeypatch.setattr(handlers, "limits", lambda: SimpleNamespace(upload=100))
    with pytest.raises(PictureError, match="larger than 0 MB"):
        handlers.decode_base64("A" * 400)


def test_hits_are_the_same_json_as_from_the_command_line(index: PanelIndex) -> None:
    found = handlers.search(index, {"text": "bring the lantern"})
    assert found["query"] == {"text": "bring the lantern", "image": False}
    assert found["view"] == "dialogue"
    hit = found["hits"][0]
    assert hit["page_path"] == "Harbour/001.png"
    assert (hit["rank"], hit["page"], hit["panel"], hit["box"]) == (1, 1, 2, [210, 20, 170, 270])


def test_text_is_searched_in_any_view(index: PanelIndex) -> None:
    """One field chooses where: dialogue, picture, fused, or dialogue and picture together."""
    for view in ("dialogue", "picture", "fused"):
        assert handlers.search(index, {"text": "rain", "view": view})["view"] == view
    both = handlers.search(index, {"text": "rain", "view": "any", "k": 100})
    assert len(both["hits"]) == index.count()


def test_the_arguments_are_those_of_a_query(index: PanelIndex) -> None:
    """By the same names, but for excluded text, and for the choice of one result a page or book."""
    endpoint = run_coroutine(_endpoints(index))
    assert list(endpoint) == ["/search_panels"]
    names = {parameter["parameter_name"] for parameter in endpoint["/search_panels"]["parameters"]}
    fields = {field.name for field in dataclasses.fields(Query)}
    assert names - fields == {"negative", "group_by"}


async def _endpoints(index: PanelIndex) -> dict[str, Any]:
    found: dict[str, Any] = build_app(index).get_api_info()["named_endpoints"]
    return found


@pytest.mark.parametrize("picture", ["http://192.0.2.1/a.png", "/etc/hostname"])
def test_the_endpoint_neither_reads_files_nor_fetches(url: str, picture: str) -> None:
    """Neither an address nor a file of this machine is taken for an image."""
    with urlopen(_call(url, picture)) as answer:
        event = json.load(answer)["event_id"]
    with urlopen(f"{url}gradio_api/call/search_panels/{event}") as stream:
        said = str(stream.read().decode())
    assert "event: error" in said
    assert "hits" not in said


@pytest.mark.parametrize("path", ["http://192.0.2.1/a.png", "/etc/hostname"])
def test_objects_that_stand_for_files_are_refused(url: str, path: str) -> None:
    """Gradio would fetch the address, or read the file, before the search sees it."""
    with pytest.raises(HTTPError) as refused:
        urlopen(_call(url, {"path": path, "meta": {"_type": "gradio.FileData"}}))
    with refused.value as answer:
        assert answer.code == 400


def _call(url: str, picture: Any) -> Request:
    body = json.dumps({"data": ["", picture]}).encode()
    return Request(f"{url}gradio_api/call/search_panels", body, {"content-type": "application/json"})
