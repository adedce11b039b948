"""Fixtures of the tests of reading."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes members [(name, bytes), ...] into an archive below tmp_path."""

    def make(name: str, members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", method) as archive:
            for member, data in members:
                archive.writestr(member, data)
        return path

    return make
