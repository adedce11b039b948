"""Five short comics drawn by this package, so that there is something to index and to search."""

from pathlib import Path

COMICS = Path(__file__).parent / "comics"

QUERY_TEXT = "the lighthouse is dark again"
"""The first of `queries.json`: a line that one panel says."""

QUERY_IMAGE = Path(__file__).parent / "query.jpg"
"""One panel as if photographed; see `query.py`."""
