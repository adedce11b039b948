"""Types of approximate nearest-neighbour indexes."""

from __future__ import annotations

from collections.abc import Mapping

from retrieval.store.ann.base import AnnIndex
from retrieval.store.ann.ivfpq import IvfPq

ANN_INDEX_TYPES: Mapping[str, type[AnnIndex]] = {"ivfpq": IvfPq}
"""Kind of a view in a manifest -> class of its index; views of other kinds are searched exactly."""
