"""Query images: cropped, decoded within bounds."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from retrieval.errors import PictureError
from ui.web.search import images
from ui.web.search.images import crop_image, read_upload
from ui.web.search.search_state import Crop


@pytest.mark.parametrize(
    ("crop", "size"), [(None, (40, 20)), (Crop(0.5, 0, 0.5, 1), (20, 20)), (Crop(0.999, 0.999, 0.001, 0.001), (1, 1))]
)
def test_a_crop_has_at_least_a_pixel(crop: Crop | None, size: tuple[int, int]) -> None:
    assert crop_image(Image.new("RGB", (40, 20)), crop).size == size


def test_bad_uploads_are_refused_without_naming_their_path(not_a_picture: Path, forged: Path, tmp_path: Path) -> None:
    """Text called .png, a forged giant, and a file that is gone: a sentence each, and no folder in it."""
    for path, said in (
        (not_a_picture, "this file is not an image"),
        (forged, "60000 x 60000 px is 3600 megapixels; the limit is 120"),
        (tmp_path / "gone.png", "has expired"),
    ):
        with pytest.raises(PictureError, match=re.escape(said)) as error:
            read_upload(str(path))
        assert str(path.parent) not in str(error.value)
        assert "--max-pixels" not in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC image"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 image"),
        (b"II+\0" + bytes(40), "a BigTIFF image"),
    ],
)
def test_an_upload_of_another_kind_is_named(data: bytes, kind: str, tmp_path: Path) -> None:
    """A photograph of a telephone is called what it is."""
    (tmp_path / "photo.jpg").write_bytes(data)
    with pytest.raises(PictureError, match=f"this is {kind}, which is not read"):
        read_upload(str(tmp_path / "photo.jpg"))


def test_an_upload_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "limits", lambda: SimpleNamespace(upload=1000))
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    with pytest.raises(PictureError, match="larger than the limit"):
        read_upload(str(path))
