"""The web app below a path of a reverse proxy: `panelseek serve --host 0.0.0.0 --root-path /comics`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrieval import PanelIndex
from tests.web.serving import behind_a_proxy, served
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(chromium: Any, index: PanelIndex, tmp_path: Path) -> Iterator[Visitor]:
    everywhere = {"PANELSEEK_ROOT_PATH": "/comics", "PANELSEEK_HOST": "0.0.0.0"}
    with (
        served(index.folder, tmp_path / "tmp", **everywhere) as server,
        behind_a_proxy(server.url, "/comics") as url,
    ):
        assert "Use --auth to require a password" in server.log.read_text()
        visitor = Visitor(chromium, url)
        yield visitor
        visitor.leave()  # nothing was asked of the server past the proxy


def test_everything_works_below_the_path(visitor: Visitor, panel_picture: Path) -> None:
    """Search by words and picture, pictures, a panel, the library, the map and the link, all at the proxy's address."""
    visitor.open()
    visitor.ask("bring the lantern")
    assert "Bring the lantern" in visitor.hits()[0]
    visitor.page.wait_for_function("document.querySelector('#answer .card img').naturalWidth > 100")
    visitor.open_hit()
    visitor.page.wait_for_function("document.querySelector('.paper img').naturalWidth === 400")
    assert visitor.page.url.startswith(visitor.url)
    visitor.page.keyboard.press("Escape")
    visitor.upload(panel_picture)
    visitor.answered("your image")
    assert visitor.page.locator(".asking img").evaluate("i => i.decode().then(() => i.naturalWidth)") > 100
    visitor.page.get_by_role("link", name="Library").click()
    visitor.page.locator(".books li").first.wait_for()
    visitor.page.get_by_role("link", name="Map").click()
    visitor.page.locator(".map-said", has_text="panels").wait_for()
    missed = [each for each in visitor.requests if each.startswith("http") and not each.startswith(visitor.url)]
    assert missed == []
