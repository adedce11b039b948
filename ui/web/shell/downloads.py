"""Answers that a browser saves as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from retrieval.errors import PanelseekError
from retrieval.names import file_name
from retrieval.records import Panel
from ui.web.shell.messages import INDEX_UNUSABLE, user_message

_CHUNK_BYTES = 256 * 1024


def panel_file_name(panel: Panel) -> str:
    """Return the name of the file in which a panel is saved."""
    return f"{file_name(panel.book) or 'book'} p{panel.page_number} panel {panel.number}.png"


def saved_as(name: str) -> dict[str, str]:
    """Return the headers of an answer that is saved under a name and not stored in caches."""
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    return {"content-disposition": disposition, "cache-control": "no-store"}


def sentence(error: PanelseekError, status: int, unusable: str = INDEX_UNUSABLE) -> Response:
    """Return an error as plain text, which the script shows in place of a download; `unusable` as `user_message`."""
    return PlainTextResponse(user_message(error, unusable), status_code=status, headers={"cache-control": "no-store"})


class FileDownload(StreamingResponse):
    """An open file, sent in chunks and closed afterwards, also if the browser leaves."""

    def __init__(self, file: IO[bytes], size: int, name: str, media_type: str, done: Callable[[], None]) -> None:
        """Take the open file, its size in bytes, and a function that is called once it is closed."""
        headers = {**saved_as(name), "content-length": str(size)}
        super().__init__(_chunks(file), media_type=media_type, headers=headers)
        self._file = file
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
            self._done()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
