"""Building from the web app: folders below the allowed roots, one build at a time, its progress and report. No Gradio.

A visitor names a root by its number and a folder by its path below it. Both are resolved, links included; what lies
outside the roots does not exist. A build stops as with Ctrl-C: what was written is kept, and the next build continues.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import PanelseekError, SourceError, UsageError
from retrieval.index import PanelIndex
from retrieval.progress import Progress, ProgressCallback
from ui.output.errors import error_sentence
from ui.output.progress import duration
from ui.web.shell.jobs import Job
from ui.web.shell.messages import NO_SUCH_FOLDER

if TYPE_CHECKING:
    from index_builder import BuildReport

MAX_FOLDERS = 500
"""Folders listed at once."""

STAGES = {
    "load": "Loading the encoder",
    "scan": "Looking for pages",
    "compare": "Checking for changes",
    "calibrate int8": "Calibrating int8",
    "encode": "Reading and encoding pages",
    "read": "Reading dialogue",
    "index": "Updating the search index",
}
"""Names on screen of the stages of a build."""

_MAX_ROOT_CHARS = 9


@dataclass(frozen=True, slots=True)
class FolderList:
    """The folders in a folder that may be built, with the number of files in each.

    root: number of its root among `roots`; path: its place below that; more: folders that are not listed.
    """

    root: int
    roots: tuple[str, ...]
    path: str
    folders: tuple[str, ...]
    files: int
    more: int

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.path.rsplit("/", 1)[-1] or self.roots[self.root]

    @property
    def parents(self) -> list[tuple[str, str]]:
        """Return (path, name) of the folders above it, the root first."""
        names = [self.roots[self.root], *(self.path.split("/") if self.path else [])]
        return [("/".join(names[1:depth]), name) for depth, name in enumerate(names[:-1], 1)]

    def below(self, name: str) -> str:
        """Return the path of a folder in it."""
        return f"{self.path}/{name}" if self.path else name


class BuildService:
    """Builds folders below the roots into one index, for all visitors."""

    def __init__(self, index: PanelIndex, roots: Sequence[Path]) -> None:
        self._index = index
        self._roots = tuple(dict.fromkeys(root.expanduser().resolve() for root in roots))
        self.job = Job(self._describe_error)

    @property
    def allowed(self) -> bool:
        """True if visitors may build at all."""
        return bool(self._roots)

    @property
    def generation(self) -> int:
        """Return the number of the current generation, which rises when a build has added pages."""
        return self._index.generation.number

    def folders(self, root: object = 0, path: object = "") -> FolderList:
        """Return the entries of a folder. Raises `UsageError` for one that is not below the roots, or not there."""
        folder = self._folder(root, path)
        names, files = _contents(folder)
        base = self._roots[int(str(root))]
        return FolderList(
            root=int(str(root)),
            roots=tuple(each.name or str(each) for each in self._roots),
            path="" if folder == base else folder.relative_to(base).as_posix(),
            folders=tuple(names[:MAX_FOLDERS]),
            files=files,
            more=max(0, len(names) - MAX_FOLDERS),
        )

    def start(self, root: object, path: object) -> bool:
        """Build a folder. False if a build is running already."""
        folder = self._folder(root, path)
        base = self._roots[int(str(root))]
        return self.job.start(lambda progress: self._build(folder, base, progress))

    def _build(self, folder: Path, base: Path, progress: ProgressCallback) -> BuildReport:
        from index_builder import build_index

        progress(Progress("load"))
        report = build_index(
            [folder],
            self._index.folder,
            encoder=self._index.encoder,
            progress=progress,
            **{**self._options(), "within": base},
        )
        self._index.refresh()
        return report

    def _options(self) -> dict[str, Any]:
        """Return the options of the last build."""
        from index_builder import BuildOptions

        options = self._index.catalog.settings().build_options
        names = {field.name for field in fields(BuildOptions)}
        return {name: value for name, value in options.items() if name in names and value is not None}

    def _folder(self, root: object, path: object) -> Path:
        number = str(root)
        if not (number.isdecimal() and int(number[:_MAX_ROOT_CHARS]) < len(self._roots)) or not isinstance(path, str):
            raise UsageError(NO_SUCH_FOLDER)
        base = self._roots[int(number)]
        try:
            folder = (base / path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise UsageError(NO_SUCH_FOLDER) from None
        if not folder.is_relative_to(base) or not folder.is_dir():
            raise UsageError(NO_SUCH_FOLDER)
        return folder

    def _describe_error(self, error: PanelseekError) -> str:
        """Return an error as a sentence, its path only below the roots: visitors must not see what lies above."""
        shown = self._path_below_roots(error.path)
        return error_sentence(PanelseekError(error.problem, shown, error.hint))

    def _path_below_roots(self, path: str | None) -> str | None:
        for base in self._roots:
            if path is not None and Path(path).is_relative_to(base):
                return Path(path).relative_to(base.parent).as_posix()
        return None


def _contents(folder: Path) -> tuple[list[str], int]:
    """Return the names of folders in natural order, and the number of files, without hidden ones and links."""
    from retrieval.books import natural_key

    names, files = [], 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.is_symlink() or not entry.name.isprintable():
                    continue
                if entry.is_dir():
                    names.append(entry.name)
                else:
                    files += 1
    except OSError as error:
        raise SourceError(f"the folder cannot be read ({error.strerror})", folder) from error
    return sorted(names, key=natural_key), files


def stage_name(progress: Progress) -> str:
    """Return the name on screen of the stage of a build."""
    return STAGES.get(progress.stage, progress.stage or "Starting")


def progress_text(progress: Progress) -> str:
    """Return the text below the progress bar of a build: "12 of 40 pages, 96 panels, ..."."""
    if progress.stage == "index":
        return progress.detail.capitalize()
    if progress.stage not in STAGES or progress.stage == "load":
        return ""
    total = f" of {progress.total:,}" if progress.total else ""
    left = f"{duration(progress.seconds_left)} left" if progress.seconds_left else ""
    return ", ".join(part for part in (f"{progress.done:,}{total} {progress.unit}", progress.detail, left) if part)
