"""Serve the web app: `serve("my.index")`. On loopback by default; Ctrl-C stops it."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.encoder.protocol import Encoder
from retrieval.errors import UsageError
from retrieval.index import PanelIndex
from ui.web.lifecycle import DEFAULT_PORT, announce, free_port, private_uploads, stop_signals, warm_up
from ui.web.security import LOOPBACK, security_middleware
from ui.web.shell.parameters import MAX_UPLOAD_BYTES

if TYPE_CHECKING:
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
) -> None:
    """Serve the web app until Ctrl-C.

    encoder: as for `PanelIndex.open`. auth: (name, password), or several. root_path: path at which a proxy serves the
    web app. build_roots: folders below which visitors may build into this index. Raises `PanelseekError` if the index
    cannot be opened, `UsageError` if the port is in use (instead of the default port the next free one is taken).
    """
    roots = [_existing_folder(root) for root in build_roots]
    with PanelIndex.open(index_path, encoder=encoder, device=device) as index, private_uploads():
        from ui.web.api.mcp import keep_search_tool
        from ui.web.app import build_app  # Gradio takes seconds to import: first the index must open
        from ui.web.gradio_compat import bound_sessions
        from ui.web.services import Services

        free = free_port(host, port)
        services = Services(index, roots)
        app = build_app(index, services)
        bound_sessions(app)
        with redirect_stdout(io.StringIO()):  # standard output is for results; Gradio announces its tools there
            _, url, _ = app.launch(
                server_name=host,
                server_port=free,
                inbrowser=open_browser,
                auth=auth,
                root_path=root_path,
                **launch_options(services, private=host in LOOPBACK and not auth and not root_path, tools=not auth),
            )
        keep_search_tool(app)
        try:
            with stop_signals() as wait:
                _announce_start(index, url, host, auth, roots)
                threading.Thread(target=warm_up, args=(index,), daemon=True).start()
                wait()
        finally:
            services.stop()
            app.close(verbose=False)


def _existing_folder(root: str | Path) -> Path:
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError("--allow-build takes a folder, and this is none", root, hint="name a folder of comics")
    return folder


def launch_options(services: Services, private: bool = True, tools: bool = True) -> dict[str, Any]:
    """Return the launch options: looks and bounds, and everything that would contact other servers switched off.

    private: see `security.security_middleware`. tools: offer the search to models (MCP), which cannot log in.
    """
    from ui.web.gradio_compat import MAX_SESSIONS
    from ui.web.theme import head, stylesheets, theme

    return {
        "theme": theme(),
        "css_paths": stylesheets(),
        "head": head(),
        "max_file_size": MAX_UPLOAD_BYTES,
        "app_kwargs": {"middleware": security_middleware(private), "routes": services.routes()},
        "allowed_paths": [],
        "footer_links": [],
        "prevent_thread_lock": True,
        "quiet": True,
        "share": False,
        "show_error": False,
        "enable_monitoring": False,
        "state_session_capacity": MAX_SESSIONS,
        "run_history": False,  # it would keep searches in the browser
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": tools,
    }


def _announce_start(index: PanelIndex, url: str, host: str, auth: Auth | None, roots: Sequence[Path]) -> None:
    announce(f"Panelseek serves {index.folder} at {url} (Ctrl-C stops it).")
    if host not in LOOPBACK and not auth:
        announce("Anyone who can reach this machine can search and see these comics. Use --auth to require a password.")
    for root in roots:
        announce(f"Visitors can add comics from {root}.")
