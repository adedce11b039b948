"""Search for comic panels: open an index, search it, look at the hits.

from retrieval import PanelIndex
with PanelIndex.open("my.index") as index:
    hits = index.search(text="I was never here")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.encoder import load_encoder
    from retrieval.errors import PanelseekError
    from retrieval.filters import Filter
    from retrieval.index import PanelIndex
    from retrieval.overview.facets import Facet
    from retrieval.records import Box, Panel, View
    from retrieval.search.hits import Hit
    from retrieval.search.query import Query
    from retrieval.verify import verify_index

__all__ = [
    "Box",
    "Facet",
    "Filter",
    "Hit",
    "Panel",
    "PanelIndex",
    "PanelseekError",
    "Query",
    "View",
    "load_encoder",
    "verify_index",
]

_HOMES = {
    "Box": "records",
    "Facet": "overview.facets",
    "Filter": "filters",
    "Hit": "search.hits",
    "Panel": "records",
    "PanelIndex": "index",
    "PanelseekError": "errors",
    "Query": "search.query",
    "View": "records",
    "load_encoder": "encoder",
    "verify_index": "verify",
}


def __getattr__(name: str) -> Any:
    """Return a public name, imported at its first use: `import retrieval` alone loads neither torch nor FAISS."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
