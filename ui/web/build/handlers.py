"""Building from the page: folders below the allowed roots, one build at a time, its progress and report. No Gradio.

A visitor names a root by its number and a folder by its path below it; both are resolved, links included, and what lies
outside the roots is not there. A build is stopped as Ctrl-C stops one: what was written is kept, the next goes on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import PanelseekError, SourceError, UsageError
from retrieval.index import PanelIndex
from ui.web.shell.jobs import Job

if TYPE_CHECKING:
    from index_builder import BuildReport, Progress

MOST_FOLDERS = 500
"""Folders listed at once; nobody reads more."""

STAGES = {
    "scan": "Looking for pages",
    "compare": "Comparing them with what is known",
    "encode": "Reading and encoding pages",
    "index": "Making the index",
}


@dataclass(frozen=True, slots=True)
class Folders:
    """A folder that may be built: its place below a root, and the folders and comics in it."""

    root: int
    roots: tuple[str, ...]
    path: str
    folders: tuple[str, ...]
    files: int
    more: int


class Builder:
    """What visitors may do with builds of one index; shared by all of them."""

    def __init__(self, index: PanelIndex, roots: Sequence[Path]) -> None:
        self._index = index
        self._roots = tuple(dict.fromkeys(root.expanduser().resolve() for root in roots))
        self.job = Job(self._sentence)

    @property
    def allowed(self) -> bool:
        return bool(self._roots)

    @property
    def generation(self) -> int:
        """Of the index, as it is searched now: another one once a build has ended with new pages."""
        return self._index.generation.number

    def folders(self, root: object = 0, path: object = "") -> Folders:
        """What lies in a folder. Raises `UsageError` for one that is not below the roots, or not there."""
        folder = self._folder(root, path)
        inside, files = _inside(folder)
        base = self._roots[int(str(root))]
        return Folders(
            root=int(str(root)),
            roots=tuple(each.name or str(each) for each in self._roots),
            path="" if folder == base else folder.relative_to(base).as_posix(),
            folders=tuple(inside[:MOST_FOLDERS]),
            files=files,
            more=max(0, len(inside) - MOST_FOLDERS),
        )

    def start(self, root: object, path: object) -> bool:
        """Build a folder; False when a build started here is under way already."""
        folder = self._folder(root, path)
        return self.job.start(lambda job: self._build(folder, job))

    def _build(self, folder: Path, job: Job) -> BuildReport:
        from index_builder import build_index

        def tell(progress: Progress) -> None:
            done, total = progress.pages_done, progress.pages_total
            if progress.stage == "index":
                done, total = progress.vectors_done, progress.vectors_total
            job.told(STAGES.get(progress.stage, progress.stage), done, total, _more(progress))

        job.told("Loading the encoder", 0, 0)
        report = build_index(
            [folder], self._index.folder, encoder=self._index.encoder, progress=tell, **self._options()
        )
        self._index.refresh()
        return report

    def _options(self) -> dict[str, Any]:
        """As the index was built before."""
        from index_builder import BuildOptions

        kept = last_build_options(self._index.catalog)
        names = {each.name for each in fields(BuildOptions)}
        return {name: value for name, value in kept.items() if name in names and value is not None}

    def _folder(self, root: object, path: object) -> Path:
        number = str(root)
        if not (number.isdecimal() and int(number[:9]) < len(self._roots)) or not isinstance(path, str):
            raise UsageError("There is no such folder here.")
        base = self._roots[int(number)]
        try:
            folder = (base / path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise UsageError("There is no such folder here.") from None
        if not folder.is_relative_to(base) or not folder.is_dir():
            raise UsageError("There is no such folder here.")
        return folder

    def _sentence(self, error: PanelseekError) -> str:
        """What went wrong, without where things lie on this machine above the roots."""
        said = str(error)
        for base in self._roots:
            said = said.replace(f"{base.parent}{os.sep}" if base.parent != base else str(base), "")
        said = said.replace(str(self._index.folder.absolute()), "this index").replace(
            str(self._index.folder), "this index"
        )
        return said[:1].upper() + said[1:] + ("" if said.endswith((".", "!", "?")) else ".")


def _inside(folder: Path) -> tuple[list[str], int]:
    """Names of folders in natural order, and how many files lie beside them; hidden ones and links are left out."""
    from natsort import natsorted, ns

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
        raise SourceError(f"{folder.name} cannot be read ({error.strerror})") from error
    return natsorted(names, alg=ns.IGNORECASE), files


def _more(progress: Progress) -> str:
    """What is said beside the bar."""
    if progress.stage == "index":
        return progress.detail.capitalize()
    text = f"{progress.pages_done:,}" + (f" of {progress.pages_total:,}" if progress.pages_total else "") + " pages"
    if progress.stage == "encode":
        text += f", {progress.panels_done:,} panels"
    if progress.seconds_left is not None and progress.pages_done < progress.pages_total:
        text += f", {progress.panels_per_second:.1f} a second, {_duration(progress.seconds_left)} left"
    return text


def _duration(seconds: float) -> str:
    from ui.output.progress import duration

    return duration(seconds)
