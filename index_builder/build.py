"""Build an index: the entry point. Data flows one way: plan, decode, encode, write, derive."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from index_builder.options import build_options
from index_builder.preconditions import resolve_sources
from index_builder.report import BuildReport
from index_builder.session import BuildSession
from index_builder.write import CatalogWriter, WritableIndex, writer_lock
from retrieval.encoder.protocol import Encoder
from retrieval.errors import PanelseekError, UsageError
from retrieval.files import replace_file
from retrieval.progress import ProgressCallback, no_progress
from retrieval.search.index_encoder import EncoderLoader, load_by_name
from retrieval.store.layout import catalog_url
from retrieval.values import path_argument


def build_index(
    sources: Sequence[str | Path],
    index: str | Path,
    *,
    encoder: str | Path | Encoder = "auto",
    device: str | None = None,
    catalog: str | None = None,
    progress: ProgressCallback | None = None,
    load: EncoderLoader | None = None,
    **options: Any,
) -> BuildReport:
    """Bring the index in folder `index` up to date with `sources`; run it again at any time.

    sources: folders, archives or images. encoder: a name or path for `load_encoder`, or an encoder; `auto` is the
    one that built the index, if there is one. catalog: SQLAlchemy URL for the catalog of a new index (default: SQLite
    inside it). load: loads the encoder (name, device, precision), for callers that keep it.
    options: see `BuildOptions`.

    Raises `SourceError` if a source is missing or nothing can be read, `IndexLocked` if another build is writing,
    `EncoderMismatch` if the index has another encoder's vectors, `UsageError` for options.
    """
    chosen = build_options(options)
    folder = path_argument("index", index).absolute()
    paths = resolve_sources(sources)
    created = not folder.exists()
    with writer_lock(folder):
        try:
            store = _open_catalog(folder, catalog)
        except PanelseekError:
            if created:
                _remove_folder(folder)
            raise
        try:
            opened = WritableIndex(folder, store)
            session = BuildSession(opened, chosen, encoder, device, progress or no_progress, load or load_by_name)
            return session.run(paths)
        except Exception:
            if created:
                _remove_if_empty(folder, store)
            raise
        finally:
            store.close()


def _open_catalog(folder: Path, url: str | None) -> CatalogWriter:
    current = catalog_url(folder)
    chosen = current if url is None else _chosen_url(url)
    if chosen == current:
        return CatalogWriter.create(current)
    if (folder / "catalog.sqlite").exists() or (folder / "catalog.url").exists():
        shown = current.render_as_string(hide_password=True)
        raise UsageError(f"the catalog of this index is {shown}", folder, "leave out --catalog, or build elsewhere")
    catalog = CatalogWriter.create(chosen)
    url_line = chosen.render_as_string(hide_password=False) + "\n"
    replace_file(folder / "catalog.url", lambda partial: partial.write_text(url_line))  # the database works
    return catalog


def _chosen_url(text: str) -> URL:
    """Return the URL of a database; a SQLite file becomes absolute, so that the index opens from anywhere."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        problem = f"--catalog takes an SQLAlchemy URL, such as postgresql+psycopg://...; found {text!r}"
        raise UsageError(problem) from error
    if url.get_backend_name() != "sqlite":
        return url
    if url.database in (None, "", ":memory:"):
        raise UsageError("a catalog in memory ends with this process", hint="name a file, or leave out --catalog")
    return url.set(database=str(Path(str(url.database)).expanduser().absolute()))


def _remove_if_empty(folder: Path, store: CatalogWriter) -> None:
    """Delete the folder of an index if it has no panel; what the disk refuses is left for the next build."""
    with suppress(PanelseekError):
        empty = store.panels.last_vector_row() < 0
        store.close()
        if empty:
            _remove_folder(folder)


def _remove_folder(folder: Path) -> None:
    """Delete the folder of an index without any panel, as far as the disk allows."""
    with suppress(OSError):  # the error that came before is the one to report
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
