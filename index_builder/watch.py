"""Watch folders: one build for each burst of changes, after the files have stopped changing.

Changes during a build are built afterwards. A failed build is reported and repeated later; the index does not change.
Folders are watched by notifications of the system, or by polling if the system has none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

from index_builder.build import build_index
from index_builder.options import build_options
from index_builder.preconditions import resolve_sources
from index_builder.report import BuildReport
from retrieval.books.names import is_book_file, is_junk, is_page
from retrieval.encoder.protocol import Encoder
from retrieval.errors import (
    EncoderMismatch,
    IndexTooNew,
    IndexTooOld,
    PanelseekError,
    UsageError,
    caused_by_interrupt,
)
from retrieval.progress import ProgressCallback
from retrieval.search.index_encoder import load_by_name
from retrieval.values import number, path_argument, plain

DEBOUNCE = 5.0
"""Seconds without a change before a build. A copy that pauses for longer is read twice: incomplete, then whole."""
RETRY = 60.0
"""Seconds from a failed build to the next try if nothing changes meanwhile."""
_TICK = 0.25
"""Seconds between two looks at the pending changes."""

_FATAL: tuple[type[Exception], ...] = (UsageError, EncoderMismatch, IndexTooNew, IndexTooOld)
"""Errors that no change of the comics can fix."""

_Mark = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """An event of a watch. event: `built` (with its report), `failed` (with a message), or `changed` (some paths).

    at: time in UTC, such as 2026-11-25T20:00:00Z. message: the problem. path: the file or folder it is about.
    hint: the suggested fix. paths: some of the changed paths, or all sources if none of them exists.
    """

    event: str
    at: str
    message: str = ""
    path: str | None = None
    hint: str | None = None
    paths: tuple[str, ...] = ()
    report: BuildReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the event ready for JSON, without empty fields."""
        report = None if self.report is None else self.report.as_dict()
        found = {
            "event": self.event,
            "at": self.at,
            "message": self.message,
            "path": self.path,
            "hint": self.hint,
            "paths": list(self.paths),
            "report": report,
        }
        return {key: value for key, value in found.items() if value}


def watch_sources(
    sources: Sequence[str | Path],
    index: str | Path,
    *,
    on_event: Callable[[WatchEvent], None] = lambda _: None,
    debounce: float = DEBOUNCE,
    poll_interval: float | None = None,
    stop: Event | None = None,
    encoder: str | Encoder = "auto",
    progress: ProgressCallback | None = None,
    **options: Any,
) -> None:
    """Build once, then again after each change of the sources, until `stop` is set (or Ctrl-C).

    on_event: called for changes and after each build. debounce: seconds without a change before a build.
    poll_interval: seconds between two looks at the folders, instead of notifications (for network drives).
    encoder, options: as for `build_index`; an encoder is loaded once for all builds.

    Raises the errors of `build_index` if the first build shows that none can succeed.
    """
    debounce = number("debounce", debounce, "0 seconds or more", least=0)
    if poll_interval is not None and not number("poll_interval", poll_interval, "more than 0 seconds", least=0):
        raise UsageError("poll_interval must be more than 0 seconds; found 0")
    poll_interval = plain(poll_interval)
    build_options({name: value for name, value in options.items() if name not in ("device", "catalog")})
    paths = resolve_sources(sources)
    build = _Builds(paths, path_argument("index", index).absolute(), encoder, progress, on_event, options)
    _Watch(paths, build, debounce, poll_interval, stop or Event()).run()


class _Builds:
    """Builds of the sources that exist, one after the other, with one encoder."""

    def __init__(
        self,
        paths: list[Path],
        index: Path,
        encoder: str | Encoder,
        progress: ProgressCallback | None,
        on_event: Callable[[WatchEvent], None],
        options: dict[str, Any],
    ) -> None:
        self.paths = paths
        self.index = index
        self._encoder = encoder
        self._progress = progress
        self._on_event = on_event
        self._options = options
        self._load = lru_cache(maxsize=1)(load_by_name)

    def run(self, first: bool) -> bool:
        """Build and report it; return False if it should be tried again. The first build raises fatal errors."""
        existing = [path for path in self.paths if path.exists()]
        try:
            if not existing:
                self.emit("failed", "no source exists now", paths=tuple(map(str, self.paths)))
                return False
            report = build_index(
                existing, self.index, encoder=self._encoder, progress=self._progress, load=self._load, **self._options
            )
        except Exception as error:
            if caused_by_interrupt(error):
                raise KeyboardInterrupt from None
            if first and isinstance(error, _FATAL):
                raise
            self.emit("failed", **_fields(error))
            return False
        self.emit("built", report=report)
        return True

    def emit(self, event: str, message: str = "", **more: Any) -> None:
        """Report an event of this moment."""
        self._on_event(WatchEvent(event, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, **more))


def _fields(error: Exception) -> dict[str, Any]:
    """Return message, path and hint of an error, as fields of an event."""
    if isinstance(error, PanelseekError):
        return {"message": error.problem, "path": error.path, "hint": error.hint}
    if isinstance(error, OSError) and error.strerror:
        return {"message": error.strerror, "path": None if error.filename is None else str(error.filename)}
    return {"message": f"{type(error).__name__}: {error}"}


class _Watch:
    """The loop: changes come in, files stop changing, a build runs."""

    def __init__(self, paths: list[Path], builds: _Builds, debounce: float, poll: float | None, stop: Event) -> None:
        self.paths = paths
        self.builds = builds
        self.debounce = debounce
        self.poll = poll
        self.stop = stop
        self.roots: dict[Path, _Mark] = {}
        self.pending: dict[str, _Mark] = {}
        self.changed_at = 0.0
        self.retry_at: float | None = None

    def run(self) -> None:
        """Watch until `stop` is set."""
        self.roots = {path: _mark(path) for path in self.paths}
        first = True
        while not self.stop.is_set():
            notices = self._notices()
            next(notices, None)  # no later change is missed
            if first:
                self._build(first)
                first = False
            for changes in notices:
                self._take(changes)
                if self._roots_changed():
                    break  # unmounted, mounted, replaced: watch the present folders
                self._build_when_quiet()
            self._roots_changed()

    def _notices(self) -> Iterator[set[str]]:
        """Return the paths that changed, or none, a few times a second until `stop` is set."""
        folders = [path for path in self.paths if path.is_dir()]
        if not folders:
            while not self.stop.wait(_TICK):
                yield set()
            return
        from watchfiles import watch

        interval = {"force_polling": True, "poll_delay_ms": round(1000 * self.poll)} if self.poll else {}
        try:
            for changes in watch(
                *folders,
                watch_filter=lambda _, path: self._counts(path),
                debounce=1000,
                step=100,
                stop_event=self.stop,
                rust_timeout=round(1000 * _TICK),
                yield_on_timeout=True,
                ignore_permission_denied=True,
                **interval,  # type: ignore[arg-type]
            ):
                yield {path for _, path in changes}
        except OSError as error:
            if any(not path.is_dir() for path in folders):
                return  # it disappeared in this moment
            hint = "poll them with --poll-interval SECONDS, or raise fs.inotify.max_user_watches"
            raise UsageError(f"the system cannot watch these folders ({error})", hint=hint) from error

    def _counts(self, path: str) -> bool:
        """Return True if a path can be one of comics; the index itself may be in a source."""
        changed = Path(path)
        if changed.is_relative_to(self.builds.index):
            return False
        source = next((root for root in self.paths if changed.is_relative_to(root)), None)
        return source is None or not (is_junk(changed.relative_to(source).as_posix()) or _is_unfinished(changed.name))

    def _roots_changed(self) -> bool:
        """Return True if a source appeared, disappeared or was replaced; needed for sources that are one file."""
        marks = {path: _mark(path) for path in self.paths}
        changed = {str(path) for path in self.paths if marks[path] != self.roots[path]}
        self.roots = marks
        self._take(changed)
        return bool(changed)

    def _take(self, changes: set[str]) -> None:
        if not changes:
            return
        if not self.pending:
            self.builds.emit("changed", paths=tuple(sorted(changes)[:10]))
        self.pending |= {path: _mark(Path(path)) for path in changes}
        self.changed_at = time.monotonic()

    def _build_when_quiet(self) -> None:
        now = time.monotonic()
        if not self.pending:
            if self.retry_at is not None and now >= self.retry_at:
                self._build()
        elif now - self.changed_at >= self.debounce:
            marks = {path: _mark(Path(path)) for path in self.pending}
            if marks != self.pending:  # still being written, without a notification
                self.pending, self.changed_at = marks, now
            else:
                self.pending = {}
                self._build()

    def _build(self, first: bool = False) -> None:
        done = self.builds.run(first)
        self.changed_at = time.monotonic()
        self.retry_at = None if done else self.changed_at + RETRY


def _is_unfinished(name: str) -> bool:
    """Return True for a file that a program is still copying, such as ".001.jpg.x8Kd2f"."""
    return name.startswith(".") and "." in name[1:] and not is_page(name) and not is_book_file(name)


def _mark(path: Path) -> _Mark:
    """Return a value that changes when a file is written or a file or folder is replaced; None if it is missing."""
    with suppress(OSError):
        stat = os.stat(path)  # noqa: PTH116 (the path may no longer be valid)
        identity = (stat.st_dev, stat.st_ino)
        return identity if path.is_dir() else (*identity, stat.st_size, stat.st_mtime_ns)
    return None
