"""Five short comics to index and to search. `tools/sample_comics` draws them."""

from pathlib import Path

COMICS = Path(__file__).parent / "comics"

QUERY_TEXT = "the lighthouse is dark again"
"""The first query of `queries.json`: a line of one panel."""

QUERY_IMAGE = Path(__file__).parent / "query.jpg"
"""A panel as if photographed; see `tools/sample_comics/query.py`."""
