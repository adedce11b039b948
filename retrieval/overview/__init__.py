"""Functions over an open index: calibration, map, look-alikes, facets."""
