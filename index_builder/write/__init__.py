"""Everything that writes an index."""
