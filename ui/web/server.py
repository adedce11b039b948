"""Serve the web app: `serve("my.index")`. On loopback by default; Ctrl-C stops it."""

from __future__ import annotations

import io
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.encoder.protocol import Encoder
from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from ui.web.environment import keep_off_proxies
from ui.web.lifecycle import (
    DEFAULT_PORT,
    WARM_UP,
    announce,
    free_port,
    private_uploads,
    stop_signals,
    wait_for_background,
    warm_up,
)
from ui.web.memory import DEFAULT_GIB, limits, memory_limits, set_memory
from ui.web.security.origins import OwnAddress, is_loopback

if TYPE_CHECKING:
    from ui.web.http_server import HttpServer
    from ui.web.services import Services

Auth = tuple[str, str] | list[tuple[str, str]]


def serve(
    index_path: str | Path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    encoder: Encoder | str | Path | None = None,
    device: str | None = None,
    open_browser: bool = False,
    auth: Auth | None = None,
    root_path: str | None = None,
    build_roots: Sequence[str | Path] = (),
    memory: float = DEFAULT_GIB,
) -> None:
    """Serve the web app until Ctrl-C.

    encoder: as for `PanelIndex.open`. auth: (name, password), or several. root_path: path or whole address at which a
    proxy serves the web app. build_roots: folders below which visitors may build into this index. memory: GiB for
    requests, not counting the index. Raises `PanelseekError` if the index cannot be opened, `UsageError` if the port is
    in use (instead of the default port the next free one is taken).
    """
    OwnAddress(host, root_path)  # raises if it is none
    set_memory(memory_limits(memory))
    keep_off_proxies([host.strip("[]")])
    roots = [_existing_folder(root) for root in build_roots]
    with PanelIndex.open(index_path, encoder=encoder, device=device) as index, private_uploads():
        from ui.web.gradio_compat import stop_server_app
        from ui.web.services import Services  # Gradio takes seconds to import: first the index must open

        services = Services(index, roots)
        server, blocks = _make_server(services, host, free_port(host, port), auth, root_path)
        try:
            with stop_signals() as wait:
                server.start()
                _announce_start(index, server.url, host, auth, roots)
                if open_browser:
                    webbrowser.open(server.url)
                threading.Thread(target=warm_up, args=(index,), name=WARM_UP, daemon=True).start()
                wait()
        finally:
            services.stop()
            stop_server_app(blocks)
            server.close()
            wait_for_background()


def _existing_folder(root: str | Path) -> Path:
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError("--allow-build takes a folder, and this is none", root, hint="name a folder of comics")
    return folder


def _make_server(
    services: Services, host: str, port: int, auth: Auth | None, root_path: str | None
) -> tuple[HttpServer, Any]:
    """Return the HTTP server of the web app, not started, and the app's blocks."""
    from ui.web.api.mcp import keep_search_tool
    from ui.web.app import UPLOAD_SECONDS, build_app
    from ui.web.gradio_compat import (
        bound_sessions,
        make_server_app,
        may_see,
        queued_bytes,
        shorten_errors,
        upload_folder,
    )
    from ui.web.http_server import HttpServer, local_url
    from ui.web.security.gate import Gate
    from ui.web.security.headers import SecurityHeaders
    from ui.web.security.limits import RequestLimits
    from ui.web.security.uploads import UploadShelf

    blocks = build_app(services.index, services)
    bound_sessions(blocks)
    shorten_errors(blocks)
    options = {**app_options(services, tools=not auth), "auth": auth, "root_path": root_path}
    with redirect_stdout(io.StringIO()):  # standard output is for results; Gradio announces its tools there
        app, inner = make_server_app(blocks, local_url(host, port), options)
    keep_search_tool(blocks)
    uploads = UploadShelf(upload_folder(), limits(), UPLOAD_SECONDS)
    bounded = RequestLimits(app, limits(), uploads, lambda: queued_bytes(blocks))
    gate = Gate(bounded, OwnAddress(host, root_path), lambda scope: may_see(inner, scope), tools=not auth)
    return HttpServer(SecurityHeaders(gate), host, port), blocks


def app_options(services: Services, tools: bool = True) -> dict[str, Any]:
    """Return the options of Gradio's app: looks, and everything that would contact other servers switched off.

    tools: offer the search to models (MCP), which cannot log in.
    """
    from ui.web.theme import head, stylesheets, theme

    return {
        "theme": theme(),
        "css_paths": stylesheets(),
        "head": head(),
        "max_file_size": limits().upload,
        "app_kwargs": {"routes": services.routes()},
        "allowed_paths": [],
        "footer_links": [],
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,  # it would keep searches in the browser
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": tools,
    }


def _announce_start(index: PanelIndex, url: str, host: str, auth: Auth | None, roots: Sequence[Path]) -> None:
    announce(f"Panelseek serves {index.folder} at {url} (Ctrl-C stops it).")
    if not is_loopback(host) and not auth:
        announce("Anyone who can reach this machine can search and see these comics. Use --auth to require a password.")
    for root in roots:
        announce(f"Visitors can add comics from {root}.")
