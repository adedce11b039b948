"""Variables of the environment: those of Gradio have no effect, and loopback is never reached through a proxy."""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from retrieval import PanelIndex
from tests.web.serving import served
from ui.web.environment import FIXED, keep_off_proxies, set_environment


@pytest.mark.parametrize(
    "name",
    [
        "GRADIO_ALLOWED_PATHS",
        "GRADIO_DEBUG",
        "GRADIO_SHARE",
        "GRADIO_SERVER_NAME",
        "GRADIO_ROOT_PATH",
        "GRADIO_NODE_PATH",
        "gradio_debug",
        "GRADIO_OF_A_LATER_VERSION",
        "UVICORN_HOST",
        "FORWARDED_ALLOW_IPS",
        "WEB_CONCURRENCY",
        "SPACE_ID",
        "OAUTH_CLIENT_ID",
    ],
)
def test_variables_that_would_change_the_server_are_removed(name: str) -> None:
    environment = {name: "1", "PANELSEEK_AUTH": "a:b", "HF_HOME": "/models", "SYSTEM": "linux"}
    set_environment(environment)
    assert name not in environment
    assert environment.items() >= {"PANELSEEK_AUTH": "a:b", "HF_HOME": "/models", "SYSTEM": "linux"}.items()


def test_every_variable_that_gradio_reads_is_decided() -> None:
    """Whatever the installed Gradio reads, it is removed or has one value."""
    import re

    import gradio

    names = {
        name
        for path in Path(gradio.__file__).parent.rglob("*.py")
        for name in re.findall(r"\bGRADIO_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    environment = dict.fromkeys(names, "evil")
    set_environment(environment)
    kept = {name: value for name, value in environment.items() if name.startswith("GRADIO_")}
    assert len(names) > 40
    assert {name: value for name, value in kept.items() if name != "GRADIO_TEMP_DIR"} == {
        name: value for name, value in FIXED.items() if name.startswith("GRADIO_")
    }


def test_analytics_cannot_be_switched_on() -> None:
    environment = {"GRADIO_ANALYTICS_ENABLED": "True"}
    set_environment(environment)
    assert environment["GRADIO_ANALYTICS_ENABLED"] == "False"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"http_proxy": "http://127.0.0.1:9"}, True),
        ({"HTTPS_PROXY": "proxy.example:3128"}, True),
        ({"ALL_PROXY": "nonsense://127.0.0.1:9"}, False),
        ({"all_proxy": "http://127.0.0.1:port"}, False),
        ({"HTTP_PROXY": "http://[::1"}, False),
    ],
)
def test_proxies_that_nothing_can_use_are_removed(given: dict[str, str], kept: bool) -> None:
    environment = dict(given)
    set_environment(environment)
    assert (given.items() <= environment.items()) == kept


@pytest.mark.parametrize("given", [{}, {"no_proxy": "corp.example"}, {"NO_PROXY": "corp.example, *"}])
def test_loopback_is_added_to_both_spellings(given: dict[str, str]) -> None:
    """Names that were there stay."""
    environment = dict(given)
    set_environment(environment)
    keep_off_proxies(["192.0.2.1"], environment)
    for name in ("no_proxy", "NO_PROXY"):
        hosts = environment[name].split(",")
        assert {"127.0.0.1", "localhost", "::1", "192.0.2.1"} <= set(hosts)
        assert given == {} or "corp.example" in hosts


@pytest.mark.parametrize(
    "variables",
    [
        {"GRADIO_ALLOWED_PATHS": "/", "GRADIO_DEBUG": "1", "http_proxy": "http://127.0.0.1:9"},
        {"ALL_PROXY": "socks5://127.0.0.1:9", "GRADIO_SHARE": "True", "GRADIO_ROOT_PATH": "/evil"},
        {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "GRADIO_SSR_MODE": "True"},
    ],
)
def test_a_server_starts_serves_and_stops_as_without_them(
    index: PanelIndex, tmp_path: Path, variables: dict[str, str]
) -> None:
    """Nothing of the disk is served, nothing is shared, and one Ctrl-C ends it."""
    direct = build_opener(ProxyHandler({}))
    with served(index.folder, tmp_path / "tmp", **variables) as server:
        with direct.open(server.url) as answer:
            page = answer.read().decode()
        assert "/evil" not in page
        with pytest.raises(HTTPError) as refused:
            direct.open(f"{server.url}gradio_api/file=/etc/hostname")
        assert refused.value.code in (403, 404)
        refused.value.close()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 0
    said = server.log.read_text()
    assert said.rstrip().endswith("Stopped.")
    assert "gradio.live" not in said
    assert "Traceback" not in said
