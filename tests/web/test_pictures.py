"""The addresses of pictures: panels and pages by number, and nothing else."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from index_builder import build_index
from retrieval import PanelIndex
from tests.conftest import GridEncoder
from tests.web.library import draw_library
from ui.web.shell.pictures import page_as_webp, picture_routes


def client(index: PanelIndex) -> TestClient:
    return TestClient(Starlette(routes=picture_routes(index)))


def picture(answer: Any) -> Image.Image:
    assert answer.headers["content-type"] == "image/webp"
    return Image.open(io.BytesIO(answer.content))


def test_a_panel_small_and_sharp(index: PanelIndex) -> None:
    """The small one is the index's own; a larger one is cut from the comics, never larger than it is there."""
    panel = index.browse({"book": "Harbour"}, k=2)[1]  # 170 x 270 on its page
    assert client(index).get(f"/pictures/panel/{panel.id}").content == index.thumbnail(panel)
    assert picture(client(index).get(f"/pictures/panel/{panel.id}?side=960")).size == (170, 270)


def test_a_page(index: PanelIndex) -> None:
    page = index.browse({"book": "Harbour"}, k=1)[0].page_id
    assert picture(client(index).get(f"/pictures/page/{page}")).size == (400, 600)


@pytest.mark.parametrize(
    ("size", "shown"), [((2800, 4200), (1400, 2100)), ((800, 20_000), (346, 8_660)), ((9, 9), (9, 9))]
)
def test_pages_are_made_small_enough_to_send(size: tuple[int, int], shown: tuple[int, int]) -> None:
    """At most 1,400 px wide and three megapixels, long strips too; small ones stay as they are."""
    found = Image.open(io.BytesIO(page_as_webp(Image.new("RGB", size)))).size
    assert found == pytest.approx(shown, abs=1)


def test_browsers_keep_what_is_named_with_its_version(index: PanelIndex) -> None:
    """`?v=` changes with the picture; without it nothing says that the picture stays the same."""
    assert "immutable" in client(index).get("/pictures/panel/1?v=0").headers["cache-control"]
    assert "cache-control" not in client(index).get("/pictures/panel/1").headers


@pytest.mark.parametrize(
    "path", ["panel/0", "panel/999999", "panel/99999999999999999999999", "page/999999", "panel/x", "x/1"]
)
def test_numbers_that_are_no_panel_find_nothing(index: PanelIndex, path: str) -> None:
    assert client(index).get(f"/pictures/{path}").status_code == 404


def test_comics_that_are_gone_still_have_their_small_pictures(tmp_path: Path) -> None:
    comics = draw_library(tmp_path / "comics")
    build_index([comics], tmp_path / "my.index", encoder=GridEncoder(), workers=0, ocr=False)
    shutil.rmtree(comics)
    with PanelIndex.open(tmp_path / "my.index", encoder=GridEncoder()) as index:
        panel = index.browse(k=1)[0]
        assert client(index).get(f"/pictures/panel/{panel.id}").status_code == 200
        assert client(index).get(f"/pictures/panel/{panel.id}?side=960").status_code == 404
        assert client(index).get(f"/pictures/page/{panel.page_id}").status_code == 404


def test_they_come_from_the_page_with_its_policy(url: str) -> None:
    with urlopen(f"{url}pictures/panel/1?v=0") as answer:
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.read(4) == b"RIFF"


class _LockedApp(Starlette):
    auth: Any = object()
    cookie_id = "c"
    tokens: ClassVar[dict[str, str]] = {"right": "ann"}


def test_behind_a_password_only_who_has_logged_in_sees_them(index: PanelIndex) -> None:
    """The same cookies as Gradio's own addresses."""
    locked = TestClient(_LockedApp(routes=picture_routes(index)))
    assert locked.get("/pictures/panel/1").status_code == 401
    locked.cookies.set("access-token-unsecure-c", "wrong")
    assert locked.get("/pictures/panel/1").status_code == 401
    locked.cookies.set("access-token-unsecure-c", "right")
    assert locked.get("/pictures/panel/1").status_code == 200


def test_no_address_lists_pictures(url: str) -> None:
    with pytest.raises(HTTPError) as error:
        urlopen(f"{url}pictures/")
    assert error.value.code == 404
    error.value.close()
