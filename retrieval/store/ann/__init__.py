"""Approximate nearest-neighbour indexes."""
