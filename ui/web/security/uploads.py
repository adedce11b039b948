"""Uploaded files on disk: how many bytes one visitor and all visitors may keep there, and for how long."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from ui.web.memory import MemoryLimits
from ui.web.security.bodies import Refusal

_MAX_FILES = 200
"""Files of one visitor."""

_ABANDONED_SECONDS = 300.0
"""Seconds since the last write after which an unfinished file is removed."""


class UploadShelf:
    """The files in the folder of uploads, by visitor. The oldest of a visitor make room for the newest."""

    def __init__(self, folder: Path, limits: MemoryLimits, seconds: float) -> None:
        self._folder = folder
        self._limits = limits
        self._seconds = seconds
        self._files: OrderedDict[str, tuple[str, int, float]] = OrderedDict()

    def check(self) -> None:
        """Remove old and unfinished files. Raises `Refusal` if there is no room for one more."""
        self._remove_old()
        taken = sum(path.stat().st_size for path in self._on_disk())
        if taken + self._limits.upload > self._limits.uploads:
            raise Refusal(503, "The server has no room for another image right now. Try again later.")

    def note(self, client: str, answer: bytes) -> None:
        """Note the files of an upload, named in Gradio's answer. The oldest of the visitor make room for them."""
        with suppress(ValueError, TypeError):
            for path in json.loads(answer):
                with suppress(OSError):
                    self._files.pop(str(path), None)  # the same image again counts as the newest
                    self._files[str(path)] = (client, Path(path).stat().st_size, time.monotonic())
        self._make_room(client)

    def _make_room(self, client: str) -> None:
        own = [(path, size) for path, (owner, size, _) in self._files.items() if owner == client]
        total = sum(size for _, size in own)
        while own and (total > self._limits.client_uploads or len(own) > _MAX_FILES):
            path, size = own.pop(0)
            total -= size
            self._remove(path)

    def _remove_old(self) -> None:
        now = time.monotonic()
        for path in [path for path, (_, _, since) in self._files.items() if now - since > self._seconds]:
            self._remove(path)
        for file in self._on_disk():
            with suppress(OSError):
                if str(file) not in self._files and time.time() - file.stat().st_mtime > _ABANDONED_SECONDS:
                    file.unlink()

    def _remove(self, path: str) -> None:
        del self._files[path]
        file = Path(path)
        with suppress(OSError):
            file.unlink()
            file.parent.rmdir()  # Gradio makes a folder for each file; its name is the hash of the content

    def _on_disk(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self._folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return []
