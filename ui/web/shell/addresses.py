"""Addresses inside the web app: `?tab=library`, `?q=rain&book=Harbour`, `pictures/panel/17`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

from retrieval.records import Panel

SEARCH_TAB = "search"
"""The tab that an address without `tab` opens."""


def make_address(**parameters: Any) -> str:
    """Return an address with these parameters, the empty ones left out; a list repeats its parameter."""
    pairs = [(name, value) for name, values in parameters.items() for value in _values(values)]
    return "?" + urlencode([(name, str(value)) for name, value in pairs if value not in (None, "")])


def _values(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def with_parameter(address: str, name: str, value: object | None) -> str:
    """Return an address with one parameter set, or removed if `value` is None."""
    parameters = {n: v for n, v in parse_qs(address.lstrip("?")).items() if n != name}
    if value is not None:
        parameters[name] = [str(value)]
    return "?" + urlencode(parameters, doseq=True)


def panel_prefix(address: str) -> str:
    """Return the beginning of the addresses of panels opened from an address; the panel's id follows."""
    base = with_parameter(address, "panel", None)
    return f"{base}panel=" if base == "?" else f"{base}&panel="


def is_search_address(address: str) -> bool:
    """Return True if an address opens the tab `search`, whose parameters are a search."""
    return parse_qs(address.lstrip("?")).get("tab", [SEARCH_TAB])[0] == SEARCH_TAB


def panel_image(panel: Panel) -> str:
    """Return the address of a panel's image. It changes when the image does, so that browsers may keep it."""
    return f"pictures/panel/{panel.id}?v={panel.vector_row}"


def page_image(panel: Panel) -> str:
    """Return the address of the image of a panel's page."""
    return f"pictures/page/{panel.page_id}?v={panel.vector_row}"
