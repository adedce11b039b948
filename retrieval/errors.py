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

A message names the thing, what was found, what was expected, and the way out.
Libraries raise these; only `ui` prints them.
"""

from __future__ import annotations


class PanelseekError(Exception):
    """Base of all errors a person can act on; `str(error)` is a full sentence."""


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
