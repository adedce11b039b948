"""Every error that Panelseek raises on purpose.

PanelseekError
├── UsageError              invalid arguments
├── PictureError            an image that cannot be decoded, or that exceeds the limits
├── SourceError             comics that are missing or cannot be read
├── CheckpointError         encoder weights that are missing, damaged or of another model
│   └── HubUnreachable      the weights are not cached and the model hub does not answer
├── OcrError                text that OCR cannot read, because the engine is missing or fails
├── TrainingError           a training that cannot continue
├── ResourceError           a full disk, too many open files: a limit of the system, no fault of what is read
└── IndexError_             an index that is missing, damaged, locked or of another version or encoder
    ├── IndexMissing
    ├── IndexDamaged
    ├── IndexLocked
    ├── IndexTooNew
    ├── IndexTooOld
    └── EncoderMismatch

Each error has a problem (what was found and what was expected), the path it is about, and a hint (the suggested fix).
Only `ui` joins them into a sentence and prints them. No caller cuts or matches their text.

The one exception are reports of what was skipped: they store (path, reason) pairs, and `PanelseekError.reason` joins
problem and hint for them.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_AGAIN = "then run the same command again; everything written so far remains"
_LIMIT_HINTS = {
    errno.ENOSPC: f"free space on this disk, {_AGAIN}",
    getattr(errno, "EDQUOT", errno.ENOSPC): f"free space within your quota, {_AGAIN}",
    errno.EMFILE: f"raise the limit of open files (ulimit -n) or lower --workers, {_AGAIN}",
    errno.ENFILE: f"close other programs, {_AGAIN}",
}
_OTHER_HINTS = {
    errno.ENOMEM: f"close other programs or lower --workers, {_AGAIN}",
    errno.EROFS: f"allow writing to this disk, {_AGAIN}",
    errno.EACCES: f"allow access to it, {_AGAIN}",
    errno.EPERM: f"allow access to it, {_AGAIN}",
}


class PanelseekError(Exception):
    """An error that the user can fix; the base of all others.

    problem: what was found and what was expected, without the path. path: the file or folder it is about.
    hint: the suggested fix. `str(error)` is the path and the problem; a traceback shows the hint as a note. `reason`
    is for (path, reason) pairs in reports, the one place outside `ui` where problem and hint are joined.
    """

    def __init__(self, problem: str, path: str | Path | None = None, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = None if path is None else str(path)
        self.hint = hint
        if hint:
            self.add_note(hint)

    @property
    def reason(self) -> str:
        """The problem and the hint in one line, for reports that store (path, reason) pairs."""
        return f"{self.problem}; {self.hint}" if self.hint else self.problem

    def __reduce__(self) -> tuple[type[PanelseekError], tuple[str, str | None, str | None]]:
        """Keep path and hint when an error crosses a process boundary."""
        return type(self), (self.problem, self.path, self.hint)

    def __str__(self) -> str:
        """Return the path, if there is one, and the problem."""
        return self.problem if self.path is None else f"{self.path}: {self.problem}"


class UsageError(PanelseekError):
    """Arguments that are invalid: they contradict each other or name something that does not exist."""


class PictureError(PanelseekError):
    """An image that cannot be decoded, or that exceeds the limits."""


class SourceError(PanelseekError):
    """A folder, archive or page that is missing or cannot be read."""


class CheckpointError(PanelseekError):
    """Encoder weights that are missing, damaged or of another model."""


class HubUnreachable(CheckpointError):
    """Weights that are not in the cache while the model hub does not answer."""


class OcrError(PanelseekError):
    """Text that OCR cannot read: the engine is missing, incomplete, or fails on a page."""


class TrainingError(PanelseekError):
    """A training that cannot continue: it diverged, its files are damaged, or another process runs it."""


class ResourceError(PanelseekError):
    """A limit of the system: a full disk, too many open files. The comics that were being read have no fault."""


class IndexError_(PanelseekError):
    """An index that cannot be used; the base of the following (underscore: `IndexError` is Python's own)."""


class IndexMissing(IndexError_):
    """A folder without an index."""


class IndexDamaged(IndexError_):
    """An index with parts that are missing, altered, or disagree with each other."""


class IndexLocked(IndexError_):
    """An index that another process is writing."""


class IndexTooNew(IndexError_):
    """An index written by a later version of Panelseek."""


class IndexTooOld(IndexError_):
    """An index written by an earlier version of Panelseek, whose tables are no longer read."""


class EncoderMismatch(IndexError_):
    """An index with vectors of another encoder; two encoders never mix."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error of another library, at most 200 characters; its type if it has no text."""
    return str(error).strip().split("\n")[0][:200] or type(error).__name__


def caused_by_interrupt(error: BaseException | None) -> bool:
    """Return True if Ctrl-C caused an error: interrupted libraries may raise another one on top."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_limit(error: BaseException | None) -> bool:
    """Return True if a limit of the system caused an error, such as a full disk or too many open files."""
    while error is not None:
        if isinstance(error, ResourceError) or (isinstance(error, OSError) and error.errno in _LIMIT_HINTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def raise_limit(error: BaseException, path: str | Path | None) -> None:
    """Raise `ResourceError` if a limit of the system caused an error: what was to be read has no fault.

    path: what was to be read; None if the system names it.
    """
    if isinstance(error, ResourceError):
        raise error
    if not is_limit(error):
        return
    cause: BaseException | None = error
    while not isinstance(cause, OSError | ResourceError) and cause is not None:
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, OSError):
        problem = f"cannot be read ({system_problem(cause)})"
        raise ResourceError(problem, path or cause.filename, system_hint(cause)) from error
    raise cause or error


def system_problem(error: OSError) -> str:
    """Return the message of the system, without number and path."""
    return os.strerror(error.errno) if error.errno else first_line(error)


def system_hint(error: OSError) -> str:
    """Return the suggested fix for an error of the system."""
    hints = _LIMIT_HINTS | _OTHER_HINTS
    return hints.get(error.errno or 0, f"check the disk, {_AGAIN}")
