"""Keep an index up to date while folders change: one build for each burst of changes, once the files are quiet.

What happens during a build is noticed and built afterwards. A build that fails is said and tried again later; what was
indexed stays. Folders are watched by the system's notices, or by looking at them now and then where there are none.
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

from index_builder.build import build_index, checked_sources, load_by_name
from index_builder.options import BuildOptions
from index_builder.report import BuildReport, Progress
from retrieval.books.names import is_junk
from retrieval.encoder.protocol import Encoder
from retrieval.errors import EncoderMismatch, IndexTooNew, IndexTooOld, PanelseekError, UsageError

DEBOUNCE = 5.0
"""Seconds without any change before a build; a copy that pauses for longer is read half, and again when it goes on."""
RETRY = 60.0
"""Seconds from a failed build to the next try, where nothing changes meanwhile."""
_TICK = 0.25
_HOPELESS: tuple[type[Exception], ...] = (UsageError, EncoderMismatch, IndexTooNew, IndexTooOld)
"""What no change of the comics will mend."""

_Mark = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """Something to tell. kind: `built` (with its report), `failed` (says why), or `changed` (some paths).

    `at` is the time as UTC, like 2026-11-25T20:00:00Z.
    """

    kind: str
    at: str
    message: str = ""
    paths: tuple[str, ...] = ()
    report: BuildReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON, without what is empty."""
        report = None if self.report is None else self.report.as_dict()
        found = {
            "event": self.kind,
            "at": self.at,
            "message": self.message,
            "paths": list(self.paths),
            "report": report,
        }
        return {key: value for key, value in found.items() if value}


def watch_sources(
    sources: Sequence[str | Path],
    index: str | Path,
    *,
    told: Callable[[WatchEvent], None] = lambda _: None,
    settle: float = DEBOUNCE,
    poll: float | None = None,
    stop: Event | None = None,
    encoder: str | Encoder = "auto",
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> None:
    """Build once, then again after each change of the sources, until `stop` is set (or Ctrl-C).

    settle: seconds without a change before a build. poll: look every so many seconds instead of being notified (for
    network drives and the like). encoder and options: as for `build_index`; an encoder is loaded once for all builds.

    Raises as `build_index` does where the first build shows that none can succeed.
    """
    if settle < 0 or (poll is not None and poll <= 0):
        raise UsageError("settle takes seconds from 0 on, poll seconds above 0")
    BuildOptions(**{name: value for name, value in options.items() if name not in ("device", "catalog")})
    paths = checked_sources(sources)
    build = _Builds(paths, Path(index).expanduser().absolute(), encoder, progress, told, options)
    _Watch(paths, build, settle, poll, stop or Event()).run()


class _Builds:
    """Builds of the sources that are there, one after the other, with one encoder."""

    def __init__(
        self,
        paths: list[Path],
        index: Path,
        encoder: str | Encoder,
        progress: Callable[[Progress], None] | None,
        told: Callable[[WatchEvent], None],
        options: dict[str, Any],
    ) -> None:
        self.paths = paths
        self.index = index
        self._encoder = encoder
        self._progress = progress
        self._told = told
        self._options = options
        self._load = lru_cache(maxsize=1)(load_by_name)

    def run(self, first: bool) -> bool:
        """One build, told; False when it should be tried again. What cannot be mended is raised by the first one."""
        there = [path for path in self.paths if path.exists()]
        try:
            if not there:
                self.tell("failed", f"no source is there now: {', '.join(map(str, self.paths))}")
                return False
            report = build_index(
                there, self.index, encoder=self._encoder, progress=self._progress, load=self._load, **self._options
            )
        except Exception as error:
            if _interrupted(error):
                raise KeyboardInterrupt from None
            if first and isinstance(error, _HOPELESS):
                raise
            known = isinstance(error, PanelseekError | OSError)
            self.tell("failed", str(error) if known else f"{type(error).__name__}: {error}")
            return False
        self.tell("built", report=report)
        return True

    def tell(self, kind: str, message: str = "", **more: Any) -> None:
        self._told(WatchEvent(kind, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, **more))


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind an error: libraries stopped in the middle may raise something else on top."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Watch:
    """The loop: notices come in, files become quiet, a build runs."""

    def __init__(self, paths: list[Path], builds: _Builds, settle: float, poll: float | None, stop: Event) -> None:
        self.paths = paths
        self.builds = builds
        self.settle = settle
        self.poll = poll
        self.stop = stop
        self.roots: dict[Path, _Mark] = {}
        self.pending: dict[str, _Mark] = {}
        self.changed_at = 0.0
        self.retry_at: float | None = None

    def run(self) -> None:
        self.roots = {path: _mark(path) for path in self.paths}
        first = True
        while not self.stop.is_set():
            notices = self._notices()
            next(notices, None)  # from here on nothing is missed
            if first:
                self._build(first)
                first = False
            for changes in notices:
                self._take(changes)
                if self._roots_changed():
                    break  # unmounted, mounted, replaced: watch what is there now
                self._build_when_quiet()
            self._roots_changed()

    def _notices(self) -> Iterator[set[str]]:
        """The paths that changed, or nothing, a few times a second until told to stop."""
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
                return  # it went in this moment
            raise UsageError(
                f"the system does not watch these folders ({error}): look at them now and then with --poll SECONDS, "
                "or raise fs.inotify.max_user_watches"
            ) from error

    def _counts(self, path: str) -> bool:
        """Whether a change there can be one of comics; the index itself may lie among them."""
        changed = Path(path)
        if changed.is_relative_to(self.builds.index):
            return False
        source = next((root for root in self.paths if changed.is_relative_to(root)), None)
        return source is None or not is_junk(changed.relative_to(source).as_posix())

    def _roots_changed(self) -> bool:
        """Whether a source came, went or was replaced; a source that is one file is seen in this way alone."""
        marks = {path: _mark(path) for path in self.paths}
        changed = {str(path) for path in self.paths if marks[path] != self.roots[path]}
        self.roots = marks
        self._take(changed)
        return bool(changed)

    def _take(self, changes: set[str]) -> None:
        if not changes:
            return
        if not self.pending:
            self.builds.tell("changed", paths=tuple(sorted(changes)[:10]))
        self.pending |= {path: _mark(Path(path)) for path in changes}
        self.changed_at = time.monotonic()

    def _build_when_quiet(self) -> None:
        now = time.monotonic()
        if not self.pending:
            if self.retry_at is not None and now >= self.retry_at:
                self._build()
        elif now - self.changed_at >= self.settle:
            marks = {path: _mark(Path(path)) for path in self.pending}
            if marks != self.pending:  # still written to, and nobody said so
                self.pending, self.changed_at = marks, now
            else:
                self.pending = {}
                self._build()

    def _build(self, first: bool = False) -> None:
        done = self.builds.run(first)
        self.changed_at = time.monotonic()
        self.retry_at = None if done else self.changed_at + RETRY


def _mark(path: Path) -> _Mark:
    """What changes when a file is written to or replaced, or a folder is; None where there is nothing."""
    with suppress(OSError):
        stat = os.stat(path)  # noqa: PTH116 (may be a path that is no valid one any more)
        whole = (stat.st_dev, stat.st_ino)
        return whole if path.is_dir() else (*whole, stat.st_size, stat.st_mtime_ns)
    return None
