"""Which visitor a request comes from, as far as its address says."""

from __future__ import annotations

import ipaddress

from ui.web.security.asgi import Scope, header
from ui.web.security.origins import is_loopback

_IPV6_NETWORK = 64
"""Leading bits of an IPv6 address that stand for one visitor, who may choose the others freely."""


def client_of(scope: Scope) -> str:
    """Return the visitor's address; for a proxy on this machine, the one that it forwards for.

    A proxy adds the address of its visitor at the end; what comes before may be invented.
    """
    peer = str((scope.get("client") or ("", 0))[0])
    forwarded = header(scope, "x-forwarded-for")
    if forwarded and is_loopback(peer):
        peer = forwarded.rsplit(",", 1)[-1].strip()
    return _network(peer)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed)
