"""The address of the web app, and what it serves."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from retrieval import PanelIndex
from retrieval.errors import IndexMissing, UsageError
from tests.web.serving import ROOT, served
from ui.web import lifecycle, server


def test_instead_of_the_default_port_the_next_free_one_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that is printed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(lifecycle, "DEFAULT_PORT", port)
        chosen = lifecycle.free_port("127.0.0.1", port)
    assert chosen > port
    assert f"Port {port} is in use; using port {chosen}." in capsys.readouterr().err


def test_another_port_that_is_taken_is_refused() -> None:
    """A port that was named is not replaced."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="is in use"):
            lifecycle.free_port("127.0.0.1", taken.getsockname()[1])


def test_a_missing_index_is_an_error_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="there is no index"):
        server.serve(tmp_path / "none")


def test_browsers_are_told_to_fetch_nothing_from_elsewhere(url: str) -> None:
    """The policy comes with every answer; it names no other host, and the start page needs none."""
    with urlopen(url) as answer:
        policy = answer.headers["content-security-policy"]
        page = answer.read().decode()
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "fonts.googleapis" not in page


def test_it_answers_to_this_machines_names_only(url: str) -> None:
    """A name elsewhere that was made to point here gets no answer: its page could otherwise read the library."""
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, headers={"Host": "evil.example"}))
    assert refused.value.code == 400
    refused.value.close()


def test_no_file_of_the_library_or_the_index_is_served(url: str, index: PanelIndex, comics: Path) -> None:
    """Neither comics nor catalog can be had by naming them."""
    for path in (comics / "Harbour" / "001.png", index.folder / "catalog.sqlite", Path("/etc/hostname")):
        with pytest.raises(HTTPError) as error:
            urlopen(f"{url}gradio_api/file={quote(str(path))}")
        assert error.value.code in (403, 404)
        error.value.close()


def test_importing_the_web_app_loads_neither_gradio_nor_torch() -> None:
    """They are loaded when the web app is built."""
    code = "import sys, ui.web, ui.web.server; print([m for m in ('gradio', 'torch') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_ctrl_c_stops_it_cleanly(index: PanelIndex, tmp_path: Path) -> None:
    """Status 0, no traceback, and no upload folder left behind."""
    with served(index.folder, tmp_path / "tmp") as server:
        assert [path.stat().st_mode & 0o777 for path in server.folder.glob("panelseek-*")] == [0o700]
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 0
    said = server.log.read_text()
    assert said.startswith(f"Panelseek serves {index.folder} at {server.url} (Ctrl-C stops it).")
    assert said.rstrip().endswith("Stopped.")
    assert "Traceback" not in said
    assert list(server.folder.glob("panelseek-*")) == []


def test_ctrl_c_ends_it_while_the_encoder_is_still_loaded(index: PanelIndex) -> None:
    """A thread in a native library would abort the process; after a few seconds it is not waited for."""
    code = (
        "import sys, time, ui.web.lifecycle as lifecycle, ui.web.server as server\n"
        "from ui.cli.main import main\n"
        "lifecycle._BACKGROUND_SECONDS = 0.2\n"
        "server.warm_up = lambda index: time.sleep(600)\n"
        "main(['serve', '--index', sys.argv[1], '--port', '0'])\n"
        "print('not reached')\n"
    )
    command = [sys.executable, "-c", code, str(index.folder)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "Panelseek serves" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err.strip() == "Stopped."


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_being_asked_to_end_before_the_waiting_ends_it(name: str) -> None:
    """However early the signal comes; the handler before is back afterwards."""
    code = (
        f"import os, signal\nfrom ui.web import lifecycle\nbefore = signal.getsignal(signal.{name})\n"
        f"with lifecycle.stop_signals() as wait:\n    os.kill(os.getpid(), signal.{name})\n    wait()\n"
        f"assert signal.getsignal(signal.{name}) is before"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_password_keeps_everything_closed(index: PanelIndex, tmp_path: Path) -> None:
    """Without it neither pictures nor the map nor the endpoint answer, and there is no tool at all."""
    ask = b'{"data": ["rain"]}'
    with served(index.folder, tmp_path / "tmp", PANELSEEK_AUTH="ann:secret") as server:
        for path, body in (
            ("pictures/panel/1", None),
            ("map/points", None),
            ("gradio_api/call/search_panels", ask),
            ("gradio_api/component_server", b"{}"),
            ("gradio_api/mcp/http", b"{}"),
        ):
            request = Request(server.url + path, body, {"content-type": "application/json"})
            with pytest.raises(HTTPError) as refused:
                urlopen(request)
            assert refused.value.code in ((404, 405) if "mcp" in path else (401,)), path
            refused.value.close()
