"""Export of a collection: pictures with a table of where they are from, or the table alone."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.collections.kept import KeptPanel, kept_panels
from retrieval.errors import PanelseekError, UsageError
from retrieval.files import replace_file
from retrieval.progress import ProgressCallback, StageProgress, no_progress
from retrieval.search.open_index import OpenIndex

FORMATS = (".zip", ".csv", ".json")
"""Endings of the files that an export makes."""

COLUMNS = ("place", "book", "page", "panel", "x", "y", "w", "h", "text", "file", "picture", "panel_id")
"""Columns of the table. file: the page below its source. picture: its name in the ZIP. Boxes are in page pixels."""

TABLE = "citations.csv"
"""Name of the table in a ZIP."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
"""Characters that some file system does not allow in a name."""

_MAX_TITLE = 80
"""Characters of a book's title in the name of a picture."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a cell that spreadsheets would compute."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export. left_out: (panel in words, reason) of panels without a picture or without a place."""

    path: Path
    panels: int
    left_out: tuple[tuple[str, str], ...]


def export_collection(index: OpenIndex, name: str, path: Path, progress: ProgressCallback = no_progress) -> Exported:
    """Write a collection to a `.zip` (pictures as PNG and the table), a `.csv` or a `.json` file.

    The file is written under another name and renamed, so that an export that stops leaves nothing. A panel that is
    gone or cannot be read is left out and named. Raises `UsageError` for an unknown collection or another ending, and
    `PanelseekError` if the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path.name!r} ends in {path.suffix or 'nothing'}", hint=f"use {', '.join(FORMATS)}")
    found = kept_panels(index, name)
    left_out = [(_words(kept), "its comics are no longer in the index") for kept in found if kept.panel is None]
    present = [kept for kept in found if kept.panel is not None]
    try:
        if path.suffix.lower() == ".zip":
            replace_file(path, lambda target: left_out.extend(_write_zip(index, present, target, progress)))
        elif path.suffix.lower() == ".csv":
            replace_file(path, lambda target: target.write_bytes(_as_csv([_row(n, k) for n, k in _numbered(present)])))
        else:
            rows = [_row(n, kept) for n, kept in _numbered(present)]
            content = {"collection": name, "panels": rows}
            replace_file(path, lambda target: target.write_text(json.dumps(content, ensure_ascii=False, indent=1)))
    except OSError as error:
        raise UsageError(
            f"the file cannot be written ({error.strerror or error})", path, "choose another place for the export"
        ) from error
    return Exported(path, len(found) - len(left_out), tuple(left_out))


def _numbered(kept: Sequence[KeptPanel]) -> list[tuple[int, KeptPanel]]:
    return list(enumerate(kept, 1))


def _write_zip(
    index: OpenIndex, present: Sequence[KeptPanel], path: Path, progress: ProgressCallback
) -> list[tuple[str, str]]:
    """Write pictures and table; return the panels whose picture cannot be read."""
    rows, left_out = [], []
    report = StageProgress(progress, "export", "panels", len(present))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed already
        for place, kept in _numbered(present):
            row = _row(place, kept)
            assert kept.panel is not None
            try:
                picture = io.BytesIO()
                index.panel_image(kept.panel).save(picture, "PNG")
                archive.writestr(row["picture"], picture.getvalue())
                rows.append(row)
            except PanelseekError as error:
                left_out.append((_words(kept), error.reason))
            report(place)
        archive.writestr(TABLE, _as_csv(rows), zipfile.ZIP_DEFLATED)
    return left_out


def _row(place: int, kept: KeptPanel) -> dict[str, Any]:
    """Return the values of one panel by column."""
    panel = kept.panel
    assert panel is not None
    title = _UNSAFE.sub(" ", panel.book)[:_MAX_TITLE].strip(" .") or "book"
    picture = f"{place:03d} {title} p{panel.page_number} panel {panel.number}.png"
    where = (place, panel.book, panel.page_number, panel.number, *panel.box.as_list())
    values = (*where, panel.dialogue, panel.page_path, picture, panel.id)
    return dict(zip(COLUMNS, values, strict=True))


def _as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return a table as CSV in UTF-8 with a byte order mark, by which spreadsheets know the encoding."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula: text of a comic may begin like one."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _words(kept: KeptPanel) -> str:
    member = kept.member
    return f"{member.book}, page {member.page}, panel {member.number}"
