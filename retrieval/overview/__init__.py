"""Functions over an open index: map, look-alikes, facets."""
