"""Suggested fixes for damaged parts of an index."""

from __future__ import annotations

REPAIR_HINT = "run `panelseek verify --repair`"
"""For parts that are derived from catalog and vectors."""

RESTORE_HINT = "restore it from a copy, or delete the index folder and build it again"
"""For catalog and vectors, which are not derived from anything."""

ONE_COPY_HINT = "restore folder and catalog from one copy"
"""For a folder and a catalog of two indexes."""
