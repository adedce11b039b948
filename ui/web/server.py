"""Give the page an address: `serve("my.index")`. Loopback unless told otherwise; Ctrl-C stops it."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from retrieval.errors import PanelseekError, UsageError
from retrieval.index import PanelIndex
from ui.web.search.handlers import MAX_UPLOAD_BYTES

if TYPE_CHECKING:
    from ui.web.services import Works

DEFAULT_PORT = 7860
_PORTS_TRIED = 100
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Auth = tuple[str, str] | list[tuple[str, str]]

log = logging.getLogger("panelseek.page")


def serve(
    index_path: str | Path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    device: str | None = None,
    open_browser: bool = False,
    auth: Auth | None = None,
    root_path: str | None = None,
    build_roots: Sequence[str | Path] = (),
) -> None:
    """Serve the search page until Ctrl-C.

    auth: (name, password), or several. root_path: where a proxy puts the page. build_roots: folders below which
    visitors may build into this index; none by default. Raises `PanelseekError` when
    the index cannot be opened, `UsageError` when the port is taken (the default port makes way for the next).
    """
    roots = [_root(root) for root in build_roots]
    with PanelIndex.open(index_path, device=device) as index, _own_uploads():
        from ui.web.app import build_app  # Gradio takes seconds to import: not before the index is known to open
        from ui.web.services import Works
        from ui.web.sessions import bound_sessions

        chosen = free_port(host, port)
        works = Works(index, roots)
        page = build_app(index, works)
        bound_sessions(page)
        with redirect_stdout(io.StringIO()):  # results go there, and Gradio announces its tools there
            _, url, _ = page.launch(
                server_name=host,
                server_port=chosen,
                inbrowser=open_browser,
                auth=auth,
                root_path=root_path,
                **launch_options(works, private=host in _LOOPBACK and not auth and not root_path, tools=not auth),
            )
        _only_our_tool(page)
        try:
            with _until_asked_to_end() as wait:
                _say(index, url, host, auth, roots)
                threading.Thread(target=_warm, args=(index,), daemon=True).start()
                wait()
        finally:
            works.end()
            page.close(verbose=False)


def _root(root: str | Path) -> Path:
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(f"--allow-build {root} is no folder: name one that holds comics")
    return folder


def _only_our_tool(page: Any) -> None:
    """Only `search_panels` is a tool: it takes pictures as bytes, never as files or addresses."""
    server = page.mcp_server_obj
    if server is None:
        return
    tools = server.tool_to_endpoint
    for name in [name for name, endpoint in tools.items() if endpoint != "/search_panels"]:
        del tools[name]
    server.postprocess_output_data = _as_json


def _as_json(answers: Sequence[Any], _: str) -> list[Any]:
    """An answer as JSON; Gradio would write it as Python, and open files that it seems to name."""
    from mcp.types import TextContent

    return [TextContent(type="text", text=json.dumps(answer, ensure_ascii=False)) for answer in answers]


def launch_options(works: Works, private: bool = True, tools: bool = True) -> dict[str, Any]:
    """How the page is launched wherever it runs: its looks, its bounds, and everything that would call home off.

    private: answer only to this machine's own names, so that no web page elsewhere can reach a loopback server
    through a name that it makes point here. tools: answer to models as well (MCP); those have no way to log in.
    """
    from ui.web.sessions import SESSIONS
    from ui.web.theme import head, stylesheets, theme

    return {
        "theme": theme(),
        "css_paths": stylesheets(),
        "head": head(),
        "max_file_size": MAX_UPLOAD_BYTES,
        "app_kwargs": {
            "middleware": [_guard(), *(_only_as_this_machine() if private else ())],
            "routes": works.routes(),
        },
        "allowed_paths": [],
        "footer_links": [],
        "prevent_thread_lock": True,
        "quiet": True,
        "share": False,
        "show_error": False,
        "enable_monitoring": False,
        "state_session_capacity": SESSIONS,
        "run_history": False,  # it would keep people's searches in their browser
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": tools,
    }


def free_port(host: str, port: int) -> int:
    """The port, or the next free one when it is the default. Raises `UsageError` for another one that is taken."""
    tries = range(port, port + _PORTS_TRIED) if port == DEFAULT_PORT else (port,)
    for candidate in tries:
        if _is_free(host, candidate):
            if candidate != port:
                _tell(f"Port {port} is taken, so this is port {candidate}.")
            return candidate
    raise UsageError(f"port {port} on {host} is taken or not allowed: choose another --port")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@contextmanager
def _own_uploads() -> Iterator[None]:
    """Uploads go into a folder of this process that only its user can read, and that goes when it ends."""
    before = os.environ.get("GRADIO_TEMP_DIR")
    with tempfile.TemporaryDirectory(prefix="panelseek-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["GRADIO_TEMP_DIR"]
            else:
                os.environ["GRADIO_TEMP_DIR"] = before


def _warm(index: PanelIndex) -> None:
    """Load the encoder and ask once by picture and by words while the person still looks at the page, so that the first
    search does not wait for what is loaded with it.
    """
    try:
        _ = index.encoder
    except PanelseekError as error:  # every search will say so on the page; the reason belongs here
        log.error("the encoder of this index cannot be loaded: %s", error)
        return
    with suppress(Exception):  # what is wrong is said where somebody searches; the server may end meanwhile
        index.search(image=Image.new("RGB", (64, 64), "grey"), k=1)
        index.search(text="warm", k=1)


@contextmanager
def _until_asked_to_end() -> Iterator[Callable[[], None]]:
    """Gives what waits until Ctrl-C (SIGINT) or SIGTERM; either counts from here on, however early it comes.

    A second Ctrl-C does not wait for anything to be tidied up.
    """
    ended: list[int] = []
    ours = threading.current_thread() is threading.main_thread()  # signals reach no other thread
    signals: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM) if ours else ()
    before = {number: signal.getsignal(number) for number in signals}

    def end(number: int, _: Any) -> None:
        ended.append(number)
        signal.signal(number, before[number])

    def wait() -> None:
        while not ended:
            time.sleep(0.2)  # rather than an event, whose lock this thread could hold when the signal comes
        if ended[0] == signal.SIGINT:
            _tell("\nStopped.")

    for number in signals:
        signal.signal(number, end)
    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(index: PanelIndex, url: str, host: str, auth: Auth | None, roots: Sequence[Path]) -> None:
    _tell(f"Panelseek serves {index.folder} at {url} (Ctrl-C stops it).")
    if host not in _LOOPBACK and not auth:
        _tell("Anyone who reaches this machine can search and see these comics: give --auth to ask for a password.")
    for root in roots:
        _tell(f"Whoever reaches the page may build from {root}.")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --------------------------------------------------------------------- headers

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_HEADERS = (
    # A browser that obeys this fetches nothing from anywhere else, whatever ends up in the page.
    # Gradio builds its components with eval and inline styles.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'",
    ),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


class Headers:
    """ASGI middleware that adds `_HEADERS` to every answer and lets streams through untouched."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _only_as_this_machine() -> list[Any]:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    names = ["127.0.0.1", "localhost", "[", "[::1]"]  # "[": what the middleware makes of "[::1]:7860"
    return [Middleware(TrustedHostMiddleware, allowed_hosts=names)]


def _guard() -> Any:
    from starlette.middleware import Middleware

    return Middleware(Headers)
