"""Named collections of panels: kept with an index, listed, and exported with pictures and citations."""

from retrieval.collections.export import FORMATS, export_collection
from retrieval.collections.kept import KeptPanel, add_panels, kept_panels
from retrieval.collections.store import Collections, CollectionSummary

__all__ = [
    "FORMATS",
    "CollectionSummary",
    "Collections",
    "KeptPanel",
    "add_panels",
    "export_collection",
    "kept_panels",
]
