"""Named collections of panels: kept with an index, listed, and exported with pictures and citations."""

from retrieval.collections.export import FORMATS, export_collection, panel_png
from retrieval.collections.kept import KeptPanel, Place, add_panels, kept_panels, places_of, remove_panels
from retrieval.collections.store import Collections, CollectionSummary

__all__ = [
    "FORMATS",
    "CollectionSummary",
    "Collections",
    "KeptPanel",
    "Place",
    "add_panels",
    "export_collection",
    "kept_panels",
    "panel_png",
    "places_of",
    "remove_panels",
]
