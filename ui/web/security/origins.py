"""Names of the server, and whether a request comes from a page of its own or from another website.

Browsers say where a request comes from in `Sec-Fetch-Site` and `Origin`, which no page can change. Programs send
neither and are let through: they have no cookies of a visitor, and no page can make them do anything.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from retrieval.errors import UsageError
from ui.web.security.asgi import SAFE_METHODS, Scope, header

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that only itself can reach."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORWARDED = ("x-forwarded-host", "x-forwarded-proto", "x-forwarded-for", "forwarded", "via")

Origin = tuple[str, str, int]
"""Scheme, name and port."""


def is_loopback(host: str) -> bool:
    """Return True if only this machine can reach a host."""
    name = host.strip("[]").lower()
    try:
        return name in LOOPBACK or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def parse_origin(address: str) -> Origin | None:
    """Return the origin of an address such as `https://comics.example:8443`; None for anything else, such as `null`."""
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname.rstrip("."), port) if parts.hostname else None


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """Where the server is reached. host: the address that it listens on. root_path: path or address at a proxy."""

    host: str
    root_path: str | None = None

    def __post_init__(self) -> None:
        if self.root_path and "://" in self.root_path and self.public is None:
            problem = f"--root-path {self.root_path} is neither a path nor an address"
            raise UsageError(problem, hint="write /comics or https://comics.example/comics")

    @property
    def public(self) -> Origin | None:
        """The origin that browsers see, if it was given."""
        return parse_origin(self.root_path) if self.root_path and "://" in self.root_path else None

    def knows(self, scope: Scope) -> bool:
        """Return True if a request names this server.

        A server on loopback answers to known names only: any website can make a name of its own point to 127.0.0.1, and
        its pages would then be of the same origin as the server.
        """
        if not is_loopback(self.host):
            return True
        named = parse_origin(f"http://{header(scope, 'host') or ''}")
        if named is None:
            return False
        public = (self.public[1],) if self.public else ()
        return named[1] in (*LOOPBACK, self.host.strip("[]").lower(), *public)

    def is_foreign(self, scope: Scope) -> bool:
        """Return True if a page of another origin sent a request."""
        site, origin = header(scope, "sec-fetch-site"), header(scope, "origin")
        if site is not None and site not in ("same-origin", "none"):
            return True
        if origin is None or self._is_own(scope, parse_origin(origin)):
            return False
        # A proxy may hide the name that the browser used; the browser itself says that it is the same.
        return not (site == "same-origin" and self._is_behind_proxy(scope))

    def _is_own(self, scope: Scope, origin: Origin | None) -> bool:
        if origin is None:
            return False
        host = (header(scope, "x-forwarded-host") or header(scope, "host") or "").split(",")[0].strip()
        scheme = (header(scope, "x-forwarded-proto") or str(scope.get("scheme", "http"))).split(",")[0].strip()
        return origin in (parse_origin(f"{scheme}://{host}"), self.public)

    def _is_behind_proxy(self, scope: Scope) -> bool:
        return bool(self.root_path) or any(header(scope, name) is not None for name in _FORWARDED)


def opens_page(scope: Scope) -> bool:
    """Return True if a browser opens an address in a tab, as when a visitor follows a link."""
    mode, destination = header(scope, "sec-fetch-mode"), header(scope, "sec-fetch-dest")
    return scope["method"] in SAFE_METHODS and mode == "navigate" and destination == "document"
