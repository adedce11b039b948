"""Files that are replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.files import replace_file


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """The new content is in place, and nothing else is left."""
    path = tmp_path / "index_id"
    path.write_text("old")
    replace_file(path, lambda partial: partial.write_text("new"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("begun", [True, False])
def test_a_failed_write_leaves_nothing(tmp_path: Path, begun: bool) -> None:
    """An error while writing is raised; the old file stays and no partial file is left."""
    path = tmp_path / "index_id"
    path.write_text("old")

    def fail(partial: Path) -> None:
        if begun:
            partial.write_text("ne")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        replace_file(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
