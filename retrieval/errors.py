"""Every error that Panelseek raises on purpose.

PanelseekError
├── UsageError              the call asks for something that cannot be meant
├── PictureError            bytes that are not a picture, or one beyond the bounds
├── SourceError             comics that are missing or cannot be read
├── CheckpointError         weights that are missing, damaged or of another model
│   └── HubUnreachable      the weights are not cached and the model hub does not answer
├── OcrError                lettering that cannot be read, because the engine is missing or fails
├── TrainingError           a training that cannot go on
└── IndexError_             an index that is missing, damaged, locked or from elsewhere
    ├── IndexMissing
    ├── IndexDamaged
    ├── IndexLocked
    ├── IndexTooNew
    ├── IndexTooOld
    └── EncoderMismatch

Each error has a problem (what was found and what was expected), the path it is about, and a hint (the suggested fix).
Only `ui` joins them into a sentence and prints them. No caller cuts or matches their text.
"""

from __future__ import annotations

from pathlib import Path


class PanelseekError(Exception):
    """Base of all errors that a person can act on.

    problem: what was found and what was expected, without the path. path: the file or folder it is about.
    hint: the suggested fix. `str(error)` is the path and the problem; a traceback shows the hint as a note.
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
        """The problem and the hint, for lists that name the path themselves."""
        return f"{self.problem}; {self.hint}" if self.hint else self.problem

    def __reduce__(self) -> tuple[type[PanelseekError], tuple[str, str | None, str | None]]:
        """Keep path and hint when an error crosses a process boundary."""
        return type(self), (self.problem, self.path, self.hint)

    def __str__(self) -> str:
        """Return the path, if there is one, and the problem."""
        return self.problem if self.path is None else f"{self.path}: {self.problem}"


class UsageError(PanelseekError):
    """The arguments contradict each other or name something that does not exist."""


class PictureError(PanelseekError):
    """The bytes are not a picture that can be decoded within the bounds."""


class SourceError(PanelseekError):
    """A folder, archive or page is missing or unreadable."""


class CheckpointError(PanelseekError):
    """Encoder weights are missing, damaged, or belong to another model."""


class HubUnreachable(CheckpointError):
    """The weights are not in the cache and the model hub cannot be reached."""


class OcrError(PanelseekError):
    """The engine that reads lettering is missing, incomplete, or failed on a page."""


class TrainingError(PanelseekError):
    """A training cannot go on: its numbers diverged, its files are damaged, or another process has it."""


class IndexError_(PanelseekError):
    """Base for an index that cannot be used as asked (underscore: `IndexError` is Python's own)."""


class IndexMissing(IndexError_):
    """There is no index at that place."""


class IndexDamaged(IndexError_):
    """Parts of the index are missing, altered, or disagree with each other."""


class IndexLocked(IndexError_):
    """Another process is writing this index."""


class IndexTooNew(IndexError_):
    """The index was written by a later version of Panelseek."""


class IndexTooOld(IndexError_):
    """The index was written by an earlier version of Panelseek, whose tables are no longer read."""


class EncoderMismatch(IndexError_):
    """The index holds vectors of another encoder; two encoders never mix."""


def caused_by_interrupt(error: BaseException | None) -> bool:
    """Return True if Ctrl-C caused an error: interrupted libraries may raise another one on top."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
