"""Export of a collection: pictures with a table of where they are from, or the table alone."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.collections.kept import KeptPanel, kept_panels
from retrieval.errors import PictureError, SourceError, UsageError
from retrieval.files import replace_file
from retrieval.names import file_name
from retrieval.progress import ProgressCallback, StageProgress, no_progress
from retrieval.records import Panel
from retrieval.search.open_index import OpenIndex

FORMATS = (".zip", ".csv", ".json")
"""Endings of the files that an export makes."""

COLUMNS = ("place", "book", "page", "panel", "x", "y", "w", "h", "text", "file", "picture", "panel_id")
"""Columns of the table. file: the page below its source. picture: its name in the ZIP. Boxes are in page pixels."""

TABLE = "citations.csv"
"""Name of the table in a ZIP."""

LEFT_OUT = "left out.txt"
"""Name of the list of panels without a picture in a ZIP, with reasons; only there if it is not empty."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a cell that spreadsheets would compute."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export. left_out: (panel in words, reason) of panels without a picture or without a place."""

    path: Path
    panels: int
    left_out: tuple[tuple[str, str], ...]


def export_collection(
    index: OpenIndex,
    name: str,
    path: Path,
    progress: ProgressCallback = no_progress,
    draw: Callable[[Panel], bytes] | None = None,
) -> Exported:
    """Write a collection to a `.zip` (pictures as PNG and the table), a `.csv` or a `.json` file.

    The file is written under another name and renamed, so that an export that stops leaves nothing. A panel that is
    gone or cannot be read is left out and named, also in the ZIP. draw: returns a panel as PNG bytes; by default it is
    cut from its comic. Raises `UsageError` for an unknown collection or another ending, and `PanelseekError` if the
    file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path.name!r} ends in {path.suffix or 'nothing'}", hint=f"use {', '.join(FORMATS)}")
    found = kept_panels(index, name)
    left_out = [(_words(kept), "its comics are no longer in the index") for kept in found if kept.panel is None]
    present = [kept for kept in found if kept.panel is not None]
    try:
        if path.suffix.lower() == ".zip":
            draw = draw or (lambda panel: panel_png(index, panel))
            replace_file(path, lambda target: _write_zip(present, left_out, target, progress, draw))
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


def panel_png(index: OpenIndex, panel: Panel) -> bytes:
    """Return a panel, cut from its comic, as PNG bytes. Raises `SourceError` or `PictureError`."""
    picture = io.BytesIO()
    index.panel_image(panel).save(picture, "PNG")
    return picture.getvalue()


def _write_zip(
    present: Sequence[KeptPanel],
    left_out: list[tuple[str, str]],
    path: Path,
    progress: ProgressCallback,
    draw: Callable[[Panel], bytes],
) -> None:
    """Write pictures and table; add the panels whose picture cannot be read to `left_out`, and write that, too."""
    rows = []
    report = StageProgress(progress, "export", "panels", len(present))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed already
        for place, kept in _numbered(present):
            row = _row(place, kept)
            assert kept.panel is not None
            try:
                archive.writestr(row["picture"], draw(kept.panel))
                rows.append(row)
            except (SourceError, PictureError) as error:
                left_out.append((_words(kept), error.reason))
            report(place)
        archive.writestr(TABLE, _as_csv(rows), zipfile.ZIP_DEFLATED)
        if left_out:
            lines = "".join(f"{panel}: {reason}\n" for panel, reason in left_out)
            archive.writestr(LEFT_OUT, lines, zipfile.ZIP_DEFLATED)


def _row(place: int, kept: KeptPanel) -> dict[str, Any]:
    """Return the values of one panel by column."""
    panel = kept.panel
    assert panel is not None
    title = file_name(panel.book) or "book"
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
