"""Environment variables that change Gradio, uvicorn or httpx. Applied before any of them is imported.

Gradio takes settings from some sixty variables, for example which folders it serves. What the web app does is decided
by its options alone, so all of them are removed but those in `FIXED`, which are set.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, MutableMapping
from importlib.util import find_spec
from urllib.parse import urlsplit

FIXED = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "200",  # Gradio's log of calls; its default is 10,000
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Variables with the one value that they may have here."""

KEPT = ("GRADIO_TEMP_DIR",)
"""Variables that the server sets itself while it runs (`lifecycle.private_uploads`)."""

_REMOVED_PREFIXES = ("GRADIO_", "UVICORN_", "SPACE_", "SPACES_", "OAUTH_", "OPENID_PROVIDER_", "FASTMCP_")
_REMOVED = ("FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY", "KAGGLE_KERNEL_RUN_TYPE")

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = ("no_proxy", "NO_PROXY")


def set_environment(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove what would change the server, fix what would contact other servers, and keep loopback off proxies."""
    for name in [name for name in environment if is_removed(name)]:
        del environment[name]
    if environment.get("SYSTEM") == "spaces":  # Gradio would take this machine for one of its host's
        del environment["SYSTEM"]
    environment.update(FIXED)
    _remove_unusable_proxies(environment)
    keep_off_proxies(_LOOPBACK, environment)


def is_removed(name: str) -> bool:
    """Return True for a variable that must have no effect on the server."""
    upper = name.upper()  # names are case-insensitive on Windows
    if upper in FIXED or upper in KEPT:
        return False
    return upper.startswith(_REMOVED_PREFIXES) or upper in _REMOVED


def keep_off_proxies(hosts: Iterable[str], environment: MutableMapping[str, str] = os.environ) -> None:
    """Add hosts to the names that are never reached through a proxy, in both spellings of the variable."""
    known = [part.strip() for name in _NO_PROXY for part in environment.get(name, "").split(",")]
    merged = ",".join(dict.fromkeys(part for part in [*known, *hosts] if part))
    for name in _NO_PROXY:
        environment[name] = merged


def _remove_unusable_proxies(environment: MutableMapping[str, str]) -> None:
    """Remove proxies that httpx refuses: it would fail for every address, also for those that need no proxy."""
    for name in [name for name in environment if name.lower() in _PROXY_VARIABLES]:
        if not _is_usable(environment[name]):
            del environment[name]


def _is_usable(proxy: str) -> bool:
    address = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme in ("socks5", "socks5h"):
        return find_spec("socksio") is not None
    return parts.scheme in ("http", "https") and bool(parts.hostname)
