"""Places of the parts of an index in its folder.

my.index/
  index_id          the id of this index, also in the catalog
  catalog.sqlite    source of truth                 vectors/          the only copy of the vectors
  catalog.url       only if another database was chosen
  generations/N/    what is searched, derived       thumbnails/       thumbnails, derived
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from retrieval.errors import IndexDamaged, IndexError_, IndexMissing
from retrieval.store.files import bytes_used, replace_file
from retrieval.store.hints import ONE_COPY_HINT
from retrieval.store.settings import IndexSettings
from retrieval.store.vectors import VectorStore
from retrieval.values import path_argument


def existing_index(path: str | Path) -> Path:
    """Return the folder of an index. Raises `IndexMissing` if there is none, `IndexError_` if it cannot be read."""
    folder = path_argument("the index", path)
    try:
        found = folder.is_dir() and ((folder / "catalog.sqlite").exists() or (folder / "catalog.url").exists())
    except OSError as error:
        problem = f"the folder of the index cannot be read ({error.strerror or error})"
        raise IndexError_(problem, folder, "check its permissions and those of the folders around it") from error
    if not found:
        raise IndexMissing("there is no index here", folder, f"make one with `panelseek build SOURCE --index {folder}`")
    return folder


def catalog_url(folder: Path) -> URL:
    """Return the SQLAlchemy URL of an index's catalog: that in `catalog.url`, else its own SQLite file."""
    chosen = folder / "catalog.url"
    if not chosen.exists():
        return URL.create("sqlite", database=str(folder / "catalog.sqlite"))
    try:
        return make_url(chosen.read_text().strip())
    except ArgumentError as error:
        raise IndexDamaged("the file has no database URL", chosen, "write the value of --catalog into it") from error


def write_index_id(folder: Path, index_id: str) -> None:
    """Write the index id into the folder unless it is there; an empty file counts as none."""
    path = folder / "index_id"
    if not path.exists() or not path.stat().st_size:
        replace_file(path, lambda temporary: temporary.write_text(f"{index_id}\n"))


def check_index_id(folder: Path, index_id: str) -> None:
    """Raise `IndexDamaged` if folder and catalog belong to two indexes; a folder without an id is accepted."""
    path = folder / "index_id"
    with suppress(OSError):
        found = path.read_text().strip()
        if index_id and found and found != index_id:
            problem = f"the folder belongs to index {found}, its catalog to index {index_id}"
            raise IndexDamaged(problem, folder, ONE_COPY_HINT)


def generation_folder(index: Path, number: int) -> Path:
    """Return the folder of a generation."""
    return index / "generations" / str(number)


def open_vectors(index: Path, settings: IndexSettings) -> VectorStore:
    """Return the vectors of an index, with the number of regions that its first build chose."""
    return VectorStore(index / "vectors", regions=settings.regions)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_on_disk(folder: Path) -> int:
    """Return the bytes that a folder takes; files that disappear meanwhile count as 0."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += bytes_used(path) if path.is_file() else 0
    return total
