"""Build and maintain indexes: `build_index(["~/comics"], "my.index")`. The only writer of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from index_builder.build import build_index
    from index_builder.maintenance.page_boxes import PagePanels, page_panels
    from index_builder.maintenance.remove import SourceContent, remove_source, source_content
    from index_builder.maintenance.repair import RepairReport, repair_index
    from index_builder.options import BuildOptions
    from index_builder.report import BuildReport
    from index_builder.watch import WatchEvent, watch_sources

__all__ = [
    "BuildOptions",
    "BuildReport",
    "PagePanels",
    "RepairReport",
    "SourceContent",
    "WatchEvent",
    "build_index",
    "page_panels",
    "remove_source",
    "repair_index",
    "source_content",
    "watch_sources",
]

_HOMES = {
    "BuildOptions": "options",
    "BuildReport": "report",
    "PagePanels": "maintenance.page_boxes",
    "SourceContent": "maintenance.remove",
    "WatchEvent": "watch",
    "RepairReport": "maintenance.repair",
    "build_index": "build",
    "remove_source": "maintenance.remove",
    "source_content": "maintenance.remove",
    "watch_sources": "watch",
    "page_panels": "maintenance.page_boxes",
    "repair_index": "maintenance.repair",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `panelseek --help` is fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
