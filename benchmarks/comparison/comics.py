"""The comics of a comparison: pages of a small library, and query pictures cut from pages."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
SUBSET_PAGES = 12
"""Pages of the small library that is built in every round: a few seconds a build."""


def page_files(comics: Path) -> list[Path]:
    """Return all pages of the comics that are files of their own, in order."""
    return sorted(path for path in comics.rglob("*") if path.suffix.lower() in PICTURES)


def write_subset(pages: Sequence[Path], folder: Path) -> Path:
    """Copy some pages and their annotations into two books."""
    for number, page in enumerate(pages[:: max(1, len(pages) // SUBSET_PAGES)][:SUBSET_PAGES]):
        book = folder / f"book {number % 2 + 1}"
        book.mkdir(parents=True, exist_ok=True)
        for path in (page, page.with_suffix(".json")):
            if path.exists():
                shutil.copyfile(path, book / f"{number:02}{path.suffix}")
    return folder


def write_query_pictures(pages: Sequence[Path], folder: Path) -> list[str]:
    """Cut query pictures from pages: half of each page in one direction, a quarter in both."""
    folder.mkdir()
    found = []
    for number, page in enumerate(pages[:: max(1, len(pages) // 6)][:6]):
        with Image.open(page) as picture:
            w, h = picture.size
            box = (0, 0, w, h // 2) if number % 2 else (w // 4, h // 4, 3 * w // 4, 3 * h // 4)
            path = folder / f"{number}.png"
            picture.convert("RGB").crop(box).save(path)
            found.append(str(path))
    return found
