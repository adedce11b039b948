"""Two tiny books of the sample comics, indexed once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from index_builder import build_index
from sample_data import COMICS
from tests.conftest import GridEncoder


@pytest.fixture(scope="session")
def tiny_comics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pages of one sample comic and one of another, with their annotations."""
    folder = tmp_path_factory.mktemp("training") / "comics"
    for book, pages in (
        ("The Dark Lamp", ("lamp-02", "lamp-03", "lamp-04")),
        ("The Last Bus to Owl Hill", ("bus-02",)),
    ):
        (folder / book).mkdir(parents=True)
        for page in pages:
            for path in (COMICS / book).glob(f"{page}.*"):
                shutil.copy(path, folder / book)
    return folder


@pytest.fixture(scope="session")
def tiny_index(tiny_comics: Path) -> Path:
    """Their index. Which encoder built it does not matter to training."""
    folder = tiny_comics.parent / "tiny.index"
    build_index([tiny_comics], folder, encoder=GridEncoder(), workers=0, ocr=False, thumbnails=False)
    return folder
