"""Places of the parts of an index in its folder.

my.index/
  index_id          the id of this index, also in the catalog
  catalog.sqlite    source of truth                 vectors/          the only copy of the vectors
  catalog.url       only if another database was chosen
  generations/N/    what is searched, derived       thumbnails/       thumbnails, derived
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from retrieval.errors import IndexDamaged, IndexError_, IndexMissing
from retrieval.files import bytes_used, replace_file
from retrieval.store.hints import ONE_COPY_HINT
from retrieval.store.settings import IndexSettings
from retrieval.store.vectors import VectorStore
from retrieval.values import path_argument

ID_FILE = "index_id"
_INDEX_ID = re.compile(rb"[0-9a-f]{32}")


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
    """Write the index id into the folder unless an id is there; a damaged one counts as none."""
    if not _read_index_id(folder):
        replace_file(folder / ID_FILE, lambda temporary: temporary.write_text(f"{index_id}\n"))


def check_index_id(folder: Path, index_id: str) -> None:
    """Raise `IndexDamaged` if folder and catalog belong to two indexes; a folder without a whole id is accepted."""
    found = _read_index_id(folder)
    if index_id and found and found != index_id:
        problem = f"the folder belongs to index {found}, its catalog to index {index_id}"
        raise IndexDamaged(problem, folder, ONE_COPY_HINT)


def has_damaged_id(folder: Path) -> bool:
    """Return True if the folder has a file with an id, and what is in it is none; an empty one counts as no file."""
    return bool(_id_bytes(folder)) and not _read_index_id(folder)


def _read_index_id(folder: Path) -> str:
    """Return the index id in a folder; "" if there is none, or if it is damaged."""
    found = _id_bytes(folder)
    return found.decode() if _INDEX_ID.fullmatch(found) else ""


def _id_bytes(folder: Path) -> bytes:
    try:
        return (folder / ID_FILE).read_bytes().strip()
    except OSError:
        return b""


def generation_folder(index: Path, number: int) -> Path:
    """Return the folder of a generation."""
    return index / "generations" / str(number)


def open_vectors(index: Path, settings: IndexSettings) -> VectorStore:
    """Return the vectors of an index, with the regions and their basis that its first build chose."""
    return VectorStore(index / "vectors", regions=settings.regions, basis=settings.region_basis)


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
