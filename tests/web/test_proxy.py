"""The web app below a path of a reverse proxy: `panelseek serve --host 0.0.0.0 --root-path /comics`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from retrieval import PanelIndex
from tests.web.serving import behind_a_proxy, served
from tests.web.visitor import Visitor


@pytest.fixture
def visitor(chromium: Any, index: PanelIndex, tmp_path: Path) -> Iterator[Visitor]:
    environment = {"PANELSEEK_ROOT_PATH": "/comics", "PANELSEEK_HOST": "0.0.0.0"}
    with (
        served(index.folder, tmp_path / "tmp", **environment) as server,
        behind_a_proxy(server.url, "/comics") as url,
    ):
        assert "Use --auth to require a password" in server.log.read_text()
        visitor = Visitor(chromium, url)
        yield visitor
        visitor.leave()  # no request went past the proxy


def test_everything_works_below_the_path(visitor: Visitor, panel_picture: Path) -> None:
    """Search by text and image, thumbnails, a panel, the library and the map, all at the proxy's address."""
    visitor.open()
    visitor.search("bring the lantern")
    visitor.expect_dialogue(0, "Bring the lantern")
    visitor.expect_script("document.querySelector('#answer .card img').naturalWidth > 100")
    visitor.open_panel()
    visitor.expect_image_width(".paper img", 400)
    assert visitor.page.url.startswith(visitor.url)
    visitor.page.keyboard.press("Escape")
    expect(visitor.sheet).to_have_count(0)
    visitor.upload(panel_picture)
    visitor.expect_results("your image")
    visitor.expect_script("document.querySelector('.asking img')?.naturalWidth > 100")
    visitor.page.get_by_role("link", name="Library").click()
    expect(visitor.page.locator(".books li").first).to_be_visible()
    visitor.page.get_by_role("link", name="Map").click()
    expect(visitor.page.locator(".map-status")).to_contain_text("panels")
    missed = [each for each in visitor.requests if each.startswith("http") and not each.startswith(visitor.url)]
    assert missed == []
